"""Named flows with parameters to vary: the dysts collection, the cyclic ones of this package, and plain cycles."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from dynlearn.errors import ArgumentError, check_known

OURS = {"LotkaVolterra": ("lotka_volterra", 6.0), "VanDerPol": ("van_der_pol", 6.7)}
"""Of this package, each with the name that `datasets.load` knows and a typical period."""
HARMONICS = 4
TURNS = {"Cycle": 1, "TwoCycles": 2}
"""Rotations of one and of two frequencies, of which random sums of harmonics are seen."""
EVALUATIONS = 400_000
"""Of a field, for one run: what needs more is too stiff for a corpus."""
TOLERANCE = 1e-8


class Flow(NamedTuple):
    """An autonomous dx/dt = field(x), and how to look at it."""

    field: Callable[[Float[np.ndarray, " state"]], Any]
    start: Float[np.ndarray, " state"]
    """Near the attractor."""
    period: float
    """A typical one, in the flow's time."""
    observed: Callable[[Float[np.ndarray, "time state"]], Float[np.ndarray, "time output"]]
    """From the states to bounded outputs: an angle that grows for ever becomes its sine and cosine."""


@functools.cache
def names() -> tuple[str, ...]:
    """The flows there are, in alphabetical order; delay equations of the collection are left out.

    Raises:
        ArgumentError: dysts is not installed.
    """
    collection = _collection()
    found = [name for name in _described() if not getattr(collection, name)().delay]
    return tuple(sorted({*found, *OURS, *TURNS}))


def flow(name: str, rng: np.random.Generator | None = None, spread: float = 0.0) -> Flow:
    """One of them.

    Args:
        name: one of `names()`.
        rng: draws the parameters; not used where `spread` is 0.
        spread: standard deviation of every parameter, relative to its published value.

    Raises:
        ArgumentError: an unknown name, and as `names`.
    """
    check(name)
    if name in TURNS:
        return _turning(TURNS[name], np.random.default_rng(0) if rng is None else rng)
    return _of_ours(name, rng, spread) if name in OURS else _of_dysts(name, rng, spread)


def check(*asked: str) -> None:
    """Refuses names that are not among `names()`; those of this package are known without dysts.

    Raises:
        ArgumentError: an unknown flow, and as `names`.
    """
    if others := [name for name in asked if name not in (*OURS, *TURNS)]:
        check_known("flow", others, names())


def solution(flow: Flow, times: Float[np.ndarray, " time"]) -> Float[np.ndarray, "time state"] | None:
    """The states at `times` (from 0), by LSODA to a relative 1e-8; None where it takes too long or leaves bounds."""
    from scipy.integrate import solve_ivp

    spent = 0

    def field(_: float, x: np.ndarray) -> np.ndarray:
        nonlocal spent
        spent += 1
        if spent > EVALUATIONS:
            raise _TooLong
        return np.asarray(flow.field(x), float)

    span, tolerance = (0.0, float(times[-1])), {"rtol": TOLERANCE, "atol": TOLERANCE}
    try:
        with np.errstate(all="ignore"):
            found = solve_ivp(field, span, flow.start, t_eval=times, method="LSODA", **tolerance).y.T
    except (_TooLong, ArithmeticError, ValueError):  # other parameters may leave what a field is defined for
        return None
    complete = len(found) == len(times) and bool(np.isfinite(found).all())
    return found if complete else None


class _TooLong(Exception):
    pass


def _turning(count: int, rng: np.random.Generator) -> Flow:
    """d angle / dt = rate; of each output random harmonics of every angle, the higher ones smaller."""
    rates = 2 * np.pi * np.array([1.0, rng.uniform(0.1, 0.9)])[:count]
    order = np.arange(1, HARMONICS + 1)
    size = rng.normal(size=(3, count, HARMONICS)) * order**-1.5
    phase = rng.uniform(0, 2 * np.pi, (3, count, HARMONICS))

    def observed(angle: np.ndarray) -> np.ndarray:
        return (size * np.cos(angle[:, None, :, None] * order + phase)).sum((2, 3))

    return Flow(lambda x: rates, np.zeros(count), 1.0, observed)


def _collection() -> Any:
    try:
        import dysts.flows
    except ImportError as error:
        raise ArgumentError(
            "corpus: the flows are those of dysts, which is not installed; run: pip install 'dynlearn[corpus]'"
        ) from error
    return dysts.flows


def _described() -> list[str]:
    from dysts.systems import get_attractor_list

    return get_attractor_list()


def _of_dysts(name: str, rng: np.random.Generator | None, spread: float) -> Flow:
    system = getattr(_collection(), name)()
    if rng is not None and spread:
        # The right-hand sides read attributes, the compiled ones `param_list`, in alphabetical order.
        system.params = {
            k: v * (1 + spread * rng.standard_normal(np.shape(v))) for k, v in system.params.items()
        }
        vars(system).update(system.params)
        system.param_list = [system.params[k] for k in sorted(system.params)]
    bounded = getattr(system, "_postprocessing", None)

    def observed(x: np.ndarray) -> np.ndarray:
        return x if bounded is None else np.stack(np.broadcast_arrays(*bounded(*x.T)), axis=1)

    start = np.atleast_2d(np.asarray(system.ic, float))[0]
    return Flow(lambda x: system.rhs(x, 0.0), start, float(system.period), observed)


def _of_ours(name: str, rng: np.random.Generator | None, spread: float) -> Flow:
    import dataclasses

    import jax
    import jax.numpy as jnp

    from dynlearn.datasets import systems
    from dynlearn.numerics.precision import compiled

    system = getattr(systems, name)()
    if rng is not None and spread:
        drawn = {
            f.name: getattr(system, f.name) * (1 + spread * rng.standard_normal())
            for f in dataclasses.fields(system)
            if isinstance(getattr(system, f.name), float)
        }
        system = type(system)(**drawn)
    field = compiled(lambda x: system.vector_field(jnp.zeros(()), x, jnp.zeros(0)))
    start = np.asarray(system.initial(jax.random.key(0)), float)
    return Flow(field, start, OURS[name][1], lambda x: x)
