"""Marmousi: folded and faulted sections in the manner of the Marmousi model, or a user's original maps."""
