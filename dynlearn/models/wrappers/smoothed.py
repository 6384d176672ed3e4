"""Smoothed: a continuous-time model that starts from the state which best explains its whole context."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.error_growth import ErrorGrowth
from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.markers import (
    AbstractContinuous,
    AbstractDeterministic,
    AbstractWholePath,
    AbstractWrapper,
)
from dynlearn.contract.model import AbstractModel, State
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_count
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.plain import plain
from dynlearn.trajectories.window import Window

PRIOR = 0.01
"""Weight of the first guess beside one measured output, both in scaled units: what the outputs do
not determine (a hidden state, a channel without measurements) stays where the guess put it."""


EXPLAINED = 3.0
"""Residuals of a context that the flow explains are at most this many sigma (root mean square)."""


class Smoothed(AbstractWholePath, AbstractContinuous, AbstractDeterministic, AbstractWrapper):
    """A fitted model whose `infer` is refined by `iterations` Gauss-Newton steps on

        J(x) = sum_{k,j measured} (y_kj - h_j(x(t_k)))^2 + PRIOR |x - guess|^2,

    x the state at the last instant of the context, guess what the wrapped model infers, x(t_k) its
    flow followed back through the context. Averages measurement noise over all samples of the
    context, bridges missing ones, and costs `iterations * (states + 1)` passes over the context. A
    step is taken only where it lowers J, and the result is taken only where the flow then explains
    the context to within 3 sigma of the error law: where the model is wrong about the past (outside
    what it was trained on, or unstable backwards in time), the guess stays as it was.

    Wrap after fitting (while the flow is still wrong, states that explain the context are wrong
    too), then let the error law follow. The flow can be fitted further from the better states with
    `method=Gradient(...)`; no gradient passes through them.

    Args:
        model: fitted, deterministic and in continuous time; `Smoothed.of` checks that it is.
        iterations: Gauss-Newton steps per state, at least 1.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lotka_volterra", runs=4, length=40, measurement_noise=0.1, key=0)
    >>> fitted = dl.fit(dl.models.NeuralODE.from_data(ds, hidden=0, width=8, key=0), ds,
    ...                 method=dl.fitting.Gradient(steps=5, batch=4, horizon=5), progress=False).model
    >>> smoothed = dl.fit(dl.models.Smoothed.of(fitted), ds, progress=False).model
    >>> smoothed.iterations
    3
    """

    model: Any
    """A model that is both `AbstractContinuous` and `AbstractDeterministic`."""
    iterations: int = eqx.field(static=True, converter=plain)

    @classmethod
    def of(cls, model: AbstractModel | Foreign, iterations: int = 3) -> Self:
        """`model` with its `infer` refined.

        Args:
            model: a fitted deterministic continuous-time model such as a `NeuralODE`; not an ensemble.
            iterations: Gauss-Newton steps per state, at least 1.

        Returns:
            A model whose error law is still that of `model`: `dl.fit` lets it follow.

        Raises:
            ArgumentError: another kind of model, or `iterations` below 1.
        """
        model = as_model(model)
        if isinstance(model, Smoothed) or not (
            isinstance(model, AbstractContinuous) and isinstance(model, AbstractDeterministic)
        ):
            raise ArgumentError(
                f"Smoothed.of: expected a deterministic continuous-time model such as a NeuralODE, got "
                f"{type(model).__name__}; smooth the members before they become an ensemble."
            )
        check_count("iterations", iterations, 1)
        return cls(model, iterations)

    @property
    def signature(self) -> Signature:
        """Of the wrapped model."""
        return self.model.signature

    @property
    def scaling(self) -> Scaling:
        """Of the wrapped model."""
        return self.model.scaling

    @property
    def noise(self) -> ErrorGrowth:
        """The error's law, kept in the wrapped model."""
        return self.model.noise

    @property
    def method(self) -> str:
        return "calibration"

    @property
    def objective(self) -> str:
        return self.model.objective

    @property
    def memory(self) -> int:
        return self.model.memory

    @property
    def required(self) -> int:
        return self.model.required

    def vector_field(self, time, x, u, s):
        return self.model.vector_field(time, x, u, s)

    @property
    def whole_paths(self) -> bool:
        return isinstance(self.model, AbstractWholePath) and self.model.whole_paths

    def path(self, state, control, time, interval, *, key=None):
        return self.model.path(state, control, time, interval, key=key)

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> State:
        guess = self.model.infer(past, key=key)
        y = self.scaling.output(past.output)

        def residual(x):
            flow = self._outputs(eqx.tree_at(lambda state: state.x, guess, x), past)
            r = jnp.where(past.observed, y - flow, 0).ravel()
            return jnp.concatenate([r, jnp.sqrt(PRIOR) * (x - guess.x)])

        def explained(r):
            square = (r[: y.size].reshape(y.shape) / self.noise.sigma) ** 2
            return square.sum() <= EXPLAINED**2 * past.observed.sum()

        def step(x, _):
            r, J = residual(x), jax.jacfwd(residual)(x)
            trial = x - jnp.linalg.solve(J.T @ J + 1e-6 * jnp.eye(x.shape[0], dtype=x.dtype), J.T @ r)
            # A comparison with NaN is false, so whatever went wrong on the way, x stays.
            return jnp.where(jnp.sum(residual(trial) ** 2) < jnp.sum(r**2), trial, x), None

        x = jax.lax.scan(step, guess.x, None, length=self.iterations)[0]
        x = jnp.where(explained(residual(x)), x, guess.x)
        return eqx.tree_at(lambda state: state.x, guess, jax.lax.stop_gradient(x))

    def _outputs(self, state: State, past: Window) -> Float[Array, "time output"]:
        """Scaled mean outputs at every sample of the past, by the flow from its last instant back."""

        def back(state, k):
            control = self.signature.hold.over(past.control[jnp.stack([k, k + 1])])[0]
            earlier = self.model.step(
                state, self.signature.hold.back(control), past.time[k] + past.interval[k], -past.interval[k]
            )
            state = jax.tree.map(lambda new, old: jnp.where(past.valid[k], new, old), earlier, state)
            return state, self._mean(state, past.control[k])

        rows = jax.lax.scan(back, state, jnp.arange(past.length - 1), reverse=True)[1]
        return jnp.concatenate([rows, self._mean(state, past.control[-1])[None]])

    def _mean(self, state: State, control: Float[Array, " control"]) -> Float[Array, " output"]:
        return self.scaling.output(self.model.observe(state, control).mean)

    def step(
        self,
        state: State,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> State:
        return self.model.step(state, control, time, interval, key=key)

    def observe(self, state: State, control: Float[Array, " control"]) -> Gaussian:
        return self.model.observe(state, control)
