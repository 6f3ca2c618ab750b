import os

import pytest
import torch


@pytest.fixture(scope="session")
def device() -> str:
    """Where the device tests run: `FWIBENCH_TEST_DEVICE`, or the GPU if there is one, or the CPU."""
    return os.environ.get("FWIBENCH_TEST_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
