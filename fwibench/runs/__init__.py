"""Plan to cell to record, one child process a cell."""
