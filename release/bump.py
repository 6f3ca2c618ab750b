"""Set the version of the next release: `python -m release.bump 0.2.0`, or `make version VERSION=0.2.0`.

The version and its date are written wherever they stand, and the fragments of `changes/` become the newest section of
`CHANGELOG.md`. Nothing is committed, tagged or uploaded.
"""

from __future__ import annotations

import argparse
import datetime
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = "fwibench/version.py"
PLACES = {
    CODE: (r'__version__ = "(.+)"', '__version__ = "{version}"'),
    "CITATION.cff": (r"version: (.+)(?:\ndate-released: .+)?", "version: {version}\ndate-released: {date}"),
    "docs/guide/board.yml": (r"  FWIBENCH: fwibench==(.+)", "  FWIBENCH: fwibench=={version}"),
    "release/recipe.yaml": (r'  version: "(.+)"', '  version: "{version}"'),
}
"""Lines with the version, by file: regular expression with the version as its group, and what replaces them."""


def read_versions(root: Path) -> dict[str, str]:
    """Return the version that each file of a checkout states.

    Raises:
        ValueError: A file does not state it exactly once.
    """
    found = {}
    for path, (pattern, _) in PLACES.items():
        versions = re.findall(f"^{pattern}$", (root / path).read_text(encoding="utf-8"), re.MULTILINE)
        if len(versions) != 1:
            raise ValueError(f"{path} has {len(versions)} lines like {pattern!r}, expected one")
        found[path] = versions[0]
    return found


def bump(root: Path, version: str, date: datetime.date) -> None:
    """Set version and date in a checkout, and move the fragments into the changelog.

    Args:
        root: Folder of the checkout.
        version: The new version, three numbers.
        date: Day of the release.

    Raises:
        ValueError: A place was not found, or the version is not larger than the present one; nothing is changed.
        subprocess.CalledProcessError: towncrier failed.
    """
    present = read_versions(root)[CODE]
    if not re.fullmatch(r"\d+\.\d+\.\d+", version) or _numbers(version) <= _numbers(present):
        raise ValueError(f"the version {version!r} cannot follow {present}, expected larger numbers such as 1.2.3")
    for path, (pattern, line) in PLACES.items():
        text = (root / path).read_text(encoding="utf-8")
        line = line.format(version=version, date=date)
        (root / path).write_text(re.sub(f"^{pattern}$", line, text, flags=re.MULTILINE), encoding="utf-8")
    towncrier = (sys.executable, "-m", "towncrier", "build", "--yes", "--version", version, "--date", str(date))
    subprocess.run(towncrier, cwd=root, check=True)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="release.bump", description="Set the version of the next release.")
    parser.add_argument("version", help="version, three numbers")
    day = datetime.date.today()
    parser.add_argument("--date", type=datetime.date.fromisoformat, default=day, help="day of the release; today")
    chosen = parser.parse_args()
    try:
        bump(ROOT, chosen.version, chosen.date)
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
