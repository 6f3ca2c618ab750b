"""`data prepare`, `data verify` and `data card` of one dataset."""

import os

from fwibench.datasets.base import Dataset
from tests.conftest import Command


def test_prepared_dataset_is_verified_and_described(fwibench: Command, salt: Dataset) -> None:
    assert "20 samples in" in fwibench("data", "prepare", "salt", "--profile", "smoke").stdout
    verified = fwibench("data", "verify", "salt", "--profile", "smoke").stdout.splitlines()
    assert verified[0] == "salt (synthetic): stored and simulated again"
    assert verified[-1] == "no faults found"
    card = fwibench("data", "card", "salt", "--profile", "smoke").stdout
    assert "train 14, val 3, test 3" in card
    missing = fwibench("data", "verify", "salt", "--profile", "smoke", FWIBENCH_DATA=os.devnull + "x")
    assert missing.returncode == 1
    assert "not made yet" in missing.stderr
