import copy
import dataclasses
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fwibench.datasets.base import Dataset
from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.report.canvas import render
from fwibench.report.card.card import compare_maps, make_card, write_card
from fwibench.report.card.statistics import describe_samples
from fwibench.report.pictures import samples_figure
from fwibench.runs.opening.datasets import open_dataset
from fwibench.testing import em_problem


def test_statistics_are_those_of_the_samples(salt: Dataset) -> None:
    found = describe_samples(salt, "random")
    train, test = salt.split("random", "train"), salt.split("random", "test")
    maps, shots = train.properties[:].astype(np.float64), train.measurements[:].astype(np.float64)
    assert found.samples == len(train)
    assert dataclasses.astuple(found.property) == pytest.approx((maps.min(), maps.mean(), maps.max(), maps.std()))
    assert dataclasses.astuple(found.measurement) == pytest.approx(
        (shots.min(), shots.mean(), shots.max(), shots.std()), rel=1e-5, abs=1e-6
    )
    errors = [np.abs(maps - one).mean((1, 2, 3)).min() for one in test.properties[:]]
    assert found.nearest_map == pytest.approx(np.mean(errors), rel=1e-5)
    assert found.clipped == 0


def test_a_card_shows_units_geometry_splits_and_caveats(salt: Dataset) -> None:
    card = make_card(salt)
    text = "\n".join(f"{label}: {value}" for facts in card.sections.values() for label, value in facts)
    for part in ("m/s", "60 from (0, 10) to (590, 10) m", "Ricker 12 Hz", "synthetic", "train 14, val 3, test 3"):
        assert part in text
    assert card.caveats


def test_the_card_compares_the_maps_with_published_ones(salt: Dataset) -> None:
    table = make_card(salt).maps
    assert table.header == ("", "this dataset", "published")
    rows = {row[0]: row[1:] for row in table.rows}
    train = salt.split("random", "train").properties[:]
    assert rows["maps"] == (str(len(train)), "")
    assert rows["deviation [m/s]"] == (f"{train.std(dtype=np.float64):.4g}", "581")
    assert rows["share above 4300 m/s [%]"] == (f"{100 * (train > 4300).mean():.4g}", "5")
    assert any("SEG/EAGE" in note for note in table.notes)


def test_a_card_without_published_maps_shows_only_its_own_numbers(salt: Dataset) -> None:
    found = describe_samples(salt, "random")
    spec = salt.spec.model_copy(update={"published_maps": ()})
    other = copy.copy(salt)
    other.spec = spec
    table = compare_maps(found, other)
    assert table.header == ("", "this dataset")
    assert {row[0] for row in table.rows} >= {"mean [m/s]", "layers of a column", "median jump [m/s]"}
    assert not any("share" in row[0] for row in table.rows), "no threshold of salt is known"


def test_the_table_of_maps_is_on_every_page(salt: Dataset, tmp_path: Path) -> None:
    card = make_card(salt)
    for name in ("salt.md", "salt.html"):
        write_card(card, salt, tmp_path / name)
    assert "| deviation [m/s] |" in (tmp_path / "salt.md").read_text()
    assert '<th scope="row">deviation [m/s]</th>' in (tmp_path / "salt.html").read_text()
    assert all(note in (tmp_path / "salt.md").read_text() for note in card.maps.notes)


def test_a_variant_is_named(salt: Dataset, registry: Registry) -> None:
    card = make_card(open_dataset(registry, "salt", "smoke", {"snr": "10"}))
    assert card.title == "salt[snr=10.0]"


def test_cards_hold_the_picture(salt: Dataset, tmp_path: Path) -> None:
    card = make_card(salt)
    for name in ("salt.md", "salt.html"):
        write_card(card, salt, tmp_path / name)
    assert "![maps above, measurements below](salt.png)" in (tmp_path / "salt.md").read_text()
    assert "data:image/png;base64," in (tmp_path / "salt.html").read_text()
    pixels = np.asarray(Image.open(tmp_path / "salt.png").convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100


def test_names_are_escaped_in_html(salt: Dataset, tmp_path: Path) -> None:
    card = dataclasses.replace(make_card(salt), summary="<script>alert(1)</script>")
    write_card(card, salt, tmp_path / "card.html")
    assert "<script>" not in (tmp_path / "card.html").read_text()


def test_another_suffix_raises(salt: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected .md or .html"):
        write_card(make_card(salt), salt, tmp_path / "card.pdf")


def test_fields_are_drawn_by_frequency(salt: Dataset) -> None:
    problem = em_problem((2, 6, 20), (40, 60))
    fields = np.random.default_rng(0).normal(size=(2, 6, 20)).astype(np.float32)

    class Fields:
        def __getitem__(self, key: int) -> np.ndarray:
            return fields

    split = dataclasses.replace(salt.split("random", "test"), measurements=Fields())
    assert Image.open(BytesIO(render(samples_figure(split, problem)))).size == (1200, 600)
