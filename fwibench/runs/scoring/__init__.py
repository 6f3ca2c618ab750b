"""Scores of predictions, by processes that see the truth."""
