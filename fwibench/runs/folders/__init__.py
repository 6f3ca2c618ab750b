"""Operations on whole results folders."""
