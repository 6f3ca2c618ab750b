"""The version of the distribution; a module of its own, so that no floor imports the public names above it."""

__version__ = "0.2.0"
