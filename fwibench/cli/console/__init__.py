"""What is printed: streams, lines, tables and progress."""
