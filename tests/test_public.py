"""The public API: what `import bench` gives, imported when first used."""

import pytest

import bench


def test_public_names_are_functions_of_their_modules():
    from bench.grid import load_grid
    from bench.reading import load_scores
    from bench.reporting import build
    from bench.running import run

    assert (bench.load_grid, bench.run, bench.load_scores, bench.report) == (
        load_grid,
        run,
        load_scores,
        build,
    )
    assert callable(bench.score)
    assert callable(bench.score_encoder)
    assert set(dir(bench)) == set(bench.__all__)


def test_another_name_is_a_sentence():
    with pytest.raises(AttributeError, match="bench has no 'scores'; it has load_grid, run"):
        _ = bench.scores
