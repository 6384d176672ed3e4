"""What stochastic first-order fits share, here and in PyTorch: settings, blocks of steps, their rates, why they end."""

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import optax

from dynlearn.errors import ArgumentError, is_count, is_number
from dynlearn.fitting.checkpoint.checkpoint import Progress
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Session


class Settings(Protocol):
    """Of a method that descends: its fields, which `Gradient` explains."""

    @property
    def steps(self) -> int: ...

    @property
    def learning_rate(self) -> float: ...

    @property
    def weight_decay(self) -> float: ...

    @property
    def clip(self) -> float: ...

    @property
    def average(self) -> float: ...

    @property
    def validate_every(self) -> int: ...

    @property
    def patience(self) -> int | None: ...


NONE: Mapping[str, str] = MappingProxyType({})


def check_settings(method: Settings, counts: Iterable[str], may_be_none: Mapping[str, str] = NONE) -> None:
    """Raise `ArgumentError`, in the method's own name, unless these fields are counts and its rates are ones.

    Args:
        method: that descends.
        counts: names of fields, beside `steps` and `validate_every`, that are integers of at least 1.
        may_be_none: of those, beside `patience`, that may be None instead, and what is counted.
    """
    name = type(method).__name__
    for field in ("steps", "validate_every", *counts):
        if not is_count(value := getattr(method, field), 1):
            raise ArgumentError(f"{name}: expected {field} to be an integer >= 1, got {value!r}.")
    for field, unit in {"patience": "blocks", **may_be_none}.items():
        value = getattr(method, field)
        if value is not None and not is_count(value, 1):
            raise ArgumentError(
                f"{name}: expected {field} to be an integer >= 1 ({unit}) or None, got {value!r}."
            )
    rates = method.learning_rate, method.clip, method.weight_decay, method.average
    if not (
        all(map(is_number, rates)) and rates[0] > 0 and rates[1] > 0 and rates[2] >= 0 and 0 <= rates[3] < 1
    ):
        raise ArgumentError(
            f"{name}: expected learning_rate > 0, clip > 0, weight_decay >= 0, 0 <= average < 1, got "
            f"{', '.join(map(repr, rates))}."
        )


Block = Callable[[Any, int, int], tuple[Any, dict[str, float], int]]
"""(training, first step, count) -> (training after them, means of what was logged, validations without improvement)."""


def trained(method: Settings, start: Progress, block: Block, validated: bool, session: Session) -> Progress:
    """Blocks of steps, each followed by one validation, until there is a reason to end."""
    now = start
    with session.progress("fit", method.steps) as report:
        while now.reason is None:
            count = min(method.validate_every, method.steps - now.step)
            training, numbers, stale = block(now.training, now.step, count)
            row = {"step": float(now.step + count), **numbers}
            reason = _reason(method, row, stale if validated else 0)
            kept = now.training if reason is Reason.DIVERGED else training
            now = Progress(kept, now.step + count, [*now.rows, row], reason)
            session.checkpoint.save(now)
            report(now.step, **{k: v for k, v in numbers.items() if k in ("loss", "validation")})
    return now


def _reason(method: Settings, row: dict[str, float], stale: int) -> Reason | None:
    # A finite loss with a non-finite gradient leaves weights that only the next block would notice.
    if not (math.isfinite(row["loss"]) and math.isfinite(row["gradient"])):
        return Reason.DIVERGED
    if method.patience is not None and stale >= method.patience:
        return Reason.EARLY_STOPPED
    return Reason.STEPS_DONE if row["step"] >= method.steps else None


def ended(end: Progress, improved: bool) -> Reason:
    """Why the fit ended; `improved`: whether any validation was better than that of the model as it came."""
    assert end.reason is not None  # blocks run until there is one
    return end.reason if improved or end.reason is Reason.DIVERGED else Reason.NOT_IMPROVED


def rates(method: Settings) -> optax.Schedule:
    """The learning rate of every step: a short linear warm-up, then half a cosine."""
    peak, warm_up = method.learning_rate, max(1, min(100, method.steps // 10))
    return optax.warmup_cosine_decay_schedule(
        0.1 * peak, peak, warm_up, max(method.steps, warm_up + 1), 0.01 * peak
    )


def sources(method: Settings) -> tuple[str, ...]:
    """References of the optimiser, and of what its settings add."""
    decay = ("loshchilov2019decoupled",) if method.weight_decay else ()
    averaging = ("polyak1992acceleration",) if method.average else ()
    muon = ("jordan2024muon",) if getattr(method, "optimizer", "adam") == "muon" else ()
    return ("kingma2015adam", *decay, *averaging, *muon)
