"""ARX: the linear baseline every learned model has to beat."""

from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.measured import fewer_delays, longest_complete, sparse
from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.error_growth import Error, ErrorGrowth
from dynlearn.contract.markers import AbstractClosedForm, AbstractDeterministic, AbstractLinearLatent
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import FitError
from dynlearn.identification.ridge import Regression, check_ridge
from dynlearn.numerics import precision
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.plain import plain
from dynlearn.parts.liftings import embedding
from dynlearn.trajectories.device.fold import folded
from dynlearn.trajectories.device.ragged import is_ragged
from dynlearn.trajectories.device.to_device import to_device
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.schema import run_lengths
from dynlearn.trajectories.window import Window


class ARXState(eqx.Module):
    v: Float[Array, " v"]
    error: Error


class ARX(AbstractLinearLatent, AbstractClosedForm, AbstractDeterministic):
    """Autoregression with exogenous inputs, jointly for all outputs.

        y_{k+1} = c + sum_{i=0}^{d} a_i y_{k-i} + sum_{j=0}^{d} b_j u_{k-j} + error

    `delays` d is chosen by Akaike's criterion on the training data
    unless given. The latent state z of its linear dynamics, whose `eigenvalues` are those of the regression, is the
    recent past, (y_k, .., y_{k-d}, u_{k-1}, .., u_{k-d}) in scaled units.

    Args:
        signature: names, units, hold and sampling interval (discrete time).
        scaling: units in which the weights are.
        noise: the error's law.
        delays: d, past samples beside the present one.
        gap: samples, beyond d + 1, over which missing outputs in a context are bridged.

    Reference: Ljung, "System identification: theory for the user", 2nd ed. 1999, section 4.2.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=3, length=60, key=0)
    >>> dl.models.ARX.from_data(ds, delays=1).delays
    1
    """

    references: ClassVar[tuple[str, ...]] = ("ljung1999system",)
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    weights: Float[Array, "output regressor"]
    """On [v_k, u_k, 1], in scaled units."""
    noise: ErrorGrowth
    delays: int = eqx.field(static=True, converter=plain)
    gap: int = eqx.field(static=True, converter=plain, default=10)

    @classmethod
    @one_call
    def from_data(
        cls,
        ds: xr.Dataset,
        *,
        delays: int | None = None,
        longest: int = 48,
        ridge: float = 1e-8,
        gap: int = 10,
        key: object = 0,
    ) -> Self:
        """Scaling and coefficients from `ds`, with `delays` as given or the best up to `longest`.

        Args:
            ds: the training data, sampled regularly.
            delays: d; None: the best by Akaike's criterion.
            longest: the largest d that is tried then.
            ridge: penalty per sample on the scaled coefficients.
            gap: samples, beyond d + 1, over which missing outputs in a context are bridged.
            key: accepted as every family's is, and not used.

        Returns:
            A model whose coefficients are the least-squares solution; its error law is still to be fitted.

        Raises:
            FitError: no run has enough complete samples in a row.
            SchemaError: irregular sampling.
            ArgumentError: a count or ridge that is negative.
        """
        check_memory(gap, 0, name="gap")
        check_ridge(ridge)
        if delays is not None:
            check_memory(delays, 0, name="delays")
        check_memory(longest, 0, name="longest")
        signature = Signature.of(ds, discrete=True).replace(static_names=())
        with precision.float64():
            scaling = Scaling.of(ds)
            tried = [d for d in _CANDIDATES if d <= longest] if delays is None else [delays]
            whole = None if is_ragged(run_lengths(ds)) else to_device(ds)
            found = [
                (
                    *_akaike(to_device(folded(ds, d + 1).ds) if whole is None else whole, scaling, d, ridge),
                    d,
                )
                for d in tried
            ]
            criterion, weights, d = min(found, key=lambda item: item[0])
            if not np.isfinite(criterion):
                raise FitError(_too_little(ds, tried[0]))
            model = cls(
                signature, scaling, precision.array(weights.T), ErrorGrowth.unit(signature.outputs), d, gap
            )
        return precision.to_default(model)

    def regression(self, runs: Window) -> Regression:
        return _regression(runs, self.scaling, self.delays)

    def solved(self, weights: Float[np.ndarray, "coefficient output"]) -> Self:
        return eqx.tree_at(lambda m: m.weights, self, precision.array(weights.T))

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
        """The next outputs, scaled, after a delay vector `v` and the control `u` applied at its end, scaled too."""
        return self.weights[:, :-1] @ jnp.concatenate([v, u]) + self.weights[:, -1]

    @property
    def A(self) -> Float[Array, "v v"]:
        """From the recent past to that one sample later, scaled: `(v, v)`."""
        return jax.jacfwd(self._moved)(*self._at_rest)

    @property
    def B(self) -> Float[Array, "v control"]:
        """What the scaled control adds: `(v, control)`."""
        return jax.jacfwd(self._moved, 1)(*self._at_rest)

    @property
    def c(self) -> Float[Array, " v"]:
        """What is added in any case: `(v,)`."""
        return self._moved(*self._at_rest)

    @property
    def C(self) -> Float[Array, "output v"]:
        """The outputs out of v, which they lead: `(output, v)`, scaled."""
        return jnp.eye(self.signature.outputs, self._at_rest[0].size, dtype=self.weights.dtype)

    def latent(self, state: ARXState) -> Float[Array, " v"]:
        return state.v

    @property
    def _at_rest(self) -> tuple[Float[Array, " v"], Float[Array, " control"]]:
        """v and u of zeros."""
        size = embedding.size(self.signature.outputs, self.signature.controls, self.delays)
        return jnp.zeros(size, self.weights.dtype), jnp.zeros(self.signature.controls, self.weights.dtype)

    def _moved(self, v: Float[Array, " v"], u: Float[Array, " control"]) -> Float[Array, " v"]:
        """v one sample later."""
        return embedding.shift(v, self.advance(v, u), u, self.delays)

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> ARXState:
        return ARXState(embedding.embed(past, self.scaling, self.delays, self.advance), self.noise.start())

    def step(
        self,
        state: ARXState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> ARXState:
        u = self.scaling.control(self.signature.hold.both(control)[0])
        return ARXState(self._moved(state.v, u), self.noise.step(state.error, interval, key))

    def observe(self, state: ARXState, control: Float[Array, " control"]) -> Gaussian:
        y = self.noise.predictive(state.v[: self.signature.outputs], state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)


_CANDIDATES = (0, 1, 2, 3, 5, 8, 12, 16, 24, 32, 48)


def _regression(runs: Window, scaling: Scaling, delays: int) -> Regression:
    """Of y_{k+1} on [v_k, u_k], over every complete transition."""
    outputs = runs.output.shape[-1]
    found = embedding.Transitions(runs, scaling, delays).blocks()
    return Regression.over((np.concatenate([v, u], axis=1), after[:, :outputs]) for v, u, after in found)


def _too_little(ds: xr.Dataset, delays: int) -> str:
    if longest_complete(ds) < delays + 2:
        needs = f"no run has {delays + 2} complete samples in a row, which delays={delays} needs"
        return f"ARX: {needs}; {fewer_delays(ds, delays)}"
    fewer = "use fewer delays, or " if delays else ""
    return (
        f"ARX: there are too few stretches of {delays + 2} complete samples for the coefficients that delays={delays} "
        f"needs; {fewer}give more or longer runs.{sparse(ds)}"
    )


def _akaike(runs: Window, scaling: Scaling, delays: int, ridge: float) -> tuple[float, np.ndarray]:
    """Akaike's criterion per output value (infinite with fewer transitions than coefficients), and the weights."""
    try:
        regression = _regression(runs, scaling, delays)
    except FitError:  # no transition at all
        return np.inf, np.zeros((0, runs.output.shape[-1]))
    n, weights = regression.samples, regression.solve(ridge)
    # What is constant or copies another is no coefficient to determine, nor an output to choose the delays by.
    k = regression.rank
    if n < 2 or (n < 2 * (k + 1) and delays > 0):
        return np.inf, weights
    varies = regression.varies if regression.varies.any() else slice(None)
    square = regression.mean_square(weights)[varies]
    return float(np.mean(np.log(square + 1e-12)) + 2 * (k + 1) / n), weights
