"""How much a forecast sees and how far it looks, out of what there is: settled before anything is fitted."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dynlearn.errors import ArgumentError

if TYPE_CHECKING:
    import xarray as xr

    from dynlearn.contract.model import AbstractModel

CONTEXT, HORIZON = 50, 100
"""Samples, where the runs are long enough."""


def check_room(lengths: Iterable[int], context: int | None, horizon: int | None) -> None:
    """What was asked for fits the longest run, whatever the model: asked before one is loaded or fitted.

    >>> check_room([120], 50, None)
    >>> check_room([120], 50, 100)
    Traceback (most recent call last):
    dynlearn.errors.ArgumentError: --context, --horizon: the longest run to score on has 120 samples, 50 + 100 are ...
    """
    longest, need = max(lengths), (context or 1) + (horizon or 1)
    if need > longest:
        asked = [f"{value}" if value else "at least 1" for value in (context, horizon)]
        raise ArgumentError(
            f"--context, --horizon: the longest run to score on has {longest} samples, {' + '.join(asked)} are needed "
            f"to score forecasts; pass smaller ones, or give longer runs to score on (to fit: a smaller --split)."
        )


def sizes(
    lengths: Iterable[int], required: int, context: int | None = None, horizon: int | None = None
) -> tuple[int, int]:
    """(context, horizon): as given, else 50 and 100, or in shorter runs a third and the rest.

    Half of the runs or more hold a window of the default sizes, where a model that infers its state from
    `required` samples leaves room for one.

    >>> sizes([500], 1), sizes([90, 60, 60], 1), sizes([60], 25), sizes([60], 1, horizon=50)
    ((50, 100), (20, 40), (25, 35), (10, 50))
    """
    lengths = sorted(lengths)
    check_room(lengths, context, horizon)
    if context is not None and context < required:
        raise ArgumentError(
            f"--context: this model infers its state from {required} samples, got {context}; pass as many."
        )
    longest, least = lengths[-1], required + (horizon or 1)
    if least > longest:
        raise ArgumentError(
            f"--context, --horizon: the longest run to score on has {longest} samples, and this model infers its "
            f"state from {required}, so that {least} are needed; give longer runs to score on (to fit: a smaller "
            f"--split), or take a model that needs fewer (delays, memory)."
        )
    usual = lengths[len(lengths) // 2 - (len(lengths) % 2 == 0)]
    room = max(usual, least, (context or 1) + (horizon or 1))
    if context is None:
        spare = room - (horizon or min(HORIZON, room - max(1, room // 3)))
        context = max(required, min(max(CONTEXT, required), spare))
    return context, horizon or min(HORIZON, room - context)


def check_startable(model: "AbstractModel", test: "xr.Dataset", context: int, horizon: int) -> None:
    """There is a window from which the model can start and after which something was measured."""
    from dynlearn.evaluation.origins import Origins

    Origins.of(test, context, horizon, None).known(type(model).__name__, model)
