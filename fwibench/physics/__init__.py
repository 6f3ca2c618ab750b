"""Property to measurement."""
