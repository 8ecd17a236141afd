"""Rows: codes with their factors, split into train and test, able to hold a factor fixed.

This is all a metric ever sees. Evaluation draws are functions of (data set, metric, stream), the same for
every cell, so that two models are compared on the same images.
"""

import hashlib
import json

import numpy as np

TRAIN_ROWS = 10_000
TEST_ROWS = 5_000


def evaluation_rng(dataset: str, metric: str, stream: str) -> np.random.Generator:
    """The generator of one evaluation draw: Philox under the first 128 bits of SHA-256 of its names."""
    name = json.dumps([dataset, metric, stream]).encode()
    return np.random.Generator(
        np.random.Philox(key=int.from_bytes(hashlib.sha256(name).digest()[:16], "big"))
    )


def evaluation_images(dataset, images: int) -> np.ndarray:
    """Indices (images,) of `evaluation.images`, drawn without replacement, the same for all cells."""
    if not 3 <= images <= dataset.size:
        raise ValueError(
            f"evaluation.images is {images}, but {dataset.name} allows 3 to {dataset.size}; "
            "leave it out to use the whole grid."
        )
    return evaluation_rng(dataset.name, "images", "0").choice(dataset.size, size=images, replace=False)


def stored_images(dataset, images: int) -> np.ndarray:
    """Indices of the at most `images` images whose codes are kept, the same for all cells; pictures show the
    first few."""
    return evaluation_rng(dataset.name, "stored codes", "0").permutation(dataset.size)[:images]


def split(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the first two thirds of n rows (at most 10,000) and of the rest (at most 5,000)."""
    train = min(2 * n // 3, TRAIN_ROWS)
    return np.arange(train), np.arange(train, min(n, train + TEST_ROWS))


class FactorIndex:
    """Which rows of factors (N, K) share a value; made once per table and shared by its representations."""

    def __init__(self, factors: np.ndarray):
        self.factors = factors
        self.labels = np.empty(factors.shape, dtype=np.int32)
        counts = []
        for k, column in enumerate(factors.T):
            low, span = column.min(), int(column.max() - column.min()) + 1
            if span > 10 * len(column) + 1000:
                # Labels far apart are numbered first, so that counting them needs no table of their span.
                column, low = np.unique(column, return_inverse=True)[1], 0
            self.labels[:, k] = column - low
            counts.append(np.bincount(self.labels[:, k]))
        self.counts = np.zeros((len(counts), max(map(len, counts))), dtype=np.int64)
        for k, count in enumerate(counts):
            self.counts[k, : len(count)] = count
        self.starts = np.cumsum(self.counts, axis=1) - self.counts
        self.order = np.stack([_sorted_rows(self.labels[:, k]) for k in range(len(counts))])

    def draw(self, k: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        """Row numbers (m, size): for each factor of k (m,), rows that share a random row's value of it."""
        value = self.labels[rng.integers(len(self.labels), size=len(k)), k]
        offset = (rng.random((len(k), size)) * self.counts[k, value][:, None]).astype(np.int64)
        return self.order[k[:, None], self.starts[k, value][:, None] + offset]


def _sorted_rows(labels: np.ndarray) -> np.ndarray:
    """Row numbers sorted by label; a stable sort of 16-bit labels is a radix sort, ten times faster."""
    small = labels.astype(np.uint16) if labels.max() < 2**16 else labels
    return np.argsort(small, kind="stable").astype(np.int32)


class Rows:
    """Codes (n, d) float64 and factors (n, K) int64 of one representation."""

    def __init__(self, mean, log_variance, by_factor: FactorIndex, train, test, name: str, seed: int = 0):
        """Rows of a table: mean and log_variance (N, d), positions of the training and test rows in it.

        log_variance is None for the mean representation. With it every drawn row gets fresh noise.
        """
        for table, what in ((mean, "codes"), (log_variance, "log-variances")):
            if table is not None and not np.isfinite(table).all():
                bad = int((~np.isfinite(table)).any(axis=1).sum())
                raise ValueError(f"The {what} of {bad} of {len(table)} rows are NaN or infinite.")
        self._mean, self._log_variance, self._by_factor = mean, log_variance, by_factor
        self._train, self._test, self._name, self._seed = train, test, name, seed
        noise = evaluation_rng(name, "noise", str(seed))
        self._train_codes = self._codes(train, noise)
        self._test_codes = self._codes(test, noise)
        self._shared = {}

    @classmethod
    def whole_grid(cls, mean, log_variance, dataset, representation="mean", by_factor=None, seed=0) -> "Rows":
        """The study's rows: 10,000 and 5,000 draws with replacement from the code table of every image."""
        by_factor = by_factor or FactorIndex(dataset.factors(np.arange(dataset.size)))
        rng = evaluation_rng(dataset.name, "rows", str(seed))
        train, test = rng.integers(len(mean), size=TRAIN_ROWS), rng.integers(len(mean), size=TEST_ROWS)
        noise = log_variance if representation == "sampled" else None
        return cls(mean, noise, by_factor, train, test, dataset.name, seed)

    @classmethod
    def sample(
        cls, mean, log_variance, index, dataset, representation="mean", by_factor=None, seed=0
    ) -> "Rows":
        """Rows of the images `index` (N,), each used once; interventions choose among these images only."""
        by_factor = by_factor or FactorIndex(dataset.factors(index))
        noise = log_variance if representation == "sampled" else None
        return cls(mean, noise, by_factor, *split(len(mean)), dataset.name, seed)

    @classmethod
    def given(cls, codes, factors, test=None, log_variance=None, seed=0) -> "Rows":
        """Given rows as they are, once each; `test` = (codes, factors), without it two thirds train.

        Interventions choose among all given rows. log_variance, of all rows, makes the codes sampled ones.
        """
        positions = split(len(codes))
        if test is not None:
            positions = np.arange(len(codes)), len(codes) + np.arange(len(test[0]))
            codes, factors = np.concatenate([codes, test[0]]), np.concatenate([factors, test[1]])
        return cls(codes, log_variance, FactorIndex(factors), *positions, "given", seed)

    def train(self) -> tuple[np.ndarray, np.ndarray]:
        """Training codes (n, d) float64 and factors (n, K) int64."""
        return self._train_codes, self._by_factor.factors[self._train].astype(np.int64)

    def test(self) -> tuple[np.ndarray, np.ndarray]:
        """Test codes (n, d) float64 and factors (n, K) int64."""
        return self._test_codes, self._by_factor.factors[self._test].astype(np.int64)

    def fixed(self, k, size: int, rng: np.random.Generator) -> np.ndarray:
        """Codes (size, d) of rows that share one value of factor k, the value of a row picked at random.

        With an array k (m,) one such batch per entry, (m, size, d). Rows are drawn with replacement.
        """
        drawn = self._by_factor.draw(np.atleast_1d(k), size, rng)
        return self._codes(drawn if np.ndim(k) else drawn[0], rng)

    def permuted(self, rng: np.random.Generator) -> "Rows":
        """The same rows with the table's codes shuffled against its factors: what chance looks like."""
        order = rng.permutation(len(self._mean))
        log_variance = None if self._log_variance is None else self._log_variance[order]
        return Rows(
            self._mean[order], log_variance, self._by_factor, self._train, self._test, self._name, self._seed
        )

    def shared(self, key, compute):
        """compute(), kept under `key` for the next metric that needs the same intermediate result."""
        if key not in self._shared:
            self._shared[key] = compute()
        return self._shared[key]

    def _codes(self, index: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Codes of the table's rows `index`, of its shape plus (d,), float64."""
        mean = self._mean[index].astype(np.float64)
        if self._log_variance is None:
            return mean
        deviation = np.exp(0.5 * self._log_variance[index].astype(np.float64))
        return mean + deviation * rng.standard_normal(mean.shape)
