"""Datasets and methods as cells name them."""
