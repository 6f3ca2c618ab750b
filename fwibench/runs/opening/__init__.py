"""Datasets and methods, built from the names and options of a cell."""
