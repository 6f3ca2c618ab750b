"""Readers of property maps in files of several formats.

Invariant: nothing is guessed without a message. A file whose content does not fit is an error that names the file, what
was found, what was expected and what to do.
"""

from fwibench.datasets.readers.expected import ExpectedMaps
from fwibench.datasets.readers.maps import Maps, read_maps

__all__ = ["ExpectedMaps", "Maps", "read_maps"]
