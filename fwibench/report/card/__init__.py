"""The card of a dataset: one page with what to know before its numbers are trusted."""
