"""The particle filter, and backward sampling."""

import cuthbert
import equinox as eqx
import jax
import jax.numpy as jnp
from cuthbert.smc import backward_sampler, particle_filter
from cuthbertlib.resampling import adaptive, autodiff
from cuthbertlib.smc.smoothing import exact_sampling, tracing
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float, Int, Key

from dynlearn.errors import ArgumentError, check_count, check_known, is_number
from dynlearn.filtering.contract import AbstractInference, AbstractProcess, Filtered, Smoothed
from dynlearn.filtering.processes.process import Process
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.distributions.mixture import Mixture
from dynlearn.numerics.linear.triangular import tria
from dynlearn.numerics.plain import plain

BACKWARD = {"sampling": exact_sampling.simulate, "ancestors": tracing.simulate}


class Particle(AbstractInference):
    """Weighted points moved by the model and reweighted by the density of what was measured.

    Converges to the truth with the number of particles for any model, outputs of any law included; the
    likelihood is unbiased, and its gradient is Fisher's estimate of the score.

    Args:
        size: particles.
        threshold: resample when the effective sample size falls below this share of them.
        backward: how paths are drawn: by "sampling", from every particle in turn given the next
            state; or along their "ancestors", which is cheap and knows few different beginnings. Where
            a state moves without noise only its ancestor leads to it, and both are the same.

    Raises:
        ArgumentError: a size below 2, a threshold outside (0, 1], an unknown `backward`.

    References: Gordon, Salmond, Smith 1993; Godsill, Doucet, West 2004; Chopin, Papaspiliopoulos, "An
    introduction to sequential Monte Carlo", 2020; Ścibior, Wood, "Differentiable particle filtering
    without modifying the forward pass", 2021.

    >>> import dynlearn as dl
    >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]]}
    >>> model = dl.models.LinearStateSpace.from_matrices(dl.models.Signature(("y",), interval=1.0), walk)
    >>> ds = dl.from_arrays([[[2.0], [1.0]]], dt=1.0, output_names=["y"])
    >>> found = dl.filter(model, ds, method=Particle(size=500))["state_mean"].values.ravel()
    >>> bool((abs(found - 1.0) < 0.3).all())  # the mean is 1 at both samples
    True
    """

    size: int = eqx.field(static=True, converter=plain, default=1000)
    threshold: float = eqx.field(static=True, converter=plain, default=0.5)
    backward: str = eqx.field(static=True, default="sampling")

    def __check_init__(self):
        check_count("Particle: size", self.size, 2)
        check_known("backward", [self.backward], BACKWARD)
        if not is_number(self.threshold) or not 0 < self.threshold <= 1:
            raise ArgumentError(f"Particle: expected threshold in (0, 1], got {self.threshold!r}.")

    @property
    def references(self) -> tuple[str, ...]:
        """Keys in `references.bib`, of the filter, and of the smoother where it draws."""
        found = (
            "gordon1993novel",
            "chopin2020introduction",
            "scibior2021differentiable",
            "duffield2026cuthbert",
        )
        return (*found, "godsill2004monte") if self.backward == "sampling" else found

    @property
    def takes(self) -> type[AbstractProcess]:
        return Process

    def filter(self, process: Process, key: Key[Array, ""]) -> Filtered:
        states = self._forward(process, key)
        x, log_weight = states.particles[1:], states.log_weights[1:]
        density = jax.vmap(lambda x, row: jax.vmap(lambda x: _measured(process, x, row))(x))
        log_p = density(x, process.rows)
        # The weights before the measurement, of the same particles; what it ruled out is gone for good.
        before = jnp.where(jnp.isfinite(log_p), log_weight - log_p, -jnp.inf)
        return Filtered(
            weighted(x, before), weighted(x, log_weight), jnp.diff(states.log_normalizing_constant)
        )

    def smooth(self, process: Process, samples: int, key: Key[Array, ""]) -> Smoothed:
        for_filter, for_paths = jax.random.split(key)
        states = self._forward(process, for_filter)
        smoother = backward_sampler.build_smoother(
            log_potential=lambda x, to, row: _moved(process, x, to, row),
            backward_sampling_fn=BACKWARD[self.backward],
            resampling_fn=systematic,
            n_smoother_particles=max(samples, self.size // 2),
        )
        paths = cuthbert.smoother(smoother, states, key=for_paths).particles[1:]
        return Smoothed(
            weighted(paths, jnp.zeros(paths.shape[:2], paths.dtype)), jnp.swapaxes(paths, 0, 1)[:samples]
        )

    def _forward(self, process: Process, key: Key[Array, ""]) -> particle_filter.ParticleFilterState:
        def propagate(key: Array, x: Array, row) -> Array:
            into, _, moves, _ = row
            return jnp.where(moves, process.move(x, into).sample(key), x)

        resampling = autodiff.stop_gradient_decorator(systematic)
        passes = particle_filter.build_filter(
            process.start.sample,
            propagate,
            lambda before, x, row: _measured(process, x, row),
            self.size,
            adaptive.ess_decorator(resampling, self.threshold),
        )
        for_start, for_steps = jax.random.split(key)
        return cuthbert.filter(passes, process.rows, passes.init_prepare(key=for_start), key=for_steps)


def systematic(
    key: Key[Array, ""], logits: Float[Array, " point"], points: Float[Array, "point state"], n: int
) -> tuple[Int[Array, " n"], Float[Array, " n"], Float[Array, "n state"]]:
    """n equally weighted points: those that evenly spaced levels, shifted at random, pick from the cumulated weights.

    cuthbertlib's own calls back into Python on a CPU, one run at a time, and only in the session's precision.
    """
    total = jnp.cumsum(jax.nn.softmax(logits))
    # Rounded up to 1, the last level would pick a point of no weight.
    below_one = 1 - jnp.finfo(logits.dtype).epsneg
    level = jnp.minimum((jnp.arange(n) + jax.random.uniform(key, (), logits.dtype)) / n, below_one)
    index = jnp.clip(jnp.searchsorted(total / total[-1], level, side="right"), 0, logits.shape[0] - 1)
    return index.astype(int), jnp.zeros(n, logits.dtype), points[index]


def weighted(x: Float[Array, "time point state"], log_weight: Float[Array, "time point"]) -> Mixture:
    return Mixture(MultivariateGaussian(x, jnp.zeros((*x.shape, 0), x.dtype)), log_weight)


def _measured(process: Process, x: Array, row) -> Float[Array, ""]:
    """log p(y | x)."""
    _, at, _, y = row
    return process.emit(x, at).joint(y)


def _moved(process: Process, x: Array, to: Array, row) -> Float[Array, ""]:
    """log p(x' | x), with a noise far below the mean: a state that moves without any fits its own ancestor only."""
    into, _, moves, _ = row
    law = process.move(x, into)
    mean, chol = jnp.where(moves, law.mean, x), jnp.where(moves, law.chol, 0)
    eps = jnp.finfo(mean.dtype).eps ** 0.625
    floor = eps * (jnp.abs(mean) + eps * jnp.abs(mean).max()) + 1e-15
    # Inverted once for each x, not solved for each pair: nothing here may depend on x'.
    noise = tria(jnp.concatenate([chol, jnp.diag(floor)], axis=1))
    whiten = solve_triangular(noise, jnp.eye(x.shape[0], dtype=mean.dtype), lower=True)
    log_size = jnp.sum(jnp.log(jnp.abs(jnp.diagonal(whiten))))
    return log_size + jax.scipy.stats.norm.logpdf(whiten @ (to - mean)).sum()
