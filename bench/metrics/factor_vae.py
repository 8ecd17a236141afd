"""FactorVAE score: whether a code stands still exactly when its factor does (Kim and Mnih 2018)."""

import numpy as np

from bench.metrics import flags
from bench.metrics.result import Result

KEYS = ("eval_accuracy", "train_accuracy", "active_codes")

# Votes drawn at once: 500 batches of 64 codes stay in the processor's cache.
BLOCK = 500


def vote_table(rows, global_variance, active, count: int, batch_size: int, rng) -> np.ndarray:
    """Votes (d_active, K) of `count` batches: which active code varies least, by the factor held fixed.

    Ties go to the lowest code, as in the reference.
    """
    n_factors = rows.train()[1].shape[1]
    table = np.zeros((active.sum(), n_factors), dtype=np.int64)
    for start in range(0, count, BLOCK):
        k = rng.integers(n_factors, size=min(BLOCK, count - start))
        codes = rows.fixed(k, batch_size, rng)[:, :, active]
        still = np.argmin(codes.var(axis=1, ddof=1) / global_variance[active], axis=1)
        np.add.at(table, (still, k), 1)
    return table


def study(
    rows,
    *,
    rng,
    batch_size: int = 64,
    train_votes: int = 10_000,
    eval_votes: int = 5_000,
    min_std: float = 0.05,
) -> Result:
    """FactorVAE score as in Locatello et al. (2019), protocol section 6.2, by majority vote.

    Codes with a standard deviation below `min_std` are left out (the paper's text says variance, its code
    takes the root). Without an active code both accuracies are 0. The global variance is that of the training
    rows; the reference draws another 10,000. `active_codes` is the true count, in the reference always d.
    """
    codes, factors = rows.train()
    variance = codes.var(axis=0, ddof=1)
    active = np.sqrt(variance) >= min_std
    raised = flags.of_codes(codes) + flags.of_factors(factors)
    if not active.any():
        values = {"eval_accuracy": 0.0, "train_accuracy": 0.0, "active_codes": 0.0}
        return Result(values, {}, tuple(dict.fromkeys((*raised, "no_active_code"))))
    train = vote_table(rows, variance, active, train_votes, batch_size, rng)
    test = vote_table(rows, variance, active, eval_votes, batch_size, rng)
    majority = np.argmax(train, axis=1)
    chosen = np.arange(len(majority)), majority
    values = {
        "eval_accuracy": float(test[chosen].sum() / test.sum()),
        "train_accuracy": float(train[chosen].sum() / train.sum()),
        "active_codes": float(active.sum()),
    }
    return Result(values, {"votes": train, "active": active}, raised)
