"""Scores and diagnostics, computed by processes that have access to the truth."""
