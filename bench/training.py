"""The training loop of a pack: one functional core, the same at every width and on every device."""

from __future__ import annotations

from collections.abc import Callable

from bench.problem import UNROLLED, Curve, Members, Problem, State, block, block_length
from bench.stepping import stepper_for

CURVE_POINTS = 200  # how many steps of a training are logged, about


def train(
    problem: Problem,
    members: Members,
    state: State,
    curve: Curve,
    on_block: Callable[[State, Curve], None],
) -> None:
    """Train `state` in place to the last step; `on_block` is called after each block of random numbers.

    Nothing inside the loop waits for the device; what is logged stays there until somebody reads it.
    """
    steps = problem.training.steps
    stepper = stepper_for(problem, members, state)
    length = block_length(problem, members)
    while state.step < steps:
        begin, count = state.step, min(length, steps - state.step)
        prepared = block(problem, members, begin, count)
        logged = [k for k in range(count) if is_logged(begin + k, steps)]
        for first in range(0, count, UNROLLED):
            stretch = range(first, min(first + UNROLLED, count))
            points = stepper.run(prepared, first, len(stretch), set(logged) & set(stretch))
            for k, point in zip([k for k in logged if k in stretch], points, strict=True):
                curve.add(begin + k, point)
        on_block(state, curve)


def is_logged(step: int, steps: int) -> bool:
    """Whether a training of `steps` logs this one (0-based): the first, the last, and about 200 between.

    In longer trainings these are the last of UNROLLED steps, where a graph can read its numbers.
    """
    every = max(1, steps // CURVE_POINTS)
    if every > UNROLLED:
        every -= every % UNROLLED
    return step in (0, steps - 1) or (step + 1) % every == 0
