"""Datasets of a user's files, which `fwibench data add` describes."""
