"""Records aggregated to rows, and rows as files. Reads records only."""
