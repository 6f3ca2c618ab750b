"""Planning and running cells: each runs in a child process and ends with a record."""
