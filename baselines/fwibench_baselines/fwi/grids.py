"""Grids of the bands: as coarse as the wavelengths of a band allow.

Planning imports this module, so it imports nothing heavy.
"""

from __future__ import annotations

import math

from fwibench.problem import AcousticPhysics, Problem, acoustic_physics

LARGEST_FACTOR = 2
"""Largest spacing over that of the problem. Coarser grids save little, since the absorbing frame and the overhead of a
call remain, and their data are up to four times as far from those of the problem."""
FEWEST = 20
"""Smallest number of nodes of a coarse grid along the shorter side. Small maps are cheap, and consist of edges."""
THINNEST = 8
"""Smallest width of the absorbing frame [cells]. Thinner ones reflect several percent of long waves, and at the lowest
frequencies that is more than the models change the data."""
CELLS = 6
"""Cells of the shortest wavelength for which the absorbing frame is set up; deepwave warns of fewer."""
ORDER = 8
"""Order in space on coarse grids, where a higher one costs little, since most of the time is not spent on stencils."""
SPREAD = 2.0
"""Highest frequency of a band over its corner: beyond it a Butterworth filter of order 4 leaves less than 7 %."""


def coarseness(problem: Problem, corner: float | None, nodes: float) -> int:
    """Return the spacing of a band's grid over that of the problem.

    Args:
        problem: Problem of the data, or as the inversion simulates it.
        corner: Upper corner of the band [Hz]; None: full band, which is simulated on the grid of the problem.
        nodes: Smallest number of nodes in the shortest wavelength of the band; 0: all bands on the problem's grid.
    """
    physics = problem.physics
    # a free surface lies one cell above row 0, whatever the spacing
    if corner is None or not nodes or not isinstance(physics, AcousticPhysics) or physics.free_surface:
        return 1
    shortest, rows = problem.property.low / (SPREAD * corner), min(problem.grid.shape)
    return min(max(int(shortest / nodes / problem.grid.spacing), 1), max(rows // FEWEST, 1), LARGEST_FACTOR)


def coarse_grid(problem: Problem, factor: int) -> Problem:
    """Return the problem on a grid of `factor` times the spacing; its time axis is not changed.

    Raises:
        TypeError: The problem is not acoustic.
    """
    if factor == 1:
        return problem
    physics, grid = acoustic_physics(problem), problem.grid
    nz, nx = (math.ceil((length - 1) / factor) + 1 for length in grid.shape)
    frame = max(math.ceil(physics.pml_width / factor), min(physics.pml_width, THINNEST))
    # that of the problem, which absorbs as the data did, as long as its wavelengths have enough cells
    frequency = min(physics.pml_freq, problem.property.low / (CELLS * factor * grid.spacing))
    # a source lies on one node, whose cell is larger
    scale = physics.source_scale / factor**2
    return problem.model_copy(
        update={
            "grid": grid.model_copy(update={"nz": nz, "nx": nx, "spacing": factor * grid.spacing}),
            "physics": physics.model_copy(
                update={"pml_width": frame, "pml_freq": frequency, "source_scale": scale, "accuracy": ORDER}
            ),
        }
    )
