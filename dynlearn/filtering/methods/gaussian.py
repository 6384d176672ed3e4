"""Extended and unscented Kalman filters: the laws made linear around the belief, then the exact recursions."""

import abc
from typing import Any, ClassVar, NamedTuple

import cuthbert
import jax
import jax.numpy as jnp
from cuthbertlib.linearize import linearize_moments
from jaxtyping import Array, Float, Key

from dynlearn.filtering.contract import AbstractInference, AbstractProcess, Filtered, Smoothed
from dynlearn.filtering.kalman import recursions as kalman
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.methods._linearise import Law, regressed, sigma_points
from dynlearn.filtering.methods.exact import single
from dynlearn.filtering.processes.process import Process, moments
from dynlearn.numerics.distributions.gaussian import Gaussian, MultivariateGaussian, square


class AbstractLinearising(AbstractInference):
    """A Gaussian belief throughout: what follows from it is made linear at every sample.

    Outputs that are not Gaussian enter the update with their mean and variance; their density is
    taken as it is, over sigma points of the predicted belief.
    """

    goes_on: ClassVar[bool] = True

    @abc.abstractmethod
    def linear(self, law: Law, mean: Array, chol: Array) -> tuple[Array, Array, Array]:
        """(F, c, chol_Q) that stand for `law` over N(mean, chol chol^T)."""

    @property
    def takes(self) -> type[AbstractProcess]:
        return Process

    def filter(self, process: Process, key: Key[Array, ""]) -> Filtered:
        found = self.forward(process)[1]
        return Filtered(single(found.predicted), single(found.filtered), found.log_density)

    def smooth(self, process: Process, samples: int, key: Key[Array, ""]) -> Smoothed:
        chain, found = self.forward(process)
        back = kalman.run_smoother(chain, found).smoothed
        return Smoothed(single(back), kalman.draw_paths(chain, found, samples, key))

    def forward(self, process: Process) -> tuple[Chain, kalman.Filtered]:
        """The filter over `process`, and the linear chain it went along."""
        start, n, p = process.start, process.states, process.y.shape[1]
        dtype = start.mean.dtype
        chol, zero = square(start.chol), jnp.zeros((), dtype)
        row = Chain(
            chol,
            start.mean,
            chol,
            jnp.zeros((p, n), dtype),
            jnp.zeros(p, dtype),
            jnp.eye(p, dtype=dtype),
            process.y[0],
        )
        first = _Step(start.mean, chol, start.mean, chol, zero, row, None)

        def combine(before: _Step, now: _Step) -> _Step:
            into, at, moves, y = now.model_inputs
            F, c, chol_Q = self.linear(lambda x: moments(process.move(x, into)), before.mean, before.chol_cov)
            F = jnp.where(moves, F, jnp.eye(n, dtype=dtype))
            c, chol_Q = jnp.where(moves, c, 0), jnp.where(moves, square(chol_Q), 0)
            m, P = kalman.predict(before.mean, before.chol_cov, F, c, chol_Q)
            law = lambda x: process.emit(x, at)  # noqa: E731
            H, d, chol_R = self.linear(lambda x: moments(law(x)), m, P)
            row = Chain(F, c, chol_Q, H, d, square(chol_R), y)
            mean, chol, density = kalman.condition(m, P, row.H, row.d, row.chol_R, y)
            if not isinstance(law(m), Gaussian | MultivariateGaussian):
                x, w = sigma_points(m, P)
                density = jax.nn.logsumexp(jax.vmap(lambda x: law(x).joint(y))(x), b=w)
            return _Step(mean, chol, m, P, density, row, now.model_inputs)

        passes = cuthbert.Filter(
            init_prepare=lambda key=None: first,
            filter_prepare=lambda inputs, key=None: first._replace(model_inputs=inputs),
            filter_combine=combine,
            associative=False,
        )
        steps = cuthbert.filter(passes, process.rows, first)
        steps = jax.tree.map(lambda leaf: leaf[1:], steps)
        return steps.row, kalman.Filtered(
            kalman.Beliefs(steps.predicted_mean, steps.predicted_chol),
            kalman.Beliefs(steps.mean, steps.chol_cov),
            steps.log_density,
        )


class Extended(AbstractLinearising):
    """First-order: F = dE[x' | x]/dx at the mean of the belief, noise as it is there.

    References: Jazwinski, "Stochastic processes and filtering theory", 1970; Särkkä, Svensson,
    "Bayesian filtering and smoothing", 2nd ed. 2023, ch. 7.

    >>> import dynlearn as dl
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]]}
    >>> model = dl.models.LinearStateSpace.from_matrices(dl.models.Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[2.0], [1.0]]], dt=1.0, output_names=["y"])
    >>> dl.filter(model, ds, method=Extended())["state_mean"].values.ravel().round(6)  # exact, the model is linear
    array([1., 1.])
    """

    references: ClassVar[tuple[str, ...]] = (
        "jazwinski1970stochastic",
        "sarkka2023bayesian",
        "duffield2026cuthbert",
    )

    def linear(self, law: Law, mean: Array, chol: Array) -> tuple[Array, Array, Array]:
        return linearize_moments(law, mean)


class Unscented(AbstractLinearising):
    """Sigma points: linear regression of the laws over 2 n + 1 points of the belief.

    No derivatives of the model are needed to filter, and curvature within the belief's spread counts.

    References: Julier, Uhlmann 2004; García-Fernández, Svensson, Morelande, Särkkä, "Posterior
    linearization filter", IEEE TSP 2015.

    >>> import dynlearn as dl
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]]}
    >>> model = dl.models.LinearStateSpace.from_matrices(dl.models.Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[2.0], [1.0]]], dt=1.0, output_names=["y"])
    >>> dl.filter(model, ds, method=Unscented())["state_mean"].values.ravel().round(6)  # exact, the model is linear
    array([1., 1.])
    """

    references: ClassVar[tuple[str, ...]] = (
        "julier2004unscented",
        "garcia2015posterior",
        "duffield2026cuthbert",
    )

    def linear(self, law: Law, mean: Array, chol: Array) -> tuple[Array, Array, Array]:
        return regressed(law, mean, chol)


class _Step(NamedTuple):
    """What the filter carries; the names `mean`, `chol_cov`, `model_inputs` are cuthbert's."""

    mean: Float[Array, " state"]
    chol_cov: Float[Array, "state state"]
    predicted_mean: Float[Array, " state"]
    predicted_chol: Float[Array, "state state"]
    log_density: Float[Array, ""]
    row: Chain
    model_inputs: Any
