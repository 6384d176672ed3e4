"""The markers of probabilistic state-space models: what inference asks of them."""

import abc
from typing import NamedTuple, Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.contract.model import AbstractModel
from dynlearn.filtering.contract import AbstractInference, AbstractProcess
from dynlearn.filtering.processes.process import Process
from dynlearn.numerics.distributions import Distribution
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.trajectories.window import Window


class AbstractStateSpace(AbstractModel):
    """Marker: a state that moves at random and outputs measured with noise, so that it can be filtered.

    `infer` is the model's own filter over the past window.
    """

    @property
    @abc.abstractmethod
    def state_names(self) -> tuple[str, ...]:
        """One per entry of the state."""

    @property
    @abc.abstractmethod
    def feedthrough(self) -> bool:
        """Whether an output depends on the control of its own instant."""

    @property
    @abc.abstractmethod
    def inference(self) -> AbstractInference:
        """The method used unless the user names another."""

    @property
    def coefficients(self) -> int:
        """How many each output has to itself, where a likelihood determines them without any held-out data."""
        return 0

    @abc.abstractmethod
    def process(self, run: Window) -> AbstractProcess:
        """One `run` (no batch axes), padded at either end, as its method of inference takes it."""

    @abc.abstractmethod
    def as_fitted(self) -> Self:
        """This model, which may now be asked for distributions."""

    def finer(self, pieces: int) -> Self:
        """This model, crossing an interval in `pieces` times its usual steps; itself where it crosses any exactly."""
        return self


class AbstractMarkov(AbstractStateSpace):
    r"""Marker: x_0 ~ start(s),  x' ~ move(x, u, t, dt, s),  y ~ emit(x, s), transitions Gaussian given x.

    Everything in scaled units: u, s as the model's scaling makes them, and the outputs of `emit`. The process of a run
    is `markov(self, run)`, or one that is made of it where more is known.
    """

    @abc.abstractmethod
    def start(self, s: Float[Array, " static"]) -> MultivariateGaussian:
        """The state at the first sample of a run with static features `s`."""

    @abc.abstractmethod
    def move(
        self,
        x: Float[Array, " state"],
        u: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        s: Float[Array, " static"],
    ) -> MultivariateGaussian:
        """The state `interval` after `time`, where it was `x`; `u` as in `step`, `s` the static features. An interval
        of 0 must give finite values.
        """

    @abc.abstractmethod
    def emit(self, x: Float[Array, " state"], s: Float[Array, " static"]) -> Distribution:
        """The outputs at a state `x` of a run with static features `s`."""

    @property
    def feedthrough(self) -> bool:
        return False


class Into(NamedTuple):
    """What the transition into a sample needs to know."""

    u: Float[Array, "*ends control"]
    time: Float[Array, ""]
    interval: Float[Array, ""]


def markov(model: AbstractMarkov, run: Window) -> Process:
    """The process of one run; what stands where a sample is not valid or not observed is not read."""
    valid, scaling = run.valid, model.scaling
    s = scaling.static(run.static)
    u = jnp.where(valid[:, None], scaling.control(run.control), 0)
    moves = jnp.concatenate([jnp.zeros_like(valid[:1]), valid[:-1] & valid[1:]])
    before = model.signature.hold.over(u)
    into = Into(
        _after_first(before),
        _after_first(jnp.where(moves[1:], run.time[:-1], 0)),
        _after_first(jnp.where(moves[1:], run.interval[:-1], 0)),
    )
    return Process(
        start=model.start(s),
        move=_Move(model, s),
        emit=_Emit(model, s),
        into=into,
        at=None,
        moves=moves,
        y=jnp.where(run.observed, scaling.output(run.output), jnp.nan),
    )


class _Move(eqx.Module):
    model: AbstractMarkov
    s: Float[Array, " static"]

    def __call__(self, x: Array, into: Into) -> MultivariateGaussian:
        return self.model.move(x, into.u, into.time, into.interval, self.s)


class _Emit(eqx.Module):
    model: AbstractMarkov
    s: Float[Array, " static"]

    def __call__(self, x: Array, at: None) -> Distribution:
        return self.model.emit(x, self.s)


def _after_first(rows: Array) -> Array:
    return jnp.concatenate([jnp.zeros((1, *rows.shape[1:]), rows.dtype), rows])


class AbstractSwitching(AbstractStateSpace):
    """Marker: a hidden regime beside the state; the components of every belief are the regimes, in order."""

    @property
    @abc.abstractmethod
    def regime_names(self) -> tuple[str, ...]:
        """One per regime."""
