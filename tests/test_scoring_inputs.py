import numpy as np
import pytest

from bench.scoring import score
from bench.scoring_inputs import Representation, check_rows, read_representation

CODES = np.random.default_rng(0).standard_normal((30, 4))
FACTORS = np.arange(60).reshape(30, 2) % 3


def with_value(array, value):
    changed = array.astype(float)
    changed[3, 1] = value
    return changed


@pytest.mark.parametrize(
    ("codes", "factors", "sentence"),
    [
        (CODES[:20], FACTORS, "codes has 20 rows but factors has 30; the rows must be the same"),
        (with_value(CODES, np.nan), FACTORS, "codes has NaN or infinite values in 1 of 30 rows"),
        (with_value(CODES, np.inf), FACTORS, "codes has NaN or infinite values in 1 of 30 rows"),
        (CODES, with_value(FACTORS, 0.5), "factors has values that are not whole numbers"),
        (CODES, with_value(FACTORS, np.nan), "factors has values that are not whole numbers"),
        (CODES, FACTORS * 10**17, "factors has values beyond 2"),
        (CODES[:1], FACTORS[:1], r"There is too little to score: codes has 1 row\(s\)"),
        (CODES[:0], FACTORS[:0], r"There is too little to score: codes has 0 row\(s\)"),
        (CODES[:, :0], FACTORS, r"codes has shape \(30, 0\)"),
        (CODES[:, 0], FACTORS, r"codes has shape \(30,\)"),
        (CODES, FACTORS[:, 0], r"factors has shape \(30,\)"),
        (CODES[:2], np.zeros((2, 30), dtype=int), "There is too little to score"),
        (CODES[:5], np.zeros((5, 30), dtype=int), "factors has 30 columns for 5 rows.*Is it transposed?"),
        (CODES.astype(str), FACTORS, "codes holds <U32; it must hold real numbers"),
        (CODES * 1j, FACTORS, "codes holds complex128; it must hold real numbers"),
        (CODES, FACTORS.astype(str), "factors holds <U21; it must hold whole numbers"),
        ([[1, 2], [3]], FACTORS, "codes is no array"),
    ],
)
def test_rows_that_cannot_be_scored_are_refused_in_a_sentence(codes, factors, sentence):
    with pytest.raises(ValueError, match=sentence):
        score(codes, factors, ["mig"])


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        (CODES, "test must be a pair"),
        ((CODES[:, :2], FACTORS), "test codes has 2 columns but codes has 4"),
        ((CODES, FACTORS[:, :1]), "test factors has 1 columns but factors has 2"),
        ((CODES[:3], FACTORS), "test codes has 3 rows but test factors has 30"),
        ((CODES[:0], FACTORS[:0]), "test has no rows"),
    ],
)
def test_test_rows_must_match(test, sentence):
    with pytest.raises(ValueError, match=sentence):
        score(CODES, FACTORS, ["mig"], test=test)


def test_names_and_log_variances_must_match():
    with pytest.raises(ValueError, match="factor_names has 3 names for 2 factors"):
        score(CODES, FACTORS, ["mig"], factor_names=("a", "b", "c"))
    with pytest.raises(ValueError, match=r"log_variance has shape \(30, 3\); it must be \(30, 4\)"):
        score(CODES, FACTORS, ["mig"], log_variance=CODES[:, :3])


def test_an_unknown_metric_is_refused_with_the_nearest_word():
    with pytest.raises(ValueError, match="Did you mean mig?"):
        score(CODES, FACTORS, ["migg"])
    with pytest.raises(ValueError, match="metrics is 'mig', but must be a list"):
        score(CODES, FACTORS, "mig")


@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.float32, np.float64, bool])
def test_whole_numbers_of_any_type_are_factors(kind):
    checked = check_rows(Representation(CODES.tolist(), (FACTORS > 0).astype(kind)))
    assert checked.factors.dtype == np.int64
    assert np.array_equal(checked.factors, FACTORS > 0)
    assert checked.codes.dtype == np.float64


def test_a_file_gives_back_what_was_saved(tmp_path):
    path = tmp_path / "codes.npz"
    np.savez(path, codes=CODES, factors=FACTORS, factor_names=["shape", "hue"], log_variance=0 * CODES)
    given = read_representation(path)
    assert np.array_equal(given.codes, CODES)
    assert np.array_equal(given.factors, FACTORS)
    assert given.factor_names == ("shape", "hue")
    assert given.log_variance.shape == CODES.shape


def test_files_that_hold_no_representation_are_refused_in_a_sentence(tmp_path):
    path = tmp_path / "codes.npz"
    with pytest.raises(ValueError, match="There is no file .*codes.npz"):
        read_representation(path)
    np.savez(path, codes=CODES, labels=FACTORS)
    with pytest.raises(ValueError, match="has no array 'factors', only codes, labels"):
        read_representation(path)
    np.savez(path, codes=CODES.astype(object), factors=FACTORS)
    with pytest.raises(ValueError, match="no .npz file of plain arrays"):
        read_representation(path)
    np.save(tmp_path / "one.npy", CODES)
    for name, content in (("one.npy", None), ("text.npz", b"codes"), ("empty.npz", b"")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="no .npz file of plain arrays"):
            read_representation(tmp_path / name)
