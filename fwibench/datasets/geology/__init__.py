"""Synthetic geology: each module draws one kind of subsurface from a random generator."""

from fwibench.datasets.geology.fields import smooth_noise
from fwibench.datasets.geology.salt import salt_volume

__all__ = ["salt_volume", "smooth_noise"]
