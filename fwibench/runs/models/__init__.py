"""Model files: a fitted method in one file, with everything that it needs to predict."""
