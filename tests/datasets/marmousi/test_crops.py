from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.marmousi.crops import Crops, crop_indices, split_of
from fwibench.errors import DataError
from fwibench.problem import Property

BOUNDS = Property(name="velocity", unit="m/s", low=1500.0, high=4700.0)
SHAPE = (20, 30)


def marked_model(depth: int = 60, width: int = 400, water: int = 9) -> np.ndarray:
    """Each column has a velocity of its own, below water."""
    model = np.broadcast_to(1600 + np.arange(width, dtype=np.float32), (depth, width)).copy()
    model[:water] = 1500
    model[water, ::3] = 1500
    return model


def test_splits_use_disjoint_columns_below_water() -> None:
    crops = Crops(marked_model(), SHAPE, BOUNDS, 400, "toy")
    seen = {
        name: {float(v) for i in rows for v in crops[int(i)].ravel()} for name, rows in crop_indices(len(crops)).items()
    }
    assert min(map(min, seen.values())) >= 1600, "no water"
    assert sum(map(len, seen.values())) == len(set().union(*seen.values())), "no column is seen by two"
    assert {name: len(rows) for name, rows in crop_indices(400).items()} == {"train": 320, "val": 40, "test": 40}
    assert len(seen["train"]) > 270, "all of its 280 columns are used"


def test_crop_depends_on_number_only() -> None:
    few, many = (Crops(marked_model(), SHAPE, BOUNDS, n, "toy") for n in (10, 1000))
    for i in range(10):
        np.testing.assert_array_equal(few[i], many[i])
    assert len({many.corner(i) for i in range(1000)}) > 700
    other = Crops(marked_model(), SHAPE, BOUNDS, 10, "other")
    assert [few.corner(i) for i in range(10)] != [other.corner(i) for i in range(10)]
    with pytest.raises(IndexError):
        few[10]


def test_unsuitable_model_raises_with_reason() -> None:
    with pytest.raises(DataError, match="narrowest split 9 columns; expected room for crops of 20 x 30"):
        Crops(marked_model(width=60), SHAPE, BOUNDS, 10, "toy")
    with pytest.raises(DataError, match="10 of them down to the sea floor"):
        Crops(marked_model(depth=25), SHAPE, BOUNDS, 10, "toy")
    with pytest.raises(DataError, match=r"median velocity is 1.7\d*, expected 1500 to 4700 m/s"):
        Crops(marked_model() / 1000, SHAPE, BOUNDS, 10, "toy")


def test_large_marmousi_file_is_cropped(real_data: Path) -> None:
    model = np.load(real_data / "marmousi2_vp_10m.npy")
    crops = Crops(model, (70, 70), BOUNDS, 200, "marmousi")
    maps = np.concatenate(list(crops))
    assert maps.shape == (200, 70, 70)
    assert maps.min() >= BOUNDS.low
    assert maps.max() <= BOUNDS.high
    assert (maps <= 1500).mean() < 0.01, "no water, little gas"
    assert maps[:, -1].mean() > maps[:, 0].mean() + 200, "depth comes first"
    rows, columns = np.array([crops.corner(i) for i in range(200)]).T
    assert rows.min() >= 45
    splits = np.array([split_of(i) for i in range(200)])
    assert columns[splits == "train"].max() + 70 <= columns[splits == "val"].min()
    assert columns[splits == "val"].max() + 70 <= columns[splits == "test"].min()
