"""The public functions of `import fwibench`."""
