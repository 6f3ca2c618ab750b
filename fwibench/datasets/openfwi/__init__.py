"""The ten two-dimensional families of OpenFWI: original files, read in place, and synthetic twins."""
