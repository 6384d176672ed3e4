"""Context tiling: the future repeats the context, sample by sample."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
import xarray as xr
from jaxtyping import Array, Bool, Float, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.error_growth import Error, ErrorGrowth
from dynlearn.contract.markers import AbstractAutonomous, AbstractDeterministic
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.plain import plain
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window


class TilingState(eqx.Module):
    y: Float[Array, "context output"]
    """The context, rotated so that the present sample is row 0."""
    error: Error


class ContextTiling(AbstractDeterministic, AbstractAutonomous):
    """y_{k+j} = y_{k-n+j}, j = 1..n, and around again, n = `memory` samples of context.

    A missing sample repeats the one before it. Beats published models on spectra while knowing
    nothing, which is why it stands beside every score.

    Args:
        signature: names and units.
        scaling: units in which the error's law is.
        noise: the error's law.
        memory: n, samples of context that are repeated.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lorenz63", runs=2, length=40, key=0)
    >>> dl.models.ContextTiling.from_data(ds, memory=20).memory
    20
    """

    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    noise: ErrorGrowth
    memory: int = eqx.field(static=True, converter=plain, default=50)

    @classmethod
    @one_call
    def from_data(cls, ds: xr.Dataset, *, memory: int = 50, key: object = 0) -> Self:
        """Names and scaling from `ds`.

        Args:
            ds: the training data.
            memory: the length of the context that is repeated, in samples.
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
        return self.memory

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> TilingState:
        filled = _carried(self.scaling.output(past.output), past.observed)
        return TilingState(jnp.roll(filled, 1, axis=0), self.noise.start())

    def step(
        self,
        state: TilingState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> TilingState:
        return TilingState(jnp.roll(state.y, -1, axis=0), self.noise.step(state.error, interval, key))

    def observe(self, state: TilingState, control: Float[Array, " control"]) -> Gaussian:
        y = self.noise.predictive(state.y[0], state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)


def _carried(
    y: Float[Array, "time output"], observed: Bool[Array, "time output"]
) -> Float[Array, "time output"]:
    """Each missing value replaced by the one measured before it (after it, at the start)."""
    n = y.shape[0]
    row = jnp.arange(n)[:, None]
    before = jnp.maximum.accumulate(jnp.where(observed, row, -1), axis=0)
    after = jnp.minimum.accumulate(jnp.where(observed, row, n)[::-1], axis=0)[::-1]
    index = jnp.where(before >= 0, before, after)
    value = jnp.take_along_axis(y, jnp.clip(index, 0, n - 1), axis=0)
    return jnp.where(index < n, value, jnp.nan)
