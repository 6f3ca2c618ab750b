"""OpenFWI's ten two-dimensional families: their original files in place, and synthetic twins."""
