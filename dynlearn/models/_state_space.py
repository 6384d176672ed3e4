"""The markers of probabilistic state-space models: what inference asks of them."""

import abc
from typing import Any, NamedTuple, Protocol, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.models._model import AbstractModel
from dynlearn.models._scaling import Scaling
from dynlearn.models._signature import Signature
from dynlearn.numerics.distributions import Distribution, MultivariateGaussian
from dynlearn.numerics.filtering._contract import AbstractInference, AbstractProcess
from dynlearn.numerics.filtering.process import Process
from dynlearn.numerics.window import Window


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

    @abc.abstractmethod
    def process(self, run: Window) -> AbstractProcess:
        """One run (no batch axes), padded at either end, as its method of inference takes it."""

    @abc.abstractmethod
    def as_fitted(self) -> Self:
        """This model, which may now be asked for distributions."""

    def finer(self, pieces: int) -> Self:
        """This model, crossing an interval in that many times its usual steps; itself where it crosses any exactly."""
        return self


class AbstractMarkov(AbstractStateSpace):
    r"""Marker: x_0 ~ start(s),  x' ~ move(x, u, t, dt, s),  y ~ emit(x, s), transitions Gaussian given x.

    Everything in scaled units: u, s as the model's scaling makes them, and the outputs of `emit`.
    """

    @abc.abstractmethod
    def start(self, s: Float[Array, " static"]) -> MultivariateGaussian:
        """The state at the first sample of a run."""

    @abc.abstractmethod
    def move(
        self,
        x: Float[Array, " state"],
        u: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        s: Float[Array, " static"],
    ) -> MultivariateGaussian:
        """The state `interval` after `time`; `u` as in `step`. An interval of 0 must give finite values."""

    @abc.abstractmethod
    def emit(self, x: Float[Array, " state"], s: Float[Array, " static"]) -> Distribution:
        """The outputs."""

    @property
    def feedthrough(self) -> bool:
        return False

    def process(self, run: Window) -> Process:
        return markov(self, run)


class Laws(Protocol):
    """What a process is made of: an `AbstractMarkov` model, or one of another kind with the same three laws."""

    @property
    def signature(self) -> Signature: ...

    @property
    def scaling(self) -> Scaling: ...

    def start(self, s: Array) -> MultivariateGaussian: ...

    def move(self, x: Array, u: Array, time: Array, interval: Array, s: Array) -> MultivariateGaussian: ...

    def emit(self, x: Array, s: Array) -> Distribution: ...


class Into(NamedTuple):
    """What the transition into a sample needs to know."""

    u: Float[Array, "*ends control"]
    time: Float[Array, ""]
    interval: Float[Array, ""]


def markov(model: Laws, run: Window) -> Process:
    """The process of one run; what stands where a sample is not valid or not observed is not read."""
    valid, scaling = run.valid, model.scaling
    s = scaling.static(run.static)
    u = jnp.where(valid[:, None], scaling.control(run.control), 0)
    moves = jnp.concatenate([jnp.zeros_like(valid[:1]), valid[:-1] & valid[1:]])
    before = u[:-1]
    if model.signature.hold == "linear":
        before = jnp.stack([u[:-1], u[1:]], axis=1)
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
    model: Laws
    s: Float[Array, " static"]

    def __call__(self, x: Array, into: Into) -> MultivariateGaussian:
        return self.model.move(x, into.u, into.time, into.interval, self.s)


class _Emit(eqx.Module):
    model: Laws
    s: Float[Array, " static"]

    def __call__(self, x: Array, at: None) -> Distribution:
        return self.model.emit(x, self.s)


def _after_first(rows: Array) -> Array:
    return jnp.concatenate([jnp.zeros((1, *rows.shape[1:]), rows.dtype), rows])


def double(model: Any) -> Any:
    """Every floating array in float64; call it inside `precision.float64`."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf, jnp.float64) if eqx.is_inexact_array(leaf) else leaf, model
    )
