"""Studies: the cells of declared sweeps, their values with uncertainty, and judged claims."""
