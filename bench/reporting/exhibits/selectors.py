"""What choosing a setting without labels is worth, beside choosing it with labels (after Table 1)."""

from __future__ import annotations

import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, too_little
from bench.reporting.exhibits.label_free import unsupervised_columns
from bench.reporting.selection import draws_of, scores_by_seed, selector_rate, success_rates

#: Which end of an unsupervised score is taken for the better one: −1 the smaller, 1 the larger.
BETTER: dict[str, int] = {
    "reconstruction": -1, "gaussian_total_correlation": -1, "kl": -1, "elbo": 1, "udr": 1,
}  # fmt: skip


def selector_success(study: Study, rng: Generator) -> Exhibit:
    """P(the setting that a selector prefers beats a random one), for every unsupervised score and UDR."""
    title = "Choosing a setting without labels"
    columns, metrics = unsupervised_columns(study), study.metrics()
    if not columns or not metrics:
        return too_little(title, "", "an unsupervised score and a supervised metric are needed.")
    scores, targets = scores_by_seed(study, columns), scores_by_seed(study, metrics)
    rates = {
        f"{'lowest' if BETTER[c.key] < 0 else 'highest'} {c.label}": selector_rate(
            BETTER[c.key] * scores[i], targets, rng
        )
        for i, c in enumerate(columns)
    }
    for name, kind in (("another metric", "same_data"), ("the metric itself", "same_same")):
        rates[f"labels: {name}"] = success_rates(targets, kind, draws_of(kind))
    numbers = pd.DataFrame(
        [
            {"chosen_by": name, "percent": 100 * r.value, "low": 100 * r.low, "high": 100 * r.high,
             "draws": r.n}
            for name, r in rates.items()
        ]
    )  # fmt: skip
    if numbers["percent"].isna().all():
        return too_little(title, "", "a setting must be scored at two seeds, and there must be two settings.")
    percents = numbers[["percent", "low", "high"]].to_numpy()
    table = pd.DataFrame(
        {"chosen by": numbers["chosen_by"],
         "chosen ≥ random, %": [bracket(*row, digits=1) for row in percents],
         "draws": numbers["draws"]}
    )  # fmt: skip
    return Exhibit(
        title, "",
        "How often the setting that looks best at one seed is at least as good as a random setting at other "
        "seeds of the same data set, by a random metric: 10,000 draws, 50 % is chance. Intervals: bootstrap "
        "over seeds. UDR (Duan et al. 2020) compares the codes of a setting’s seeds. The last two rows "
        "choose with labels, as in Table 1.",
        completeness(study, [*columns, *metrics]), numbers=numbers, table=table,
    )  # fmt: skip
