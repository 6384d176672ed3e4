"""The density of measured outputs, on the device: what a fit maximises."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.inference._methods import process_of
from dynlearn.models import AbstractStateSpace
from dynlearn.numerics.filtering._contract import AbstractInference
from dynlearn.numerics.window import Window


def log_density(
    model: AbstractStateSpace,
    run: Window,
    *,
    method: AbstractInference | None = None,
    key: Key[Array, ""] | None = None,
) -> Float[Array, " time"]:
    r"""log p(y_k | y_0 .. y_{k-1}) of every sample of one run (no batch axes), in physical units.

    Entries that were not measured, and samples of the padding, contribute 0. Differentiable in the
    model; batch it with `jax.vmap`. In scaled units the density is larger by the product of the
    scales of the entries measured, which is taken off here.

    Args:
        model: a state-space model.
        run: one run on the device (`ds.dyn.to_device()`, one index of its run axis).
        method: an object such as `dl.inference.Unscented()`; None for the model's own.
        key: for methods that draw; None: the same draws every time.
    """
    chosen = model.inference if method is None else method
    key = jax.random.key(0) if key is None else key
    scaled = chosen.filter(process_of(model, run, chosen), key).log_density
    return scaled - jnp.where(run.observed, jnp.log(model.scaling.output_scale), 0).sum(-1)


def total(
    model: AbstractStateSpace, runs: Window, method: AbstractInference, key: Key[Array, ""]
) -> Float[Array, " run"]:
    """The log-likelihood of every run."""
    keys = jax.random.split(key, runs.valid.shape[0])
    return jax.vmap(lambda run, key: log_density(model, run, method=method, key=key).sum())(runs, keys)
