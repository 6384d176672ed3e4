"""Spread: the noises of a perturbed model, by the energy score of its forecasts."""

import dataclasses
import itertools
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel, with_fields
from dynlearn.errors import ArgumentError, FitError, is_count
from dynlearn.fitting.examples import Examples
from dynlearn.fitting.forecast_errors import longest
from dynlearn.fitting.objectives.energy import energy
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Outcome, Session
from dynlearn.models.wrappers.perturbed import Perturbed
from dynlearn.numerics.plain import make_plain
from dynlearn.numerics.precision import array, compiled
from dynlearn.trajectories.window import Window

FACTORS = tuple(float(2.0**k) for k in range(-4, 4))
"""Of the wrapped model's error, tried for the noises of the state: along the way, and at its start."""
FLOOR = 1e-3
"""Scaled units: an error law that knows of less has not seen enough."""


@dataclasses.dataclass(frozen=True)
class SpreadByScore:
    """The noises of a `Perturbed` model that give its forecasts the least energy score; its dynamics stay.

    The noise of measurements is the wrapped model's (`ErrorGrowth.sigma`). That along the way is a multiple of what its
    error law says one typical interval adds, that of the start one of the error at the shortest lead; both multiples
    are tried from 1/16 to 8, in powers of two, on forecasts of `horizon` samples from instants spread over the
    validation data, or the training data where there are none.

    Args:
        horizon: samples ahead, at most.
        windows: forecasts, at most.

    Raises:
        ArgumentError: settings that are no positive integers; from `dl.fit` for a model that is not perturbed.

    Reference: Gneiting, Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 2007.

    >>> SpreadByScore(horizon=50).windows
    128
    """

    references: ClassVar[tuple[str, ...]] = ("gneiting2007strictly", "leith1974theoretical")
    horizon: int = 100
    windows: int = 128

    def __post_init__(self):
        make_plain(self)
        for name in ("horizon", "windows"):
            value = getattr(self, name)
            if not is_count(value, 1):
                raise ArgumentError(f"SpreadByScore: expected {name} to be an integer >= 1, got {value!r}.")

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        """What `dl.fit` calls: `model` with the noises of least score.

        Args:
            session: data and settings of the call.

        Raises:
            ArgumentError: a model that is not perturbed.
            FitError: one whose forecasts diverge with every noise.
        """
        if not isinstance(model, Perturbed):
            raise ArgumentError(
                f"SpreadByScore: expected dl.models.Perturbed.of(model), got {type(model).__name__}; its noise is "
                f"fitted by method='{model.method}'."
            )
        held_out = session.train if session.validation is None else session.validation
        examples = Examples.of(model, held_out, longest(model, held_out, self.horizon), "validation")
        windows = examples.filled(examples.evenly(self.windows))
        law = model.model.noise
        dt = jnp.nanmedian(jnp.where(windows.interval > 0, windows.interval, jnp.nan))
        grown = jnp.sqrt(law.variance(dt)) + FLOOR
        process, initial = grown / jnp.sqrt(dt), jnp.sqrt(law.sigma**2 + law.variance(dt)) + FLOOR
        tried = np.asarray(list(itertools.product(FACTORS, FACTORS)))
        scores = np.asarray(_scores(model, windows, process, initial, array(tried), session.key))
        scores = np.where(np.isfinite(scores), scores, np.inf)
        if not np.isfinite(scores).any():
            raise FitError(
                f"SpreadByScore: forecasts of {type(model.model).__name__} over {examples.horizon} samples leave the "
                f"finite numbers with every noise that was tried; fit it again, or take a shorter horizon."
            )
        best = tried[int(np.argmin(scores))]
        spread = dataclasses.replace(
            model.spread,
            process=array(best[0]) * process,
            initial=array(best[1]) * initial,
            measurement=law.sigma + FLOOR,
        )
        statistics = {"process": float(best[0]), "initial": float(best[1]), "score": float(scores.min())}
        rows = [{"step": 0.0, "loss": float(scores.min())}]
        return Outcome(with_fields(model, spread=spread), rows, Reason.CALIBRATED, statistics)


@compiled
def _scores(
    model: Perturbed,
    windows: Window,
    process: Float[Array, " output"],
    initial: Float[Array, " output"],
    tried: Float[Array, "candidate 2"],
    key: Key[Array, ""],
) -> Float[Array, " candidate"]:
    def score(factors: Float[Array, " 2"]) -> Float[Array, ""]:
        noises = factors[0] * process, factors[1] * initial
        candidate = eqx.tree_at(lambda m: (m.spread.process, m.spread.initial), model, noises)
        # The same key for all: what differs are the noises.
        return energy(candidate, windows, key)[0]

    return jax.lax.map(score, tried)
