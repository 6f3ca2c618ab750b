"""Execution of planned cells, from the start of their processes to the published record."""
