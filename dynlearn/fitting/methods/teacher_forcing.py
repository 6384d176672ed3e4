"""TeacherForcing: how recurrent models are fitted that are to reproduce a system's long-term behaviour."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.forcing import AbstractForced
from dynlearn.contract.members import has_members, one_of
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_known
from dynlearn.fitting.denoised import denoised
from dynlearn.fitting.examples import Examples
from dynlearn.fitting.methods import members
from dynlearn.fitting.methods.gradient import OPTIMIZERS, Gradient
from dynlearn.fitting.methods.stochastic import check_settings
from dynlearn.fitting.objectives.multi_step import multi_step
from dynlearn.fitting.session import Outcome, Session
from dynlearn.models.wrappers.ensemble import Ensemble
from dynlearn.numerics.plain import make_plain
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories import schema
from dynlearn.trajectories.window import Window

STRENGTHS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1)
"""Of the forcing in a context, of which the one is taken that forecasts best."""


@dataclasses.dataclass(frozen=True)
class TeacherForcing:
    """A population of recurrent models trained side by side under teacher forcing, of which one is kept.

    1. White noise on the training data is smoothed away where it is seen (`denoise`): forced into the state it would be
       an error in the model's inputs.
    2. `population` models, the one that came and others with weights drawn anew, are trained at once by `Gradient`
       with the optimiser "muon" on windows of `horizon` samples beyond the model's memory.
    3. After each block of steps free runs of `free_run` samples are held against the validation data, or the training
       data where there are none (`dynlearn.fitting.criteria.long_run`); each member keeps its best weights, and the
       best member is returned. One whose loss or gradient is no longer finite stands still, and is returned only where
       all are so (`statistics["diverged"]` lists them by number). An `Ensemble` keeps all its members.
    4. How strongly measured outputs pull the state in a context (`Forcing.strength`) is taken from the errors of
       forecasts of those data.

    Args:
        steps: optimiser steps.
        batch: windows per step.
        horizon: samples of each window beyond the model's memory.
        learning_rate: peak of a cosine schedule with a short linear warm-up.
        weight_decay, clip, average, validate_every, patience, optimizer: as in `Gradient`.
        population: models trained side by side.
        free_run: samples of the runs the criterion compares, at most.
        free_runs: how many of them.
        denoise: smooth white noise away before.

    Raises:
        ArgumentError: settings out of range; from `dl.fit` for a model that data cannot force.

    References: Brenner et al., "Almost-linear RNNs yield highly interpretable symbolic codes in dynamical systems
    reconstruction", NeurIPS 2024; Mikhaeil, Monfared, Durstewitz, "On the difficulty of learning chaotic dynamics with
    RNNs", NeurIPS 2022.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=40, key=0)
    >>> model = dl.models.ALRNN.from_data(ds, latent=4, nonlinear=1, memory=4, key=0)
    >>> method = TeacherForcing(steps=4, validate_every=2, population=2, batch=4, horizon=8, free_run=10)
    >>> dl.fit(model, ds, method=method, progress=False).reason.name
    'STEPS_DONE'
    """

    references: ClassVar[tuple[str, ...]] = (
        "brenner2024almost",
        "mikhaeil2022difficulty",
        "jordan2024muon",
        "chwialkowski2015fast",
        "savitzky1964smoothing",
    )
    steps: int = 6000
    batch: int = 16
    horizon: int = 100
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    clip: float = 1.0
    average: float = 0.99
    validate_every: int = 250
    patience: int | None = None
    optimizer: str = "muon"
    population: int = 4
    free_run: int = 1000
    free_runs: int = 16
    denoise: bool = True
    resumable: ClassVar[bool] = True
    takes_objective: ClassVar[bool] = True

    def __post_init__(self):
        make_plain(self)
        check_settings(self, ("batch", "horizon", "population", "free_run", "free_runs"))
        check_known("optimizer", [self.optimizer], OPTIMIZERS)
        if not isinstance(self.denoise, bool):
            raise ArgumentError(
                f"TeacherForcing: expected denoise to be True or False, got {self.denoise!r}."
            )

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        """What `dl.fit` calls: the member of a population around `model` whose free runs are most like the data.

        Args:
            session: data and settings of the call.

        Raises:
            ArgumentError: a model that data cannot force.
        """
        if not isinstance(one_of(model), AbstractForced):
            raise ArgumentError(
                f"TeacherForcing: expected a recurrent model such as ALRNN, got {type(one_of(model)).__name__}; use "
                f"method='gradient'."
            )
        train, noise = denoised(session.train) if self.denoise else (session.train, {})
        held_out = session.train if session.validation is None else session.validation
        alone = has_members(model) or session.carried is not None or self.population == 1
        population = model if alone else _around(model, self.population, session.key)
        session = dataclasses.replace(session, train=train, validation=held_out)
        outcome = self._gradient(train, held_out).run(population, session)
        fitted, carried = outcome.model, outcome.carried
        if not alone and has_members(fitted):
            best = members.best(outcome.statistics["score"], outcome.statistics["diverged"])
            fitted = fitted.member(best)
            carried = jax.tree.map(lambda leaf: leaf[best] if eqx.is_array(leaf) else leaf, carried)
        statistics = {**outcome.statistics, "noise": noise}
        if isinstance(fitted, AbstractForced):
            fitted = _with_strength(fitted, session, held_out)
            statistics["strength"] = float(fitted.forcing.strength)
        return dataclasses.replace(outcome, model=fitted, carried=carried, statistics=statistics)

    def _gradient(self, train: xr.Dataset | None = None, held_out: xr.Dataset | None = None) -> Gradient:
        """Its settings; windows that are longer than every run would be padding."""
        shared = {f.name for f in dataclasses.fields(Gradient)} & {f.name for f in dataclasses.fields(self)}
        settings = {name: getattr(self, name) for name in shared}
        if train is not None:
            settings["horizon"] = min(self.horizon, _longest(train))
        return Gradient(
            criterion="long_run",
            validation_windows=self.free_runs,
            validation_horizon=self.free_run if held_out is None else min(self.free_run, _longest(held_out)),
            **settings,
        )


def _longest(ds: xr.Dataset) -> int:
    """Samples after the first one of the longest run."""
    return max(1, int(schema.run_lengths(ds).max()) - 1)


def _around(model: AbstractModel, size: int, key: Key[Array, ""]) -> Ensemble:
    """The model as it came, and `size - 1` others with weights drawn anew."""
    others = Ensemble.of(model, size - 1, jax.random.fold_in(key, 1)).members
    together = jax.tree.map(
        lambda one, more: jnp.concatenate([one[None], more]) if eqx.is_array(one) else one, model, others
    )
    return Ensemble(together, size)


def _with_strength(model: AbstractForced, session: Session, held_out: xr.Dataset) -> AbstractForced:
    ahead = max(1, int(model.forcing.interval))
    windows = Examples.of(model, held_out, ahead, "validation")
    errors = _errors(model, windows.filled(windows.evenly(256)), jnp.asarray(STRENGTHS), session.key)
    best = STRENGTHS[int(np.argmin(np.nan_to_num(np.asarray(errors), nan=np.inf)))]
    return _pulled(model, jnp.asarray(best))


def _pulled(model: AbstractForced, strength: Float[Array, ""]) -> AbstractForced:
    return eqx.tree_at(lambda m: m.forcing.strength, model, strength.astype(model.forcing.strength.dtype))


@compiled
def _errors(
    model: AbstractForced, windows: Window, strengths: Float[Array, " candidate"], key: Key[Array, ""]
) -> Float[Array, " candidate"]:
    return jax.lax.map(lambda s: multi_step(_pulled(model, s), windows, key)[0], strengths)
