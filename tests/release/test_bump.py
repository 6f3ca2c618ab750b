"""The version stands in several files, and one step changes all of them."""

import datetime
import re
import subprocess
from pathlib import Path

import pytest

from fwibench.version import __version__
from release.bump import CODE, PLACES, ROOT, bump, read_versions

DAY = datetime.date(2030, 1, 2)
STATED = re.compile("version|date-released|fwibench==")
"""What lines contain that state version or date."""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder with the files that state the version; towncrier is not run."""
    for path in PLACES:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text((ROOT / path).read_text())
    monkeypatch.setattr(subprocess, "run", lambda *words, **options: None)
    return tmp_path


def newest_section() -> str:
    """Return the heading of the first section of the changelog."""
    return re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0]


def test_all_files_state_the_version_of_the_code() -> None:
    assert set(read_versions(ROOT).values()) == {__version__}


def test_newest_section_of_the_changelog_has_version_and_date_of_the_citation() -> None:
    dates = re.findall(r"^date-released: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert newest_section() == " ".join([__version__, *(f"({date})" for date in dates)])


def test_bump_changes_the_version_everywhere_and_nothing_else(checkout: Path) -> None:
    for version, day in (("99.0.0", DAY), ("99.0.10", DAY.replace(year=2031))):
        bump(checkout, version, day)
        assert set(read_versions(checkout).values()) == {version}
        assert f"version: {version}\ndate-released: {day}\nref" in (checkout / "CITATION.cff").read_text()
    for path in PLACES:
        before, after = (folder.joinpath(path).read_text().splitlines() for folder in (ROOT, checkout))
        kept, stays = ([line for line in lines if not STATED.search(line)] for lines in (after, before))
        assert kept == stays


@pytest.mark.parametrize("version", ["0.0.1", __version__, "99", "99.0", "v99.0.0", "99.0.0rc1", ""])
def test_version_that_is_not_larger_is_rejected(version: str, checkout: Path) -> None:
    before = read_versions(checkout)
    with pytest.raises(ValueError, match=f"cannot follow {__version__}"):
        bump(checkout, version, DAY)
    assert read_versions(checkout) == before


@pytest.mark.parametrize("path", PLACES)
def test_file_without_a_version_is_named_before_anything_changes(path: str, checkout: Path) -> None:
    (checkout / path).write_text("# empty\n")
    with pytest.raises(ValueError, match=f"{re.escape(path)} has 0 lines like"):
        bump(checkout, "99.0.0", DAY)
    assert all("99.0.0" not in (checkout / one).read_text() for one in PLACES)
    assert CODE in PLACES
