"""The command line: each command parses its options, calls a function of the lower floors and prints the result."""
