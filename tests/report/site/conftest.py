from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.report.site.bundles import read_entries
from fwibench.report.site.folder import write_site
from fwibench.report.site.pages import Pages
from fwibench.report.site.site import Site
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.bundles.writing import write_bundle
from tests.report.page.conftest import ENVIRONMENT, HOSTILE, leave_predicted

MARKUP = "<img src=x onerror=alert(1)>"
SCRIPT = "<script>alert(2)</script>"
TITLE = "<b>A & B</b>"


def pack(root: Path, records: list[Record], path: Path, registry: Registry, created: str) -> None:
    """Writes runs of a results folder as a bundle that was made at some time."""
    with pytest.MonkeyPatch.context() as patch:
        clock = SimpleNamespace(strftime=lambda *_: created, gmtime=lambda: None)
        patch.setattr("fwibench.runs.bundles.writing.time", clock)
        folders = [Results(root).folder(record.cell) for record in records]
        write_bundle(folders, path, registry, ["fwibench", "bundle", SCRIPT], {})


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory, salt: Dataset, registry: Registry) -> Path:
    """Three bundles: of two methods, of a better one later, and of a hostile one."""
    folder = tmp_path_factory.mktemp("board")
    root = folder / "results"
    seldom: dict[str, Any] = {"kind": "external", "environment": ENVIRONMENT, "notes": [SCRIPT]}
    plain = [leave_predicted(root, salt, method, 100.0 * n) for n, method in enumerate(("fine", "rough"), 2)]
    better = [leave_predicted(root, salt, "mean-map", 50.0, kind="baseline", environment=ENVIRONMENT)]
    hostile = [leave_predicted(root, salt, MARKUP, 900.0, chosen=HOSTILE, **seldom)]
    for name, records, created in (
        ("plain", plain, "2026-01-02T00:00:00Z"),
        ("better", better, "2026-03-04T05:06:07Z"),
        ("<i>hostile", hostile, "2026-02-03T00:00:00Z"),
    ):
        pack(root, records, folder / "bundles" / f"{name}.zip", registry, created)
    return folder / "bundles"


def render(paths: list[Path], registry: Registry, max_samples: int = 2) -> dict[str, str]:
    """The files of a site by name."""
    return dict(Pages(Site(read_entries(paths), registry, TITLE, published=True), max_samples).files())


@pytest.fixture(scope="session")
def files(bundles: Path, registry: Registry) -> dict[str, str]:
    return render([bundles], registry)


@pytest.fixture(scope="session")
def site(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "site"
    write_site(folder, files)
    return folder
