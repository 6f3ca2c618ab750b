"""The engine of a request."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.engines.engine import Engine
from fwibench.runs.execution.engines.local import LocalEngine
from fwibench.runs.machine.devices import may_use_gpu
from fwibench.runs.machine.shares import jobs_that_fit, visible_gpus
from fwibench.runs.planning.plan import PlannedCell, metric_names
from fwibench.runs.planning.request import Request
from fwibench.text.readable import counted

if TYPE_CHECKING:
    from fwibench.runs.execution.engines.cluster import ClusterEngine


@contextmanager
def open_engine(plan: Sequence[PlannedCell], request: Request, registry: Registry) -> Iterator[Engine]:
    """Open the engine that a request names; when the block ends, no cell runs any more.

    Args:
        plan: Cells of the request.
        request: Says where cells run, and how many at a time.
        registry: Registry of the methods.

    Raises:
        UsageError: A cell needs more GPUs than there are.
    """
    engine = _connect(plan, request, registry) if request.cluster else _open_here(plan, request, registry)
    try:
        yield engine
    except BaseException:
        engine.cancel()
        raise
    finally:
        engine.close()


def count_places(plan: Sequence[PlannedCell], request: Request, registry: Registry) -> int:
    """Return how many cells of a plan would run at a time.

    Args:
        plan: Cells of a request.
        request: Says where cells run.
        registry: Registry of the methods.

    Raises:
        FwibenchError: The cluster cannot be reached.
    """
    if request.cluster:
        _check_installed()
        from fwibench.runs.execution.engines.connection import count_places_of

        return count_places_of(request.cluster)
    return _share_out(plan, request, registry)[0]


def _open_here(plan: Sequence[PlannedCell], request: Request, registry: Registry) -> LocalEngine:
    jobs, gpus = _share_out(plan, request, registry)
    return LocalEngine(Results(request.results), jobs, gpus, force=request.force)


def _share_out(plan: Sequence[PlannedCell], request: Request, registry: Registry) -> tuple[int, list[str]]:
    """Return the number of cells that run side by side on this machine, and the GPUs that they share out."""
    gpus = _shared_gpus(plan, request, registry)
    return request.jobs or _fitting_jobs(plan, request, gpus), gpus


def _check_installed() -> None:
    """Raise `UsageError` unless Dask's distributed is installed."""
    if find_spec("distributed") is None:
        install = 'pip install "fwibench[cluster]", here and on the workers'
        raise UsageError("--cluster needs the package distributed, which is not installed", install)


def _connect(plan: Sequence[PlannedCell], request: Request, registry: Registry) -> ClusterEngine:
    _check_installed()
    from fwibench.runs.execution.engines.cluster import open_cluster

    if request.jobs != 1:
        raise UsageError("--jobs is for this machine", "the number of workers of a cluster, and their threads, decide")
    cells = [one.cell for one in plan if one.will_run]
    needed = {f"method {one.method}" for one in cells} | {f"dataset {name}" for one in cells for name in one.datasets}
    needed |= {f"metric {name}" for name in metric_names(request.metrics, registry)}
    return open_cluster(request.cluster, Results(request.results), registry, sorted(needed), force=request.force)


def _shared_gpus(plan: Sequence[PlannedCell], request: Request, registry: Registry) -> list[str]:
    """Return the GPUs that the cells share out; empty if none may use a GPU, or if they run one after the other."""
    if request.jobs == 1 and request.devices_per_cell == 1:
        return []
    methods = {one.cell.method for one in plan if one.will_run}
    if not any(may_use_gpu(registry.method(name).spec, request.device) for name in methods):
        return []
    gpus = visible_gpus(os.environ)
    if number := request.device.partition(":")[2]:
        # the cell itself reports a number that no GPU has
        gpus = gpus[int(number) :][:1]
    if gpus and len(gpus) < request.devices_per_cell:
        asked = f"--devices-per-cell is {request.devices_per_cell}"
        raise UsageError(f"{asked}, torch sees {counted(len(gpus), 'GPU')}", "use fewer devices, or --device cpu")
    return gpus


def _fitting_jobs(plan: Sequence[PlannedCell], request: Request, gpus: Sequence[str]) -> int:
    """Return the number of cells that fit this machine side by side."""
    cells = [one for one in plan if one.will_run]
    needs: dict[tuple[str, ...], float | None]
    if request.memory_limit is not None:
        needs = dict.fromkeys((_kind(one.cell) for one in cells), request.memory_limit / 1e6)
    else:
        needs = {
            _kind(one.cell): one.costs.peak_memory_mb for one in Results(request.results).records(history=False)[0]
        }
    places = len(gpus) // request.devices_per_cell if gpus else None
    return jobs_that_fit(len(cells), places, [needs.get(_kind(one.cell)) for one in cells])


def _kind(cell: Cell) -> tuple[str, ...]:
    """What cells with the same need of memory agree in."""
    return cell.method, *cell.datasets, cell.profile
