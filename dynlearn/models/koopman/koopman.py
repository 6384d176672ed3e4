"""Koopman: dynamics that are linear in lifted coordinates."""

from functools import partial
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.measured import fewer_delays
from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.error_growth import Error, ErrorGrowth
from dynlearn.contract.markers import AbstractClosedForm, AbstractDeterministic, AbstractLinearLatent
from dynlearn.contract.model import with_fields
from dynlearn.contract.rescaling import AbstractRescalable, Affine, Rescaling, joined
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, FitError, check_known
from dynlearn.identification.ridge import Regression, check_ridge
from dynlearn.numerics import precision
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.plain import plain
from dynlearn.numerics.precision import compiled
from dynlearn.parts.liftings import embedding
from dynlearn.parts.liftings.dictionaries import DICTIONARIES
from dynlearn.parts.liftings.dictionary import AbstractDictionary
from dynlearn.parts.liftings.learned import Learned
from dynlearn.parts.networks.rescaled import rescaled
from dynlearn.trajectories.device.fold import folded
from dynlearn.trajectories.device.to_device import to_device
from dynlearn.trajectories.hold import Hold
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window

LIFTED_AT_ONCE = 1024
"""Delay vectors lifted by one call of the compiled program."""


class KoopmanState(eqx.Module):
    z: Float[Array, " z"]
    error: Error


class Koopman(AbstractLinearLatent, AbstractClosedForm, AbstractRescalable, AbstractDeterministic):
    """Extended dynamic mode decomposition with control, and its deep form.

        z_k = [v_k, features(v_k)],    z_{k+1} = A z_k + B u_k + c,    y_k = C z_k + error,

    v_k the delay vector of scaled outputs and controls, the features a dictionary: by name
    ("identity", "delays", "polynomial", "fourier", "radial", "learned") or an object of
    `dl.models.dictionaries`. With a fixed dictionary A, B, c are the least-squares solution;
    with "learned" they and the lifting are fitted by gradient on multi-step forecasts.
    c carries the offset that centring leaves, so that it adds no spurious eigenvalue.

    Args:
        signature: names, units, hold and sampling interval (discrete time).
        scaling: units of the outputs and controls in v.
        dictionary: the lifting from v to z.
        A, B, c: the dynamics in scaled, lifted coordinates: `(z, z)`, `(z, control)`, `(z,)`.
        noise: the error's law.
        gap: samples, beyond one delay vector, over which missing outputs in a context are bridged.

    References: Williams, Kevrekidis, Rowley, "A data-driven approximation of the Koopman operator",
    J. Nonlinear Sci. 2015; Korda, Mezic, "Linear predictors for nonlinear dynamical systems",
    Automatica 2018; Proctor, Brunton, Kutz, "Dynamic mode decomposition with control", 2016.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=3, length=40, key=0)
    >>> model = dl.models.Koopman.from_data(ds, lifting="identity", key=0)
    >>> model.eigenvalues().shape
    (2,)
    """

    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    dictionary: AbstractDictionary
    A: Float[Array, "z z"]
    B: Float[Array, "z control"]
    c: Float[Array, " z"]
    noise: ErrorGrowth
    gap: int = eqx.field(static=True, converter=plain)

    @classmethod
    @one_call
    def from_data(
        cls,
        ds: xr.Dataset,
        *,
        lifting: str | AbstractDictionary = "delays",
        ridge: float = 0.0,
        gap: int = 10,
        key: int | Key[Array, ""] = 0,
    ) -> Self:
        """Scaling, dictionary and the least-squares solution of the one-step regression on `ds`.

        A learned lifting starts from random features and their least-squares dynamics; `fit` then moves both.

        Args:
            ds: the training data, sampled regularly, controls with zero-order hold.
            lifting: a name ("identity", "delays", "polynomial", "fourier", "radial", "learned") or an object of
                `dl.models.dictionaries`.
            ridge: penalty per sample on the scaled coefficients.
            gap: samples, beyond one delay vector, over which missing outputs in a context are bridged.
            key: an int or a JAX key, for what a dictionary draws.

        Returns:
            A model with that solution; its error law, and a learned lifting, are still to be fitted.

        Raises:
            ArgumentError: controls with linear hold; an unknown lifting; a negative count or ridge.
            FitError: no run has enough complete samples in a row for the dictionary's delays.
            SchemaError: irregular sampling.
        """
        check_memory(gap, 0, name="gap")
        check_ridge(ridge)
        signature = Signature.of(ds, discrete=True).replace(static_names=())
        if signature.hold is not Hold.ZERO:
            raise ArgumentError(
                "Koopman: expected zero-order-hold controls, got hold='linear'; resample them."
            )
        with precision.float64():
            model = cls._regressed(ds, signature, _dictionary(lifting), ridge, gap, as_key(key))
        return precision.to_default(model)

    @classmethod
    def _regressed(cls, ds, signature, dictionary, ridge, gap, key) -> Self:
        scaling = Scaling.of(ds)
        runs = to_device(folded(ds, dictionary.delays + 1).ds)
        found = embedding.Transitions(runs, scaling, dictionary.delays)
        if len(found) == 0:
            raise FitError(
                f"Koopman: no run has {dictionary.delays + 2} complete samples in a row, which "
                f"delays={dictionary.delays} needs; {fewer_delays(ds, dictionary.delays)}"
            )
        v = embedding.Vectors(found)
        dictionary = dictionary.prepared(v, key)
        n, m = eqx.filter_eval_shape(dictionary, v[np.arange(1)][0]).shape[0], signature.controls
        A, B, c = map(precision.array, (np.eye(n), np.zeros((n, m)), np.zeros(n)))
        model = cls(signature, scaling, dictionary, A, B, c, ErrorGrowth.unit(signature.outputs), gap)
        ridge = max(ridge, 1e-3) if isinstance(dictionary, Learned) else ridge
        return model.solved(model.regression(runs).solve(ridge))

    @property
    def references(self) -> tuple[str, ...]:
        """Of the regression, and of its form with inputs where there are controls."""
        with_inputs = ("korda2018linear", "proctor2016dynamic") if self.signature.controls else ()
        return ("williams2015data", *with_inputs)

    def regression(self, runs: Window) -> Regression:
        found = embedding.Transitions(runs, self.scaling, self.dictionary.delays).blocks()
        lifted = partial(_lifted, self.dictionary)
        return Regression.over(
            (np.concatenate([lifted(v), u], axis=1), lifted(after)) for v, u, after in found
        )

    def solved(self, weights: Float[np.ndarray, "coefficient z"]) -> Self:
        n = self.A.shape[0]
        A, B, c = weights[:n].T, weights[n:-1].T, weights[-1]
        return eqx.tree_at(lambda k: (k.A, k.B, k.c), self, tuple(map(precision.array, (A, B, c))))

    def rescaled(self, scaling: Scaling) -> Self:
        """With z = T z' + t: A' = T^{-1} A T, and so on; of a dictionary that is learned, or has no features.

        Raises:
            ArgumentError: features that stay what they are in units of their own.
        """
        change = Rescaling.between(self.scaling, scaling)
        d = self.dictionary.delays
        v = joined(*[change.output] * (d + 1), *[change.control] * d)
        features = self.A.shape[0] - v.factor.size
        if features and not isinstance(self.dictionary, Learned):
            raise ArgumentError(
                f"Koopman: the features of {type(self.dictionary).__name__} are of the units they were made in; solve "
                f"anew, method='least_squares', keep the scaling, or fit a new model to all data, from_data(train)."
            )
        dictionary: Any = self.dictionary
        if features:
            network = rescaled(dictionary.network, v, np.ones(features))
            dictionary = eqx.tree_at(lambda learned: learned.network, dictionary, network)
        T, t = joined(v, Affine.unchanged(features))
        A, B, c = (np.asarray(a, float) for a in (self.A, self.B, self.c))
        c = (A @ t + B @ change.control.offset + c - t) / T
        A, B = A * T / T[:, None], B * change.control.factor / T[:, None]
        noise = self.noise.multiplied(1 / change.output.factor)
        solved = {"A": precision.array(A), "B": precision.array(B), "c": precision.array(c)}
        return with_fields(self, scaling=scaling, dictionary=dictionary, noise=noise, **solved)

    @property
    def method(self) -> str:
        return "gradient" if isinstance(self.dictionary, Learned) else "least_squares"

    @property
    def objective(self) -> str:
        return "latent_consistency"

    @property
    def C(self) -> Float[Array, "output z"]:
        """The outputs out of z, which they lead: `(output, z)`, scaled."""
        return jnp.eye(self.signature.outputs, self.A.shape[0])

    @property
    def memory(self) -> int:
        return self.required + self.gap

    @property
    def required(self) -> int:
        return self.dictionary.delays + 1

    def latent(self, state: KoopmanState) -> Float[Array, " z"]:
        return state.z

    def advance(self, z: Float[Array, " z"], u: Float[Array, " control"]) -> Float[Array, " z"]:
        """The next lifted state, A `z` + B `u` + c, u the scaled control."""
        return self.A @ z + self.B @ u + self.c

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> KoopmanState:
        def predict(v, u):
            return self.advance(self.dictionary(v), u)[: self.signature.outputs]

        v = embedding.embed(past, self.scaling, self.dictionary.delays, predict)
        # NaN must not pass through the lifting, whose derivative there is NaN, and stays so when it is masked.
        known = jnp.isfinite(v).all()
        z = jnp.where(known, self.dictionary(jnp.where(known, v, 0)), jnp.nan)
        return KoopmanState(z, self.noise.start())

    def step(
        self,
        state: KoopmanState,
        control: Float[Array, " control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> KoopmanState:
        z = self.advance(state.z, self.scaling.control(control))
        return KoopmanState(z, self.noise.step(state.error, interval, key))

    def observe(self, state: KoopmanState, control: Float[Array, " control"]) -> Gaussian:
        y = self.noise.predictive(state.z[: self.signature.outputs], state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)


def _lifted(dictionary: AbstractDictionary, v: Float[np.ndarray, "pair v"]) -> Float[np.ndarray, "pair z"]:
    """So many rows at a time, whatever their number: one program lifts them all."""
    parts = max(1, -(-len(v) // LIFTED_AT_ONCE))
    rows = np.concatenate([v, np.zeros((parts * LIFTED_AT_ONCE - len(v), v.shape[1]), v.dtype)])
    each = [_lifted_rows(dictionary, precision.array(some)) for some in np.split(rows, parts)]
    return np.concatenate(each)[: len(v)]


@compiled
def _lifted_rows(dictionary: AbstractDictionary, v: Float[Array, "pair v"]) -> Float[Array, "pair z"]:
    return jax.vmap(dictionary)(v)


def _dictionary(lifting: str | AbstractDictionary) -> AbstractDictionary:
    if isinstance(lifting, str):
        check_known("lifting", [lifting], DICTIONARIES)
        return DICTIONARIES[lifting]()
    if not isinstance(lifting, AbstractDictionary):
        raise ArgumentError(
            f"lifting: expected a name or an object of dl.models.dictionaries, got {lifting!r}."
        )
    return lifting
