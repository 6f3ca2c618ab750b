"""What got slower between two runs of the benchmarks: `python benchmarks/compare.py BEFORE AFTER`.

BEFORE and AFTER are folders of `make benchmarks`. Compared is the ratio of another way's time and ours, which does
not depend on the machine's state. Ours got slower where every ratio of the later run is below every one of the earlier.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

Key = tuple[str, str, str]


def ratios_of(folder: Path) -> dict[Key, list[float]]:
    """Return the ratios by benchmark, case and way."""
    return {
        (path.stem, one["case"], one["way"]): one["ratios"]
        for path in sorted(folder.glob("*.json"))
        for one in json.loads(path.read_text())["cases"]
        if one["ratios"]
    }


def changes(before: dict[Key, list[float]], after: dict[Key, list[float]]) -> list[tuple[Key, str, float, float]]:
    """Return how each case changed: `slower`, `faster` or `same`, with both medians."""
    found = []
    for key in before.keys() & after.keys():
        earlier, later = before[key], after[key]
        how = "slower" if max(later) < min(earlier) else "faster" if min(later) > max(earlier) else "same"
        found.append((key, how, statistics.median(earlier), statistics.median(later)))
    return sorted(found)


def main() -> int:
    """Print what changed; the exit code is 1 if something got slower."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    options = parser.parse_args()
    before, after = ratios_of(options.before), ratios_of(options.after)
    found = changes(before, after)
    for (benchmark, case, way), how, earlier, later in found:
        print(f"{how:7} {benchmark}: {case}: {way} takes {later:.2f} times as long as ours, before {earlier:.2f}")
    for key in sorted(before.keys() ^ after.keys()):
        print(f"{'absent' if key in before else 'new':7} {': '.join(key)}")
    return int(any(how == "slower" for _, how, _, _ in found))


if __name__ == "__main__":
    sys.exit(main())
