import csv
import io
import posixpath
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import DataError
from fwibench.plugins.registry import Registry
from fwibench.report.site.bundles import find_bundles, read_entries
from fwibench.report.site.folder import NAME
from fwibench.report.site.pages import Pages
from fwibench.report.site.site import Site
from tests.report.page.conftest import HOSTILE
from tests.report.page.test_page import Parsed
from tests.report.site.conftest import MARKUP, SCRIPT, TITLE, render
from tests.report.site.made import errors, make_entry

PAGES = ("index", "history", "boards", "datasets", "methods", "entries")


@pytest.fixture(scope="module")
def parsed(files: dict[str, str]) -> dict[str, Parsed]:
    return {name: Parsed(text) for name, text in files.items() if name.endswith(".html")}


def entry_of(files: dict[str, str], method: str) -> str:
    """Name of the only page of an entry of a method, which its title begins with."""
    pages = {name: Parsed(text) for name, text in files.items() if re.fullmatch(r"entries/.*\.html", name)}
    (found,) = [name for name, page in pages.items() if " ".join(page.text).strip().startswith(method)]
    return found


def test_there_are_pages_of_all_kinds_with_safe_names(files: dict[str, str]) -> None:
    assert {name.split("/")[0].removesuffix(".html") for name in files} == {*PAGES, "assets"}
    assert not [name for name in files if not NAME.fullmatch(name)]


def test_all_links_are_relative_and_resolve(files: dict[str, str], parsed: dict[str, Parsed]) -> None:
    seen = set()
    for page, content in parsed.items():
        ids = {name: {one.get("id") for _, one in other.found} for name, other in parsed.items()}
        for tag, one in content.found:
            for attribute in ("href", "src", "action", "srcset", "data"):
                link = one.get(attribute)
                if link is None or link.startswith("data:"):
                    continue
                path, fragment = urldefrag(unquote(link))
                target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
                assert target in files, (page, tag, link)
                assert not fragment or fragment in ids[target], (page, tag, link)
                seen.add(target)
    assert seen >= files.keys() - {"index.html"}, "every page is linked"


def test_nothing_is_fetched_from_elsewhere(files: dict[str, str]) -> None:
    for name, text in files.items():
        # an address in a text is harmless
        assert not re.search(r"@import|url\((?!data:)|(src|href)=[\"']?(https?:)?//", text), name


def test_texts_of_bundles_are_shown_and_do_nothing(parsed: dict[str, Parsed]) -> None:
    for name, page in parsed.items():
        assert len(page.all("script")) == 2, name
        assert all(one["src"].endswith((".js",)) for one in page.all("script")), name
        assert not [key for _, one in page.found for key in one if key.startswith("on")], name
        assert all(str(one.get("src")).startswith("data:") for one in page.all("img")), name
        assert not page.all("i"), name
    everything = " ".join(text for page in parsed.values() for text in page.text)
    for hostile in (MARKUP, SCRIPT, TITLE, "<i>hostile.zip", "<i>a processor</i>", *HOSTILE.values()):
        assert hostile in everything, hostile


def test_tables_for_programs_hold_no_formula(registry: Registry) -> None:
    entry = make_entry("=cmd()", errors(1.0, n=3), ids=("=a()", "@b", "+c"))
    files = dict(Pages(Site([entry], registry, "", published=False), 0).files())
    tables = [text for name, text in files.items() if name.endswith(".csv")]
    assert ["'=a()" in text for text in tables] == [False, True]
    for text in tables:
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]


def test_files_of_a_board_hold_one_version_of_a_metric_each(registry: Registry) -> None:
    entries = [
        make_entry("old", errors(1.0), metrics={"mae": "1"}),
        make_entry("new", errors(2.0), metrics={"mae": "2"}),
    ]
    site = Site(entries, registry, "", published=False)
    files = dict(Pages(site, 0).files())
    (page,) = [board.page for board in site.boards]
    for name, method, other in ((page, "new", "old"), (f"{page}~2", "old", "new")):
        for suffix in ("csv", "json"):
            assert method in files[f"boards/{name}.{suffix}"]
            assert other not in files[f"boards/{name}.{suffix}"]
            assert f'href="{name}.{suffix}"' in files[f"boards/{page}.html"]
    text = " ".join(" ".join(Parsed(files[f"boards/{page}.html"]).text).split())
    assert "Scores of mae version 2" in text
    assert "Scores of mae version 1" in text
    assert "mae version 1" in " ".join(Parsed(files["methods/old.html"]).text)


def test_the_first_page_names_the_leader_and_the_latest_entry(parsed: dict[str, Parsed]) -> None:
    text = " ".join(" ".join(parsed["index.html"].text).split())
    assert re.search(r"salt split random · smoke · \d+ test samples", text)
    latest = text[text.index("Latest additions") :]
    assert re.search(r"2026-03-04\s+mean-map .*2026-02-03\s+<img .*2026-01-02", latest)
    assert "1 board 4 entries 1 dataset 4 methods 3 bundles" in text


def test_a_page_says_what_was_recomputed(parsed: dict[str, Parsed]) -> None:
    for page in parsed.values():
        text = " ".join(" ".join(page.text).split())
        assert "Scores are those of the bundles" in text
        assert "ranks, intervals and ties were computed" in text


def test_an_entry_tells_bundle_rounding_environment_and_command(
    files: dict[str, str], bundles: Path, registry: Registry
) -> None:
    text = " ".join(" ".join(Parsed(files[entry_of(files, "mean-map")]).text).split())
    (entry,) = [one for one in read_entries([bundles]) if one.record.cell.method == "mean-map"]
    for fact in (entry.submission.sha256, "2026-03-04 05:06:07 UTC", entry.record.cell.key, "<i>a processor</i>"):
        assert fact in text
    assert "fwibench run --methods mean-map --dataset salt" in text
    assert re.search(r"rounding by 0\.\d+ m/s at most", text)
    external = " ".join(Parsed(files[entry_of(files, MARKUP)]).text)
    assert "fwibench run" not in external, "no command repeats what was made elsewhere"


def test_maps_have_truth_and_error_where_the_samples_are_here(files: dict[str, str], salt: Dataset) -> None:
    page = Parsed(files[entry_of(files, "fine")])
    shown = [str(one["alt"]).split(" of ")[0] for one in page.all("img")]
    assert shown == ["truth", "prediction", "error"] * 2
    assert "shown without truth" not in " ".join(page.text)


def test_maps_without_the_samples_are_predictions_alone(
    bundles: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path))
    files = render([bundles], registry)
    page = Parsed(files[entry_of(files, "fine")])
    assert [str(one["alt"]).split(" of ")[0] for one in page.all("img")] == ["prediction"] * 2
    assert "The samples of salt were not prepared here, so predictions are shown without truth" in " ".join(page.text)


def test_the_same_bundles_in_another_order_give_the_same_files(
    files: dict[str, str], bundles: Path, registry: Registry, tmp_path: Path
) -> None:
    copy = tmp_path / "again.zip"
    shutil.copy(bundles / "plain.zip", copy)
    paths = sorted(bundles.iterdir(), reverse=True)
    assert render(paths, registry) == files
    assert len(read_entries([*paths, copy])) == len(read_entries(paths)), "an equal file counts once"


def test_a_damaged_bundle_is_an_error_that_names_it(bundles: Path, tmp_path: Path) -> None:
    for path in bundles.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / "broken.zip").write_bytes((bundles / "plain.zip").read_bytes()[:1000])
    with pytest.raises(DataError, match="broken.zip"):
        read_entries([tmp_path])


def test_a_folder_without_bundles_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no bundle"):
        find_bundles([tmp_path])
