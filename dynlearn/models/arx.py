"""ARX: the linear baseline every learned model has to beat."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.errors import FitError
from dynlearn.models import _delays
from dynlearn.models._error_growth import Error, ErrorGrowth
from dynlearn.models._model import AbstractClosedForm, AbstractDeterministic
from dynlearn.models._regression import ridge_regression
from dynlearn.models._scaling import Scaling
from dynlearn.models._signature import Signature
from dynlearn.numerics import precision
from dynlearn.numerics.distributions import Gaussian
from dynlearn.numerics.window import Window


class ARXState(eqx.Module):
    v: Float[Array, " v"]
    error: Error


class ARX(AbstractClosedForm, AbstractDeterministic):
    r"""Autoregression with exogenous inputs, jointly for all outputs.

        y_{k+1} = c + sum_{i=0}^{d} a_i y_{k-i} + sum_{j=0}^{d} b_j u_{k-j} + error

    `delays` d is chosen by Akaike's criterion on the training data unless given.

    Reference: Ljung, "System identification: theory for the user", 2nd ed. 1999, section 4.2.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=3, length=60, key=0)
    >>> dl.models.ARX.from_data(ds, delays=1).delays
    1
    """

    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    weights: Float[Array, "output regressor"]
    """On [v_k, u_k, 1], in scaled units."""
    noise: ErrorGrowth
    delays: int = eqx.field(static=True)
    gap: int = eqx.field(static=True, default=10)

    @classmethod
    def from_data(
        cls, ds: xr.Dataset, *, delays: int | None = None, ridge: float = 1e-8, gap: int = 10, key: object = 0
    ) -> Self:
        """Scaling and coefficients from `ds`; `key` is accepted as every model's is, and not used."""
        signature = Signature.of(ds, discrete=True)
        with precision.float64():
            runs, scaling = ds.dyn.to_device(), Scaling.of(ds)
            tried = _CANDIDATES if delays is None else (delays,)
            fitted = [(_fit(runs, scaling, d, ridge), d) for d in tried]
            fitted = [(f, d) for f, d in fitted if f is not None]
            if not fitted:
                raise FitError(
                    f"ARX: no run has {tried[0] + 2} complete samples in a row, which delays={tried[0]} needs; "
                    f"use fewer delays or longer runs."
                )
            (_, weights), d = min(fitted, key=lambda item: item[0][0])
            model = cls(signature, scaling, jnp.asarray(weights.T), ErrorGrowth.unit(signature.outputs), d, gap)
        return precision.to_default(model)

    def least_squares(self, runs: Window, ridge: float) -> Self:
        found = _fit(runs, self.scaling, self.delays, ridge)
        if found is None:
            raise FitError(f"ARX: too few complete samples in a row for delays={self.delays}; use fewer.")
        return eqx.tree_at(lambda m: m.weights, self, jnp.asarray(found[1].T))

    @property
    def method(self) -> str:
        return "least_squares"

    @property
    def objective(self) -> str:
        return "multi_step"

    @property
    def memory(self) -> int:
        return self.required + self.gap

    @property
    def required(self) -> int:
        return self.delays + 1

    def advance(self, v: Float[Array, " v"], u: Float[Array, " control"]) -> Float[Array, " output"]:
        """The next outputs, scaled."""
        return self.weights[:, :-1] @ jnp.concatenate([v, u]) + self.weights[:, -1]

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> ARXState:
        return ARXState(_delays.embed(past, self.scaling, self.delays, self.advance), self.noise.start())

    def step(
        self,
        state: ARXState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> ARXState:
        u = self.scaling.control(control[0] if self.signature.hold == "linear" else control)
        v = _delays.shift(state.v, self.advance(state.v, u), u, self.delays)
        return ARXState(v, self.noise.step(state.error, interval, key))

    def observe(self, state: ARXState, control: Float[Array, " control"]) -> Gaussian:
        y = self.noise.predictive(state.v[: self.signature.outputs], state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)


_CANDIDATES = (0, 1, 2, 3, 5, 8, 12, 16, 24, 32, 48)


def _fit(runs: Window, scaling: Scaling, delays: int, ridge: float) -> tuple[float, np.ndarray] | None:
    """Akaike's criterion per output value, and the weights; None without enough transitions."""
    v, u, v_next, complete = _delays.transitions(runs, scaling, delays)
    keep = np.asarray(complete)
    regressors = np.concatenate([v, u], axis=1)[keep]
    target = np.asarray(v_next)[keep][:, : runs.output.shape[-1]]
    n, k = regressors.shape
    if n < 2 or (n < 2 * (k + 1) and delays > 0):
        return None
    weights = ridge_regression(regressors, target, ridge)
    residual = target - regressors @ weights[:-1] - weights[-1]
    return float(np.mean(np.log(np.mean(residual**2, axis=0) + 1e-12)) + 2 * (k + 1) / n), weights
