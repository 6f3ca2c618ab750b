"""The machine a cell runs on: devices, versions, load, state of the interpreter."""
