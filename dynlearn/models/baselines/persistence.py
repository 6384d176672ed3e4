"""Persistence: every output stays at its last measured value."""

from typing import Self

import equinox as eqx
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.error_growth import Error, ErrorGrowth
from dynlearn.contract.markers import AbstractAutonomous, AbstractDeterministic
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.plain import plain
from dynlearn.parts.encoders.encoder import last_measured
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window


class PersistenceState(eqx.Module):
    y: Float[Array, " output"]
    error: Error


class Persistence(AbstractDeterministic, AbstractAutonomous):
    """y(t) = y(last measurement) + error. Any sampling; the floor under every forecast score.

    Args:
        signature: names and units.
        scaling: units in which the error's law is.
        noise: the error's law.
        memory: samples of a context among which the last measurement is looked for.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lorenz63", runs=2, length=40, key=0)
    >>> dl.models.Persistence.from_data(ds).memory
    10
    """

    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    noise: ErrorGrowth
    memory: int = eqx.field(static=True, converter=plain, default=10)

    @classmethod
    @one_call
    def from_data(cls, ds: xr.Dataset, *, memory: int = 10, key: object = 0) -> Self:
        """Names and scaling from `ds`; an output missing in the last `memory` samples has no forecast.

        Args:
            ds: the training data.
            memory: samples of a context among which the last measurement is looked for.
            key: accepted as every family's is, and not used.

        Returns:
            A model of which nothing but the error law is still to be fitted.
        """
        check_memory(memory)
        signature = Signature.of(ds, discrete=False).replace(static_names=())
        return cls(signature, Scaling.of(ds), ErrorGrowth.unit(signature.outputs), memory)

    @property
    def method(self) -> str:
        return "calibration"

    @property
    def objective(self) -> str:
        return "multi_step"

    @property
    def required(self) -> int:
        return 1

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> PersistenceState:
        y = last_measured(self.scaling.output(past.output), past.observed)
        return PersistenceState(y, self.noise.start())

    def step(
        self,
        state: PersistenceState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> PersistenceState:
        return PersistenceState(state.y, self.noise.step(state.error, interval, key))

    def observe(self, state: PersistenceState, control: Float[Array, " control"]) -> Gaussian:
        y = self.noise.predictive(state.y, state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)
