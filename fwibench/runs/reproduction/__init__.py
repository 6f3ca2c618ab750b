"""Reproduction of a finished run, and comparison of both results."""
