"""Perturbed: small noises on the state of a deterministic model, so that its forecast is a cloud of paths."""

import dataclasses
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.forcing import AbstractForced
from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.markers import AbstractDeterministic, AbstractStochastic, AbstractWrapper
from dynlearn.contract.model import AbstractModel, State, with_fields
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError
from dynlearn.models.neural.state_model import AbstractStateModel
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.fixed import Fixed
from dynlearn.trajectories.window import Window


class Spread(Fixed):
    """How much is not known, per output and in scaled units.

    Args:
        initial: standard deviation of the state that a context gives.
        process: of what is added along the way, per root of the time unit.
        measurement: of a measured output around the state's.
        fitted: whether a forecast may rely on it.
    """

    initial: Float[Array, " output"]
    process: Float[Array, " output"]
    measurement: Float[Array, " output"]
    fitted: bool = eqx.field(static=True, default=True)


class Perturbed(AbstractStochastic, AbstractWrapper):
    r"""A fitted model of a chaotic system, whose forecasts end in the attractor's distribution.

        z_0 = infer(past) + (initial eps_0, 0),    z_{k+1} = F(z_k) + (process sqrt(dt_k) eps_k, 0)
        y_k = h(z_k) + measurement eta_k,          eps, eta standard normal, one per output

    The error law of a deterministic model (`ErrorGrowth`) spreads one path by a Gaussian. Beyond the predictable time
    that path is one of many, and what can be said is where the system dwells: here every drawn path is one of the
    model's own, the small noises are spread by the dynamics, and the paths of a long forecast sample the attractor.
    `dl.fit(Perturbed.of(model), data)` leaves the model as it is and chooses the noises that give forecasts of `data`
    the least energy score (`dl.fitting.SpreadByScore`).

    Args:
        model: fitted and deterministic, with a state that begins with its outputs; `Perturbed.of` checks it.
        spread: the noises.

    Reference: Leith, "Theoretical skill of Monte Carlo forecasts", Mon. Weather Rev. 102 (1974) 409.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lorenz63", runs=2, length=150, key=0)
    >>> network = dl.models.ALRNN.from_data(ds, latent=6, nonlinear=2, key=0)
    >>> network = dl.fit(network, ds, method="calibration", progress=False).model
    >>> cloud = dl.fit(dl.models.Perturbed.of(network), ds, progress=False).model
    >>> dl.forecast(cloud, ds, horizon=20, samples=8).sizes["sample"]
    8
    """

    references: ClassVar[tuple[str, ...]] = ("leith1974theoretical",)
    model: Any
    """A model that is `AbstractDeterministic`."""
    spread: Spread

    @classmethod
    def of(cls, model: AbstractModel | Foreign) -> Self:
        """`model` with noises like its error law's at first leads.

        Args:
            model: fitted and deterministic, such as `ALRNN`, `PLRNN`, `NeuralMap` or `NeuralODE`; not an ensemble.

        Returns:
            A model for `dl.fit`, which chooses the noises.

        Raises:
            ArgumentError: another kind of model, or one that has not been fitted.
        """
        model = as_model(model)
        if not (
            isinstance(model, AbstractDeterministic)
            and isinstance(model, AbstractForced | AbstractStateModel)
        ):
            raise ArgumentError(
                f"Perturbed.of: expected a deterministic model whose state begins with its outputs, such as ALRNN, "
                f"NeuralMap or NeuralODE, got {type(model).__name__}; perturb the members before they become an "
                f"ensemble."
            )
        if not model.noise.fitted:
            raise ArgumentError(
                f"Perturbed.of: this {type(model).__name__} has not been fitted; call dl.fit(model, train).model first."
            )
        sigma = model.noise.sigma
        return cls(model, Spread(sigma, sigma, sigma, fitted=False))

    @property
    def signature(self) -> Signature:
        """Of the wrapped model."""
        return self.model.signature

    @property
    def scaling(self) -> Scaling:
        """Of the wrapped model."""
        return self.model.scaling

    @property
    def method(self) -> str:
        return "spread"

    @property
    def objective(self) -> str:
        return "energy"

    @property
    def memory(self) -> int:
        return self.model.memory

    @property
    def required(self) -> int:
        return self.model.required

    def as_fitted(self) -> Self:
        return with_fields(self, spread=dataclasses.replace(self.spread, fitted=True))

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> State:
        return self._moved(self.model.infer(past), self.spread.initial, key)

    def step(
        self,
        state: State,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> State:
        after = self.model.step(state, control, time, interval)
        return self._moved(after, self.spread.process * jnp.sqrt(interval), key)

    def observe(self, state: State, control: Float[Array, " control"]) -> Gaussian:
        mean = self.model.observe(state, control).mean
        return Gaussian(mean, self.scaling.output_scale * self.spread.measurement)

    def _moved(self, state: State, size: Float[Array, " output"], key: Key[Array, ""] | None) -> State:
        if key is None:
            return state
        vector = (lambda s: s.z) if isinstance(self.model, AbstractForced) else (lambda s: s.x)
        eps = size * jax.random.normal(key, size.shape, size.dtype)
        return eqx.tree_at(vector, state, vector(state).at[: size.shape[0]].add(eps))
