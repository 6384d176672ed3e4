"""Gradient: stochastic first-order fitting, whole blocks of steps in one compiled program."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from dynlearn.contract.members import has_members, kind_of, like, one_of
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_known, in_short
from dynlearn.fitting.checkpoint import checkpoint
from dynlearn.fitting.criteria import CRITERIA
from dynlearn.fitting.examples import Examples
from dynlearn.fitting.methods import members
from dynlearn.fitting.methods.stochastic import check_settings, ended, rates, sources, trained
from dynlearn.fitting.objectives.contract import Objective, loss_of
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Outcome, Session
from dynlearn.numerics.fixed import is_fixed, trainable
from dynlearn.numerics.plain import make_plain
from dynlearn.numerics.precision import array, compiled, exact_products
from dynlearn.trajectories.window import Window


def _adam(rate: optax.Schedule, decay: float) -> optax.GradientTransformation:
    return optax.adamw(rate, weight_decay=decay)


def _muon(rate: optax.Schedule, decay: float) -> optax.GradientTransformation:
    from optax.contrib import MuonDimensionNumbers, muon

    def matrices(parameters: PyTree) -> PyTree:
        def kind(leaf):
            return MuonDimensionNumbers() if leaf.ndim == 2 and min(leaf.shape) > 1 else None

        return jax.tree.map(kind, parameters)

    return muon(
        rate,
        weight_decay=decay,
        adam_weight_decay=decay,
        adam_b2=0.99,
        muon_weight_dimension_numbers=matrices,
    )


OPTIMIZERS = {"adam": _adam, "muon": _muon}


class Training(eqx.Module):
    """Everything a gradient fit carries from step to step, and all that its checkpoint holds."""

    parameters: PyTree
    average: PyTree
    """Exponential moving average of the parameters: what is validated and returned."""
    optimizer: PyTree
    best: PyTree
    score: Float[Array, "*member"]
    """Validation score of `best`."""
    stale: Int[Array, "*member"]
    """Validations since the score last improved."""
    diverged: Bool[Array, "*member"] | None
    """Members that stand still since their numbers were not finite; None of a single model, whose fit ends then."""


@dataclasses.dataclass(frozen=True)
class Gradient:
    """Adam on random windows of the training data.

    Windows are cut on the device; `validate_every` steps run inside one compiled call. The
    parameters' moving average is scored on fixed validation windows after each such block, the
    best one is returned, and the fit stops after `patience` blocks without improvement. Members
    of an ensemble train side by side on windows drawn apart, each with its own best. One whose loss or gradient is no
    longer finite stands still from there on and keeps its best (`statistics["diverged"]` lists them by number); the fit
    ends so where all have.

    Args:
        steps: optimiser steps at most.
        batch: windows per step.
        horizon: samples ahead each window forecasts.
        learning_rate: peak of a cosine schedule with a short linear warm-up.
        weight_decay: decoupled (AdamW).
        clip: largest global norm of a gradient.
        average: decay per step of the moving average, in [0, 1).
        validate_every: steps per block.
        patience: blocks without improvement before stopping; None never stops early.
        validation_windows: windows the validation score is computed on, at most.
        validation_horizon: samples ahead that those windows forecast; `horizon` if not given.
        criterion: what the validation score is: "forecast", the error of forecasts, or "long_run", how far the
            distribution of free runs is from that of the data (`dynlearn.fitting.criteria`).
        optimizer: "adam", or "muon", which moves matrices of weights along the orthogonal part of their momentum
            and everything else as Adam does; several times faster where a square matrix is iterated.

    Raises:
        ArgumentError: settings out of range; from `dl.fit` for a model with nothing to train, and an objective that
            does not return (loss, metrics).

    References: Kingma, Ba, "Adam", ICLR 2015; Loshchilov, Hutter, "Decoupled weight decay
    regularization", ICLR 2019; Polyak, Juditsky, "Acceleration of stochastic approximation by
    averaging", 1992; Jordan, "Muon: an optimizer for hidden layers in neural networks", 2024.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.NeuralMap.from_data(ds, hidden=0, memory=1, width=4, key=0)
    >>> method = Gradient(steps=4, batch=4, horizon=3, validate_every=2)
    >>> dl.fit(model, ds, method=method, progress=False).reason.name
    'STEPS_DONE'
    """

    steps: int = 3000
    batch: int = 64
    horizon: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    clip: float = 1.0
    average: float = 0.99
    validate_every: int = 100
    patience: int | None = 10
    validation_windows: int = 256
    validation_horizon: int | None = None
    criterion: str = "forecast"
    optimizer: str = "adam"
    resumable: ClassVar[bool] = True
    takes_objective: ClassVar[bool] = True

    def __post_init__(self):
        make_plain(self)
        check_settings(self, ("batch", "horizon", "validation_windows"), {"validation_horizon": "samples"})
        check_known("criterion", [self.criterion], CRITERIA)
        check_known("optimizer", [self.optimizer], OPTIMIZERS)

    @property
    def references(self) -> tuple[str, ...]:
        """Of the optimiser, and of what its settings add."""
        return sources(self)

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        """What `dl.fit` calls: `model` with the best weights Adam meets on the windows of `session`, and its log.

        Raises:
            ArgumentError: a model with nothing to train.
        """
        # What is not an array, and arrays under `Fixed`, stay out of the optimiser's sight.
        template = kind_of(model)
        data = Examples.of(model, session.train, self.horizon, "train")
        held_out = (
            None
            if session.validation is None
            else self._held_out(Examples.of(model, session.validation, self._ahead, "validation"))
        )
        parameters, fixed = eqx.partition(template, trainable(template), is_leaf=is_fixed)
        if not jax.tree.leaves(parameters):
            raise ArgumentError(
                f"Gradient: {type(template).__name__} has nothing to train; leave out method, or use 'calibration'."
            )
        block = _compiled(self, session.objective, has_members(model))
        shape = (model.size,) if has_members(model) else ()
        state = Training(
            parameters,
            parameters,
            _moments(_begun(self, parameters, has_members(model)), session.carried),
            parameters,
            array(np.full(shape, np.inf)),
            array(np.zeros(shape), np.int32),
            array(np.zeros(shape), bool) if has_members(model) else None,
        )
        if held_out is not None:
            # The model as it came is the first to beat; one whose forecasts are no numbers is beaten by any.
            initial = _initial_score(self.criterion, template, held_out, session.key, has_members(model))
            state = eqx.tree_at(lambda s: s.score, state, jnp.where(jnp.isnan(initial), jnp.inf, initial))
        _check_objective(session.objective, model, data)
        start = session.checkpoint.load(state, self.steps) or checkpoint.Progress(state, 0, [], None)

        def steps(training: Training, first: int, count: int) -> tuple[Training, dict[str, float], int]:
            # An array, not an int: a static step number would compile every block anew.
            after, numbers = block(training, fixed, data, held_out, session.key, array(first, int), count)
            stale = np.asarray(after.stale)
            if after.diverged is not None:
                stale = stale[~np.asarray(after.diverged)]
            means = {name: float(value) for name, value in numbers.items()}
            return after, means, int(stale.min()) if stale.size else 0

        end = trained(self, start, steps, held_out is not None, session)
        fitted = like(model, eqx.combine(end.training.best, fixed, is_leaf=is_fixed))
        improved = held_out is None or bool((np.asarray(end.training.score) < np.asarray(state.score)).any())
        reason = ended(end, improved)
        statistics: dict[str, Any] = {"steps": end.step, "anchors": data.size}
        if has_members(model):
            gone = np.asarray(end.training.diverged) | (reason is Reason.DIVERGED)
            statistics["diverged"] = np.flatnonzero(gone).tolist()
        if held_out is not None:
            statistics["score"] = np.asarray(end.training.score).tolist()
        return Outcome(fitted, end.rows, reason, statistics, end.training.optimizer)

    def _held_out(self, examples: Examples) -> Window:
        return examples.filled(examples.evenly(self.validation_windows))

    def _optimizer(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.clip_by_global_norm(self.clip), OPTIMIZERS[self.optimizer](rates(self), self.weight_decay)
        )

    @property
    def _ahead(self) -> int:
        return self.horizon if self.validation_horizon is None else self.validation_horizon


@compiled
def _begun(method: Gradient, parameters: PyTree, ensemble: bool) -> PyTree:
    """The optimiser before its first step."""
    init = method._optimizer().init
    return eqx.filter_vmap(init)(parameters) if ensemble else init(parameters)


def _moments(start: PyTree, carried: PyTree) -> PyTree:
    """Adam's moments as an earlier fit left them, in the place of none; the schedule of steps begins anew.

    Those of other parameters say nothing here, and are left.
    """
    if carried is None or not eqx.tree_equal(
        *(jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), tree) for tree in (start, carried))
    ):
        return start

    def schedule(node: object) -> bool:
        return isinstance(node, optax.ScaleByScheduleState)

    return jax.tree.map(lambda new, old: new if schedule(new) else old, start, carried, is_leaf=schedule)


@compiled
def _initial_score(
    criterion: str, template: AbstractModel, held_out: Window, key: Key[Array, ""], ensemble: bool
) -> Array:
    if not ensemble:
        return CRITERIA[criterion](template, held_out, key)
    size = jax.tree.leaves(eqx.filter(template, eqx.is_array))[0].shape[0]
    score = eqx.filter_vmap(CRITERIA[criterion], in_axes=(eqx.if_array(0), None, 0))
    return score(template, held_out, members.keys_of(key, size))


def _check_objective(objective: Objective, model: AbstractModel, data: Examples) -> None:
    """A user's objective is called once, in the abstract, so that a wrong shape is said in words."""
    single = one_of(model)
    expected = (
        "objective: expected a function (model, batch, key) -> (loss, metrics) with a scalar loss and a dict"
    )
    try:
        batch = eqx.filter_eval_shape(data.take, jax.ShapeDtypeStruct((2,), int))
        found = eqx.filter_eval_shape(loss_of, objective, single, batch, jax.random.key(0), 0.0)
    except TypeError as error:
        raise ArgumentError(f"{expected}; calling it failed: {in_short(error)}.") from error
    if (
        not isinstance(found, tuple)
        or len(found) != 2
        or not isinstance(found[1], dict)
        or getattr(found[0], "shape", None) != ()
    ):
        raise ArgumentError(f"{expected}, got {found!r:.200}.")


@functools.lru_cache(maxsize=64)
def _compiled(method: Gradient, objective: Objective, ensemble: bool) -> Callable:
    """The block function of these settings; kept, so that a second fit of the same shapes does not recompile."""
    return eqx.filter_jit(_Block(method, objective, ensemble))


@dataclasses.dataclass(frozen=True)
class _Block:
    """`count` optimiser steps and one validation."""

    method: Gradient
    objective: Objective
    ensemble: bool

    @exact_products
    def __call__(self, training, fixed, data, held_out, key, first, count):
        if not self.ensemble:
            return self._one(training, fixed, data, held_out, key, first, count)
        keys = members.keys_of(key, training.score.shape[0])
        each = eqx.filter_vmap(
            self._one, in_axes=(eqx.if_array(0), eqx.if_array(0), None, None, 0, None, None)
        )
        after, numbers = each(training, fixed, data, held_out, keys, first, count)
        there = members.finite((after.parameters, after.average, numbers["loss"], numbers["gradient"]))
        goes_on = ~training.diverged & there
        after = eqx.tree_at(lambda t: t.diverged, members.where(goes_on, after, training), ~goes_on)
        return after, members.means(goes_on, numbers)

    def _one(self, training: Training, fixed, data: Examples, held_out, key, first, count):
        optimizer = self.method._optimizer()

        def step(carry, i):
            parameters, average, state = carry
            for_batch, for_loss = jax.random.split(jax.random.fold_in(key, i))
            batch = data.sample(for_batch, self.method.batch)
            (loss, metrics), gradient = jax.value_and_grad(self._loss, has_aux=True)(
                parameters, fixed, batch, for_loss, i / self.method.steps
            )
            update, state = optimizer.update(gradient, state, parameters)
            parameters = optax.apply_updates(parameters, update)
            # Early on the average would remember the initial weights: start it short, as (1 + i) / (10 + i).
            decay = jnp.minimum(self.method.average, (1 + i) / (10 + i))
            average = optax.incremental_update(parameters, average, 1 - decay)
            return (parameters, average, state), {
                "loss": loss,
                "gradient": optax.tree.norm(gradient),
                **metrics,
            }

        start = (training.parameters, training.average, training.optimizer)
        (parameters, average, state), logged = jax.lax.scan(step, start, first + jnp.arange(count))
        numbers = {name: values.mean() for name, values in logged.items()}
        if held_out is None:
            best, score, stale = average, training.score, training.stale
        else:
            judged = eqx.combine(average, fixed, is_leaf=is_fixed)
            found = CRITERIA[self.method.criterion](judged, held_out, key)
            better = found < training.score
            best = jax.tree.map(lambda new, old: jnp.where(better, new, old), average, training.best)
            score = jnp.where(better, found, training.score)
            stale = jnp.where(better, 0, training.stale + 1)
            numbers["validation"] = found
        return Training(parameters, average, state, best, score, stale, training.diverged), numbers

    def _loss(self, parameters, fixed, batch: Window, key: Key[Array, ""], progress: Array):
        return loss_of(self.objective, eqx.combine(parameters, fixed, is_leaf=is_fixed), batch, key, progress)
