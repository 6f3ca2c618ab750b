"""The commands of `fwibench data`."""
