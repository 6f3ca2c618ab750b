"""What the benchmarks share: ways to do the same work, timed in turns, growth with the work's size, and a file of both.

Invariant: a ratio is of two ways in one run, round by round, so that drift of the machine meets both.
"""

from __future__ import annotations

import json
import math
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FOLDER = Path(__file__).parent / "results"
ROUNDS = 5
PACKAGES = ("fwibench", "torch", "deepwave", "numpy", "scipy")


class Took(NamedTuple):
    """Times of one call [s]; the processor's hardly depends on who else is at work."""

    wall: float
    processor: float


class Benchmark:
    """Times of one script, written to `results/NAME.json` at the end of a `with` block that raises nothing.

    Args:
        name: Name of the file.
        question: What is measured, in one line.
    """

    def __init__(self, name: str, question: str) -> None:
        self._name = name
        self._content: dict[str, Any] = {
            "question": question,
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": describe_machine(),
            "cases": [],
            "growth": [],
            "values": [],
        }
        print(question, flush=True)

    def __enter__(self) -> Benchmark:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / f"{self._name}.json").write_text(json.dumps(self._content, indent=1) + "\n")

    def compare(
        self,
        case: str,
        ways: Mapping[str, Callable[[], Any]],
        *,
        rounds: int = ROUNDS,
        difference: Callable[[Any, Any], float] | None = None,
        at_most: float = 0.0,
    ) -> dict[str, float]:
        """Time ways to do the same work, the first of which is ours, and print how much longer the others take.

        Args:
            case: What is done.
            ways: Calls by name; each does the whole work.
            rounds: How often each is called, after a call that is not timed.
            difference: Of the result of another way and ours; None: results cannot be compared.
            at_most: Largest difference of results that do the same work.

        Returns:
            The median ratio of each other way's wall time and ours, which is above 1 where ours is faster.

        Raises:
            AssertionError: A result differs more.
        """
        results = {name: call() for name, call in ways.items()}
        ours, *others = ways
        found = {name: difference(results[name], results[ours]) for name in others} if difference else {}
        for name, one in found.items():
            assert one <= at_most, f"{case}: {name} differs by {one:g} from {ours}, at most {at_most:g} was expected"
        taken: dict[str, list[Took]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, call in ways.items():
                taken[name].append(clock(call))
        ratios = {name: [a.wall / b.wall for a, b in zip(taken[name], taken[ours], strict=True)] for name in others}
        medians = {name: statistics.median(each) for name, each in ratios.items()}
        print(f"{case}: {ours} {show(statistics.median(one.wall for one in taken[ours]))}")
        for name, each in ratios.items():
            differs = f", results {found[name]:.1e} apart" if name in found else ""
            spread = f"({min(each):.2f} to {max(each):.2f})"
            if used := sum(one.processor for one in taken[ours]):
                spread += f", {sum(one.processor for one in taken[name]) / used:.2f} times the processor time"
            print(f"  {name}: {medians[name]:.2f} times as long {spread}{differs}", flush=True)
        self._content["cases"] += [
            {
                "case": case,
                "way": name,
                "ours": name == ours,
                "wall_s": [one.wall for one in times],
                "processor_s": [one.processor for one in times],
                "ratios": ratios.get(name, []),
                "difference": found.get(name),
            }
            for name, times in taken.items()
        ]
        return medians

    def grow(
        self,
        case: str,
        what: str,
        sizes: Sequence[int],
        work: Callable[[int], Callable[[], Any]],
        *,
        rounds: int = ROUNDS,
    ) -> float:
        """Time work of several sizes in turns, and print the exponent of the time's growth.

        Args:
            case: What is done.
            what: What the sizes count.
            sizes: The sizes.
            work: Returns the call of a size; what it does before is not timed.
            rounds: How often each size is timed, after a call that is not timed.

        Returns:
            The slope of the logarithm of the median time over that of the size: 1 for linear growth.
        """
        calls = {size: work(size) for size in sizes}
        for call in calls.values():
            call()
        taken = {size: [] for size in sizes}
        for _ in range(rounds):
            for size, call in calls.items():
                taken[size].append(clock(call))
        medians = [statistics.median(one.wall for one in times) for times in taken.values()]
        slope, _ = statistics.linear_regression([math.log(size) for size in sizes], [math.log(t) for t in medians])
        print(f"{case}: time grows as {what} to the power of {slope:.2f}", flush=True)
        self._content["growth"].append(
            {
                "case": case,
                "what": what,
                "sizes": list(sizes),
                "wall_s": [[one.wall for one in times] for times in taken.values()],
                "exponent": slope,
            }
        )
        return slope

    def note(self, case: str, value: float, unit: str) -> None:
        """Keep and print a number that is not a ratio of times, such as a peak of memory."""
        print(f"{case}: {value:.4g} {unit}", flush=True)
        self._content["values"].append({"case": case, "value": value, "unit": unit})


def relative(found: Any, ours: Any) -> float:
    """Return the relative L2 of two arrays."""
    return float(np.linalg.norm(found - ours) / np.linalg.norm(ours))


def drop_from_cache(folder: Path) -> None:
    """Make the system read the files of a folder from the disk again."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def clock(call: Callable[[], Any]) -> Took:
    """Return the times of a call."""
    start, before = time.perf_counter(), _processor()
    call()
    return Took(time.perf_counter() - start, _processor() - before)


def _processor() -> float:
    """Time of this process and of its ended children, all threads together [s]."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def describe_machine() -> dict[str, Any]:
    """Return platform, processor, cores and versions."""
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "platform": platform.platform(),
        "processor": models[0] if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def show(seconds: float) -> str:
    """Return the text of a time: `1.23 s`, or `4.56 ms`."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.2f} ms"
