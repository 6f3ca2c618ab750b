"""Statistics and pictures of datasets for their cards: `python -m fwibench_docs.measured salt marmousi`.

Reads the samples of profile `quick`, which are made first if they are not on this machine: minutes to an hour.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from fwibench_docs.code import make_card, open_built_in, render, samples_figure
from fwibench_docs.dataset_cards import MEASURED


def measure(name: str) -> tuple[dict[str, Any], bytes]:
    """Return the statistics of a dataset's samples and a picture of four of them, as PNG."""
    dataset = open_built_in(name, "quick")
    dataset.prepare()
    card = make_card(dataset)
    (statistics,) = (facts for heading, facts in card.sections.items() if heading.startswith("Statistics"))
    values = {
        "fingerprint": dataset.fingerprint[:16],
        "profile": dataset.profile,
        "statistics": statistics,
        "maps": {"header": card.maps.header, "rows": card.maps.rows, "notes": card.maps.notes},
    }
    return values, render(samples_figure(dataset.split(dataset.spec.schemes[0], "test"), dataset.problem))


def main(names: list[str]) -> None:
    """Write the files of the named datasets."""
    for name in names:
        values, picture = measure(name)
        (MEASURED / f"{name}.json").write_text(
            json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        (MEASURED / f"{name}.png").write_bytes(picture)


if __name__ == "__main__":
    main(sys.argv[1:])
