"""Where the cells of a plan run: on this machine, some at a time, or on a cluster."""
