"""The commands. Thin: parse, call one function, print."""
