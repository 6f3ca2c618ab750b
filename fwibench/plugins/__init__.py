"""Hooks, discovery and the registry."""
