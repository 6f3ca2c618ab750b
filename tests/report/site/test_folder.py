from pathlib import Path

import pytest

from fwibench.errors import DataError, UsageError
from fwibench.report.site.folder import LIST, Files, check_site, write_site


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.html").write_text("years of work")
    with pytest.raises(UsageError, match="no site"):
        write_site(tmp_path, {"index.html": "x"})
    assert names(tmp_path) == {"thesis.html"}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        check_site(tmp_path / "site")


def test_a_former_site_is_replaced_and_other_files_are_kept(tmp_path: Path) -> None:
    write_site(tmp_path, {"index.html": "old", "entries/gone.html": "old"})
    (tmp_path / "CNAME").write_text("example.org")
    size = write_site(tmp_path, {"index.html": "new", "entries/added.html": "new"})
    assert names(tmp_path) == {"index.html", "entries/added.html", "CNAME", LIST}
    assert (tmp_path / "index.html").read_text() == "new"
    assert size == sum((tmp_path / name).stat().st_size for name in names(tmp_path) - {"CNAME"})


@pytest.mark.parametrize("name", ["../precious.html", "a/../../precious.html", "/precious.html"])
def test_a_list_with_paths_outside_removes_nothing(tmp_path: Path, name: str) -> None:
    site, precious = tmp_path / "site", tmp_path / "precious.html"
    precious.write_text("kept")
    write_site(site, {"index.html": "x"})
    absolute = str(precious) if name.startswith("/") else name
    (site / LIST).write_text(Files(fwibench="0", files=(absolute, "index.html")).model_dump_json())
    write_site(site, {"index.html": "y"})
    assert precious.read_text() == "kept"


def test_a_damaged_list_is_an_error(tmp_path: Path) -> None:
    write_site(tmp_path, {"index.html": "x"})
    (tmp_path / LIST).write_text("{")
    with pytest.raises(DataError, match="list of files"):
        write_site(tmp_path, {"index.html": "y"})


def test_an_interrupted_site_can_be_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, write = {"history.html": "x", "index.html": "x"}, Path.write_bytes

    def fail(path: Path, content: bytes) -> int:
        if path.name == "index.html":
            raise KeyboardInterrupt
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        with pytest.raises(KeyboardInterrupt):
            write_site(tmp_path, files)
    write_site(tmp_path, files)
    assert names(tmp_path) == {*files, LIST}
