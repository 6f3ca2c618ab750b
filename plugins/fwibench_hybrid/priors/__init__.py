"""Priors of refine that are learned from train maps; each is one module."""
