"""Methods, datasets and metrics that break one requirement each, and one of each kind that meets all."""
