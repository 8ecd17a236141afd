"""Studies that several tests look at, each made once."""

import numpy as np
import pytest

from bench.reporting.cells import assemble
from bench.reporting.claims.verdicts import decide
from tests.reporting import synthetic


@pytest.fixture(scope="session")
def quick():
    """A study like the quick start's."""
    plan, scores = synthetic.quickstart()
    return assemble("quickstart", scores, plan)


@pytest.fixture(scope="session")
def part_of_the_grid():
    """Three data sets of the paper's grid at every value, with 10 seeds and known effects."""
    plan = synthetic.make_plan(("dsprites", "color_dsprites", "cars3d"), seeds=10)
    return assemble("part", synthetic.make_scores(plan, synthetic.Effects(0.4, 0.25, 0.35)), plan)


@pytest.fixture(scope="session")
def decided(part_of_the_grid):
    """Its claims by name."""
    return {claim.name: claim for claim in decide(part_of_the_grid, np.random.default_rng(0))}
