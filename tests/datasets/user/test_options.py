"""Options of `data add` from TOML files: values, precedence and errors."""

from pathlib import Path

import pytest

from fwibench.datasets.user.options import make_options, missing_options, override_options, read_options_file
from fwibench.errors import UsageError

GOOD = """
measurements = "data*.npy"
properties = "maps/model*.npy"
spacing = 10
dt = 0.001
frequency = 15.0
source-x = [0, 150, 300]
receiver_x = "0:300:16"
source-depth = [0, 10, 20]
free-surface = true
test_numbers = [0, 5]
summary = "a line"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "add.toml"
    path.write_text(text)
    return path


def test_options_file_gives_values_with_paths_relative_to_it(tmp_path: Path) -> None:
    values = read_options_file(write(tmp_path, GOOD + 'wavelet = "w.npy"\nsurvey = "survey.toml"\n'))
    assert values.pop("survey") == str(tmp_path / "survey.toml")
    options = make_options({"name": "mine", **values})
    assert options.measurements == str(tmp_path / "data*.npy")
    assert options.properties == str(tmp_path / "maps/model*.npy")
    assert options.wavelet == str(tmp_path / "w.npy")
    assert (options.spacing, options.dt, options.frequency) == (10.0, 0.001, 15.0)
    assert (options.source_x, options.receiver_x) == ((0, 150, 300), "0:300:16")
    assert (options.source_depth, options.free_surface, options.test_numbers) == ((0, 10, 20), True, "0,5")


def test_folder_with_pattern_characters_is_matched_literally(tmp_path: Path) -> None:
    folder = tmp_path / "run[1]"
    folder.mkdir()
    (folder / "data1.npy").touch()
    values = read_options_file(write(folder, 'measurements = "data*.npy"\n'))
    from fwibench.datasets.user.file_pairs import find_files

    assert find_files(values["measurements"], "measurements") == [folder / "data1.npy"]


def test_absolute_paths_are_kept(tmp_path: Path) -> None:
    assert read_options_file(write(tmp_path, 'properties = "/maps/*.npy"'))["properties"] == "/maps/*.npy"


def test_lists_of_frequencies_are_accepted(tmp_path: Path) -> None:
    values = read_options_file(write(tmp_path, 'kind = "em"\nfrequencies = [0.1, 1, 10]\n'))
    assert values["frequencies"] == "0.1,1,10"


WRONG = {
    "unknown key": ("spacng = 10", "there is no option of data add named 'spacng'", "spacing"),
    "text for a number": ('spacing = "10"', "spacing is '10': input should be a valid number", "grid spacing [m]"),
    "number for a text": ("measurements = 5", "measurements is 5: input should be a valid string", "pattern"),
    "text for a truth value": ('headers = "no"', "headers is 'no': input should be a valid boolean", "SEG-Y headers"),
    "fraction for a number": ("order = 4.5", "order is 4.5: input should be a valid integer", "order of the finite"),
    "not finite": ("dt = nan", "dt is nan: input should be a finite number", "time step [s]"),
    "negative spacing": ("spacing = -1", "spacing is -1: input should be greater than 0", "grid spacing"),
    "other choice": ('split = "first"', "split is 'first': input should be 'random' or 'last'", "last samples"),
    "mixed list": ('source-x = [0, "a"]', "source-x is [0, 'a']: it has a wrong type", "positions of the sources"),
    "date": ("dt = 2024-01-01", "dt is datetime.date(2024, 1, 1): input should be a valid number", "time step"),
    "given twice": ("source-x = [0]\nsource_x = [1]", "source_x is given twice", "leave one out"),
    "table": ("[grid]\nspacing = 10", "[grid] is a table, expected options", "--survey"),
    "not TOML": ("spacing = 10 m", "cannot be read", "guide"),
}


@pytest.mark.parametrize(("text", "message", "hint"), WRONG.values(), ids=WRONG)
def test_wrong_options_file_raises_with_file_and_key(text: str, message: str, hint: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as wrong:
        read_options_file(path)
    assert str(path) in wrong.value.message
    assert message in wrong.value.message
    assert hint in wrong.value.hint


def test_absent_options_file_raises(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.toml cannot be read: .*No such file"):
        read_options_file(tmp_path / "none.toml")


def test_later_options_replace_the_ones_they_make_void() -> None:
    values = {"frequency": 15.0, "delay": 0.07, "source_depth": 5.0, "spacing": 10.0}
    assert override_options(values, {"wavelet": "w.npy"}) == {"source_depth": 5.0, "spacing": 10.0, "wavelet": "w.npy"}
    assert override_options(values, {"depth": 8.0, "delay": 0.1})["depth"] == 8.0
    assert "source_depth" not in override_options(values, {"depth": 8.0})


def test_electromagnetic_data_are_of_conductivity_by_default() -> None:
    values = {"name": "mine", "measurements": "u.npy", "properties": "c.npy", "spacing": 10.0}
    assert (make_options(values).property, make_options(values).unit) == ("velocity", "m/s")
    em = make_options({**values, "kind": "em"})
    assert (em.property, em.unit) == ("conductivity", "S/m")


def test_missing_options_depend_on_files_and_kind() -> None:
    given = {"measurements": "u.npy", "properties": "c.npy", "spacing": 10.0}
    assert missing_options(given) == ["dt", "frequency"]
    assert missing_options({**given, "wavelet": "w.npy"}) == ["dt"]
    assert missing_options({**given, "measurements": "u.SGY"}) == ["frequency"]
    assert missing_options({**given, "kind": "em"}) == ["frequencies"]
