"""Pages for people: what records and datasets look like. Nothing here runs a method."""
