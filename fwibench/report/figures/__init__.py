"""Figures of a results folder, one kind a module. Each is told before it is drawn."""
