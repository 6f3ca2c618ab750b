"""Leaderboards as content of files: pure functions of rows."""
