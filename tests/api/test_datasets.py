from __future__ import annotations

import numpy as np
import pytest
from torch.utils.data import DataLoader

import fwibench as fb
from fwibench.errors import OptionError, UnknownNameError


def test_splits_are_arrays() -> None:
    data = fb.load_dataset("salt", profile="smoke")
    assert data.train.measurements[:2].shape == (2, *data.problem.measurement_shape)
    assert data.test.properties[:].shape == (len(data.test), *data.problem.property_shape)
    assert len(data.val.ids) == len(data.val)
    assert "train 14, val 3, test 3" in repr(data)
    assert "<table>" in data._repr_html_()


def test_split_is_a_torch_dataset() -> None:
    train = fb.load_dataset("salt", profile="smoke").train
    inputs, targets = next(iter(DataLoader(train.torch(), batch_size=3)))
    np.testing.assert_array_equal(inputs.numpy(), train.measurements[:3])
    np.testing.assert_array_equal(targets.numpy(), train.properties[:3])


def test_options_and_split_are_chosen() -> None:
    noisy, plain = fb.load_dataset("salt", "smoke", snr=10), fb.load_dataset("salt", "smoke", split="block")
    assert noisy.dataset.options.snr == 10
    assert plain.scheme == "block"
    assert fb.load_dataset("salt[snr=10]", "smoke").dataset.fingerprint == noisy.dataset.fingerprint


def test_picture_is_shown_in_a_notebook() -> None:
    picture = fb.load_dataset("salt", profile="smoke").plot("val")
    assert picture._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_wrong_names_suggest_the_closest() -> None:
    with pytest.raises(UnknownNameError) as wrong:
        fb.load_dataset("slat")
    assert "salt" in wrong.value.hint
    with pytest.raises(UnknownNameError, match="no profile named 'smok'"):
        fb.load_dataset("salt", profile="smok")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="no split of salt named 'blocks'"):
        fb.load_dataset("salt", "smoke", split="blocks")
    with pytest.raises(OptionError, match="option of salt named 'snrr'"):
        fb.load_dataset("salt", "smoke", snrr=3)
