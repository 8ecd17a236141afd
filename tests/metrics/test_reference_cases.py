"""The code function of the reference cases, on which the sampled metrics' tests rest."""

import numpy as np
import pytest
import reference_cases as reference


@pytest.mark.parametrize("name", reference.NAMES)
def test_the_code_function_gives_the_stored_codes(name):
    a = reference.arrays(name)
    assert np.array_equal(reference.grid_codes(name, a["factors_train"]), a["codes_train"])
    if "grid_codes" in a:
        grid = reference.Grid(name, a["factor_sizes"])
        assert np.array_equal(reference.grid_codes(name, grid.factors(np.arange(grid.size))), a["grid_codes"])
