"""Original files of property maps, whatever their format.

Invariant: nothing is guessed in silence. A file whose content does not fit is an error that names the
file, what was found, what was expected and what to do.
"""

from fwibench.datasets.readers.expected import Wanted
from fwibench.datasets.readers.maps import Maps, read_maps

__all__ = ["Maps", "Wanted", "read_maps"]
