"""The commands of `fwibench plugins`."""
