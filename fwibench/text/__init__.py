"""Formatting of numbers and texts, and quoting of values."""
