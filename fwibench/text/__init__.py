"""Texts: numbers for readers, values in quotes."""
