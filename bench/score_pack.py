"""The scoring half of a pack: code tables → metrics → ONE file in scores/, the commit. No torch here.

What a cell's metrics gave is kept in _work/ meanwhile (bench.scored), so that a kill costs no scored cell. A
cell that ends its process again and again, by a fault in compiled code or for want of memory, is quarantined
(bench.attempts), so that it never costs its neighbours.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from bench import artifacts, attempts
from bench.cell import Cell
from bench.context import Context, Report, Trained, codes_path, scoring_folder
from bench.data import open_dataset
from bench.data.base import Dataset
from bench.leftovers import remove_work
from bench.metrics import parse_requests
from bench.plan import EVALUATION_IMAGES, TRAINING_KEYS, Request, Work
from bench.provenance import peak_memory, versions_json, with_costs
from bench.scored import Scored, question_of
from bench.scoring import planned_keys, score_table
from bench.store import write_scores

#: Cells that a first try at scoring is said to be made with. It is one; but as bench.attempts halves this
#: down to one before deaths count, a cell is quarantined after six: whoever kills an inline run by hand, or
#: lets it run into its time limit, a few times while a slow metric is at work blames no healthy cell.
TRY_SIZE = 8


def score_pack(work: Work, context: Context, report: Report) -> None:
    """Score every outstanding cell of a pack that is trained, and commit the rows as one file.

    What training left for these cells, and what is kept of their scores, is deleted after the commit.
    """
    rows: list[dict] = []
    arrays: dict[tuple[str, str], np.ndarray] = {}
    costs: list[Scored] = []
    left = {cell.id: Trained.read(context.work, cell.id) for cell in work.cells}
    records = {cell_id: trained for cell_id, trained in left.items() if trained is not None}
    if not records:  # another run held the pack while this one was to train it, and has not finished it
        return
    work = Work(work.pack, {cell_id: work.todo[cell_id] for cell_id in records})
    is_any_trained = any(not trained.error for trained in records.values())
    dataset = _dataset(work, context) if is_any_trained else None
    for cell in work.cells:
        trained, todo = records[cell.id], work.todo[cell.id]
        if trained.error:
            scores = _failed_scores(todo, context, trained.error)
        else:
            try:
                table = artifacts.read_codes(codes_path(context.work, cell.id))
            except FileNotFoundError:
                continue  # another run, with other packs, has committed this cell meanwhile
            scored = _scored(cell.id, table, todo, context, dataset)
            costs.append(scored)
            scores = _closing(todo, trained) + scored.scores
            arrays |= {(cell.id, name): value for name, value in scored.arrays.items()}
        rows += _complete(scores, cell, work, context, trained)
        report({"pack": work.pack.id, "cells": len(work.cells)})
    if not rows:
        return
    about = _about_file(context, list(records.values()), costs)
    artifacts.write_arrays(context.path / "arrays", work.pack.id, arrays, about)
    write_scores(context.path / "scores", work.pack.id, rows, about)
    if context.mirror:
        context.mirror.push_missing(work.pack.id)
    removed = remove_work(context.work, set(records))
    if context.mirror:
        context.mirror.remove(*removed)
    failed = {row["cell_id"] for row in rows if row["status"] == "failed"}
    report({"pack": work.pack.id, "committed": len(work.cells) - len(failed), "failed": len(failed)})


def score_cell(cell_id: str, work: Work, context: Context) -> None:
    """Score one cell of a pack and keep what its metrics gave; one whose training failed needs nothing."""
    trained = Trained.read(context.work, cell_id)
    if trained is not None and not trained.error:
        table = artifacts.read_codes(codes_path(context.work, cell_id))
        _scored(cell_id, table, work.todo[cell_id], context, _dataset(work, context))


def _dataset(work: Work, context: Context) -> Dataset:
    first = work.pack.cells[0]
    return open_dataset(first.dataset, first.source, context.data_path)


def _about_file(context: Context, records: list[Trained], costs: list[Scored]) -> dict[str, str]:
    """The metadata of a pack's scores: the run's, and what training and scoring took together."""
    return with_costs(
        context.provenance,
        device=records[0].device,
        cuda=records[0].cuda,
        seconds=sum(made.seconds for made in (*records, *costs)),
        peak_memory=max(peak_memory(), *(made.peak_memory for made in (*records, *costs))),
    )


def _scored(
    cell_id: str,
    table: tuple[np.ndarray, ...],
    todo: Iterable[Request],
    context: Context,
    dataset: Dataset,
) -> Scored:
    """Scores of a trained cell from its code table: those that an earlier go kept, else computed and kept.

    A metric that raised then would raise again, as after a commit: `--retry-failed` tries it anew, once.
    So it does with a cell whose process died too often while it was scored, which is failed.
    """
    question = question_of(table, todo, context)
    kept = Scored.read(context.work, cell_id)
    if kept and kept.question == question:
        is_of_this_run = kept.run_id == context.run_id  # scored ahead, then put together
        if is_of_this_run or not (context.retry_failed and kept.is_failed):
            return kept
    tries = scoring_folder(context.work)
    made = attempts.attempt(tries, cell_id, 0, TRY_SIZE, context.driver)
    try:
        if made.is_quarantined:
            scored = _quarantined(question, todo, context, made.deaths)
        else:
            attempts.note(tries, cell_id, made, context.driver)
            scored = _computed(question, table, todo, context, dataset)
        scored.write(context.work, cell_id)
    finally:  # also when a metric raised or a key was pressed: this process lives
        attempts.forget(tries, cell_id)
    return scored


def _quarantined(question: str, todo: Iterable[Request], context: Context, deaths: int) -> Scored:
    """What is kept of a cell that is not tried again: its metrics failed, its training went well."""
    error = f"quarantined: its process died {deaths} times while it was scored"
    scores = _failed_scores([request for request in todo if request[1] != "training"], context, error)
    return Scored(question, scores, {}, {}, 0.0, 0, context.run_id)


def _computed(
    question: str,
    table: tuple[np.ndarray, ...],
    todo: Iterable[Request],
    context: Context,
    dataset: Dataset,
) -> Scored:
    began = time.perf_counter()
    scores, found = _scores(table, todo, context, dataset)
    named = {"/".join(names): value for names, value in found.items()}
    return Scored(
        question=question,
        scores=scores,
        shapes={name: list(np.shape(value)) for name, value in named.items()},
        values={name: np.ravel(value).tolist() for name, value in named.items()},
        seconds=time.perf_counter() - began,
        peak_memory=peak_memory(),
        run_id=context.run_id,
    )


def _scores(
    table: tuple[np.ndarray, ...], todo: Iterable[Request], context: Context, dataset: Dataset
) -> tuple[list[dict], dict]:
    """Score rows of a code table, and the arrays behind them."""
    mean, log_variance, index = table
    evaluation = context.evaluation
    return score_table(
        mean,
        log_variance,
        None if evaluation.images is None else index,
        dataset,
        parse_requests(evaluation.metrics),
        evaluation.representations,
        {request[:4] for request in todo},
    )


def _closing(todo: Iterable[Request], trained: Trained) -> list[dict]:
    """Score rows of training's closing evaluation, where they are asked for."""
    asked = any(request[1] == "training" for request in todo)
    return [_training_row(key, trained) for key in TRAINING_KEYS if asked and key in trained.values]


def _failed_scores(todo: Iterable[Request], context: Context, error: str) -> list[dict]:
    """One row without a value per planned key of a cell that could not be trained, or scored."""
    evaluation = context.evaluation
    wanted = {request[:4] for request in todo}
    planned = planned_keys(parse_requests(evaluation.metrics), evaluation.representations)
    planned += [_training_identity() | {"key": key} for key in TRAINING_KEYS]
    images = evaluation.images or 0
    return [
        {"images": images, **number, "status": "failed", "error": error}
        for number in planned
        if (number["representation"], number["metric"], number["estimator"], number["settings"]) in wanted
    ]


def _training_identity() -> dict:
    return {
        "representation": "none",
        "metric": "training",
        "estimator": "study",
        "settings": "",
        "images": EVALUATION_IMAGES,
    }


def _training_row(key: str, trained: Trained) -> dict:
    value = {
        "key": key,
        "value": trained.values[key],
        "status": "ok",
        "seconds": trained.seconds,
        "flags": "",
    }
    return _training_identity() | value


def _complete(scores: list[dict], cell: Cell, work: Work, context: Context, trained: Trained) -> list[dict]:
    """Score rows with the columns of their cell, pack and run."""
    common = cell.columns() | {
        "pack_id": work.pack.id,
        "study": context.study,
        "device": trained.device,
        "pack_width": trained.pack_width,
        "versions": versions_json(),
        "created_at": datetime.now(UTC),
    }
    return [common | score for score in scores]
