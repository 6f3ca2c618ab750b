"""A cell from its start to its published record."""
