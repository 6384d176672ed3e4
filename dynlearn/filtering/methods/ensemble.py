"""The ensemble Kalman filter and smoother."""

from typing import Any, ClassVar, NamedTuple

import cuthbert
import equinox as eqx
import jax
import jax.numpy as jnp
from cuthbert.ensemble_kalman import ensemble_rts_smoother
from cuthbertlib import ensemble_kalman as enkf
from jaxtyping import Array, Float, Key

from dynlearn.errors import check_count, check_number
from dynlearn.filtering.contract import AbstractInference, AbstractProcess, Filtered, Smoothed
from dynlearn.filtering.processes.process import Process, moments
from dynlearn.numerics.distributions.gaussian import Gaussian, MultivariateGaussian
from dynlearn.numerics.distributions.mixture import Mixture
from dynlearn.numerics.linear.triangular import tria
from dynlearn.numerics.plain import plain


class EnsembleKalman(AbstractInference):
    """A cloud of states, each moved by the model itself and corrected by the Kalman gain of the cloud's covariances.

    For many states and costly models; linear in the number of states. Outputs that are not Gaussian
    enter the update with their mean and variance; their density is taken as it is, over the cloud.

    Args:
        size: members.
        inflation: relative widening of the cloud after each transition, against its collapse.

    Raises:
        ArgumentError: a size below 2, a negative inflation.

    References: Evensen 1994; Sanz-Alonso, Stuart, Taeb, "Inverse problems and data assimilation",
    2023, alg. 10.2; Raanes, "On the ensemble Rauch-Tung-Striebel smoother", 2016.

    >>> import dynlearn as dl
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]]}
    >>> model = dl.models.LinearStateSpace.from_matrices(dl.models.Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[2.0], [1.0]]], dt=1.0, output_names=["y"])
    >>> found = dl.filter(model, ds, method=EnsembleKalman(size=500))["state_mean"].values.ravel()
    >>> bool((abs(found - 1.0) < 0.3).all())  # the mean is 1 at both samples
    True
    """

    references: ClassVar[tuple[str, ...]] = (
        "evensen1994sequential",
        "sanzalonso2023inverse",
        "raanes2016ensemble",
        "duffield2026cuthbert",
    )
    size: int = eqx.field(static=True, converter=plain, default=200)
    inflation: float = eqx.field(static=True, converter=plain, default=0.0)

    def __check_init__(self):
        check_count("EnsembleKalman: size", self.size, 2)
        check_number("EnsembleKalman", "inflation", self.inflation)

    @property
    def takes(self) -> type[AbstractProcess]:
        return Process

    def filter(self, process: Process, key: Key[Array, ""]) -> Filtered:
        steps = self._forward(process, key)
        return Filtered(
            points(steps.predicted_ensemble[1:]), points(steps.ensemble[1:]), steps.log_density[1:]
        )

    def smooth(self, process: Process, samples: int, key: Key[Array, ""]) -> Smoothed:
        for_filter, for_draws = jax.random.split(key)
        steps = self._forward(process, for_filter)
        back = cuthbert.smoother(ensemble_rts_smoother.build_smoother(), steps).ensemble[1:]
        # Each member is one path through all samples.
        member = jax.random.permutation(for_draws, jnp.arange(max(samples, self.size)) % self.size)
        return Smoothed(points(back), jnp.swapaxes(back, 0, 1)[member[:samples]])

    def _forward(self, process: Process, key: Key[Array, ""]) -> "_Step":
        for_start, for_steps = jax.random.split(key)
        cloud = jax.vmap(process.start.sample)(jax.random.split(for_start, self.size))
        first = _Step(cloud, cloud, jnp.zeros((), cloud.dtype), None)

        def combine(before: _Step, now: _Step) -> _Step:
            (into, at, moves, y), bits = now.model_inputs
            for_move, for_noise = jax.random.split(jax.random.wrap_key_data(bits))

            def move(x: Array, key: Array) -> Array:
                return jnp.where(moves, process.move(x, into).sample(key), x)

            inflation = jnp.where(moves, self.inflation, 0.0)
            predicted = enkf.predict(for_move, before.ensemble, move, inflation)
            found, chol_R = jax.vmap(lambda x: moments(process.emit(x, at)))(predicted)
            # One gain for all members: the noise is the mean of theirs.
            chol_R = jnp.moveaxis(chol_R, 0, 1).reshape(found.shape[1], -1) / jnp.sqrt(self.size)
            measure = lambda x: moments(process.emit(x, at))[0]  # noqa: E731
            cloud, density = enkf.filter_update(for_noise, predicted, measure, tria(chol_R), y)
            if not isinstance(process.emit(predicted[0], at), Gaussian | MultivariateGaussian):
                each = jax.vmap(lambda x: process.emit(x, at).joint(y))(predicted)
                density = jax.nn.logsumexp(each) - jnp.log(self.size)
            return _Step(cloud, predicted, density, now.model_inputs)

        passes = cuthbert.Filter(
            init_prepare=lambda key=None: first,
            filter_prepare=lambda inputs, key=None: first._replace(model_inputs=inputs),
            filter_combine=combine,
            associative=False,
        )
        # Inputs of cuthbert's scan have to be plain arrays.
        bits = jax.random.key_data(jax.random.split(for_steps, process.y.shape[0]))
        return cuthbert.filter(passes, (process.rows, bits), first)


class _Step(NamedTuple):
    """What the filter carries; the names `ensemble`, `predicted_ensemble`, `model_inputs` are cuthbert's."""

    ensemble: Float[Array, "member state"]
    predicted_ensemble: Float[Array, "member state"]
    log_density: Float[Array, ""]
    model_inputs: Any


def points(cloud: Float[Array, "time point state"]) -> Mixture:
    """Equally weighted points."""
    return Mixture(MultivariateGaussian(cloud, jnp.zeros((*cloud.shape, 0), cloud.dtype)))
