"""Datasets of anybody's arrays: described once by `data add`, and from then on datasets like any other."""
