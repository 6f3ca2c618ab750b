"""Figures of a results folder, one kind a module; each is described before it is drawn."""
