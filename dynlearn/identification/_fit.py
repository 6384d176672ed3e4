"""The steps of subspace identification in order: windows, states, system, refinement."""

import dataclasses

import numpy as np

from dynlearn.errors import ArgumentError, FitError, check_count, check_known
from dynlearn.identification import _innovations
from dynlearn.identification._data import Arrays, Runs, fill
from dynlearn.identification._innovations import Innovations, Starts, predict, starts
from dynlearn.identification._states import States, check_excitation, decompose, realise

METHODS = ("cva", "ssarx", "n4sid", "moesp")


def check(order: object, method: str, iterations: object, refine: object) -> None:
    check_count("order", order, 1)
    check_known("method", [method], METHODS)
    check_count("iterations", iterations, 0)
    check_count("refine", refine, 0)


def windows(runs: Runs, order: int, past: int | None, future: int | None) -> tuple[int, int]:
    """Past and future: the given ones, or the longest up to the default that spare enough columns."""
    least = -(-order // runs.outputs)
    for name, given in (("past", past), ("future", future)):
        if given is not None:
            check_count(name, given, 1)
    if future is not None and future < least:
        raise ArgumentError(
            f"order: expected at most future * outputs = {future * runs.outputs}, got {order}; "
            f"pass future={least + 1} or a lower order."
        )
    extra = range(max(14 - least, least), -1, -1)
    choices = [(past or least + 1 + i, future or least + 1 + 2 * i // 3) for i in extra]
    total = sum(runs.lengths)
    for chosen in choices:
        if _columns(runs, *chosen) >= max(total / 2, 3 * _unknowns(runs, *chosen)):
            return chosen
    return _least_windows(runs, order, choices)


def _least_windows(runs: Runs, order: int, choices: list[tuple[int, int]]) -> tuple[int, int]:
    """The longest windows that leave as many columns as unknowns, or a sentence."""
    for chosen in choices:
        if _columns(runs, *chosen) > _unknowns(runs, *chosen):
            return chosen
    shortest, unknowns = choices[-1], _unknowns(runs, *choices[-1])
    raise FitError(
        f"identify: order {order} with past={shortest[0]}, future={shortest[1]} needs more than {unknowns} "
        f"stretches of {sum(shortest)} samples, the runs (the longest has {max(runs.lengths)}) hold "
        f"{_columns(runs, *shortest)}; give longer or more runs, or a lower order."
    )


def _columns(runs: Runs, past: int, future: int) -> int:
    return sum(max(n - past - future + 1, 0) for n in runs.lengths)


def _unknowns(runs: Runs, past: int, future: int) -> int:
    """Regressors of one future output."""
    return past * (runs.outputs + runs.controls) + future * runs.controls


def with_constant(outputs: Arrays, controls: Arrays | None) -> Arrays:
    """The controls, and beside them one that is always 1: what it does is the offset."""
    if controls is None:
        return [np.ones((len(y), 1)) for y in outputs]
    return [np.hstack([u, np.ones((len(u), 1))]) for u in controls]


def states(
    runs: Runs,
    order: int,
    past: int,
    future: int,
    feedthrough: bool,
    method: str,
    iterations: int,
    offset: bool,
) -> States:
    us = runs.each_control()
    check_excitation([u[:, :-1] for u in us] if offset else us, order, offset)
    found = decompose(fill(runs, past, feedthrough, iterations), us, past, future, feedthrough, method)
    if found.rank < order:
        raise FitError(
            f"order: expected at most {found.rank}, the number of directions in which the past predicts the "
            f"future beyond rounding, got {order}; use order={found.rank}."
        )
    return found


def fitted(
    states: States, runs: Runs, order: int, feedthrough: bool, stable: bool, steps: int
) -> tuple[Innovations, Starts]:
    system = realise(states, order, feedthrough, stable)
    start = starts(system, runs)
    system = dataclasses.replace(system, R=predict(system, start, runs).R)
    return _innovations.refine(system, start, runs, feedthrough=feedthrough, steps=steps, stable=stable)
