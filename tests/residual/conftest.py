import dataclasses

import pytest
from fwibench_baselines import FeatureOptions
from fwibench_baselines.nearest_neighbour import NearestNeighbour

from fwibench.methods.context import RunContext
from fwibench.testing import tiny_data
from fwibench.testing.problems import Tiny


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    return tiny_data()


@pytest.fixture
def based(tiny: Tiny, context: RunContext) -> RunContext:
    """A context with a base that knows every train sample by heart."""
    base = NearestNeighbour(tiny.problem, FeatureOptions(), context)
    base.fit(tiny.train, tiny.val)
    return dataclasses.replace(context, base=base)
