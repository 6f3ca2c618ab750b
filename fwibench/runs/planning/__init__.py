"""From a request to a list of cells."""
