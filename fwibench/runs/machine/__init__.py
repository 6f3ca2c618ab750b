"""The machine that a cell runs on: devices, software versions, load, and the state of the interpreter."""
