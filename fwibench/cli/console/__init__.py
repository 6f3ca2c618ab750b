"""Printing: standard streams, lines, tables and progress."""
