"""The density of measured outputs, on the device: what a fit maximises."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.inference._methods import process_of
from dynlearn.models import AbstractMarkov, AbstractStateSpace
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


def log_joint(model: AbstractMarkov, run: Window, x: Float[Array, "time state"]) -> Float[Array, " time"]:
    r"""log p(x_k | x_{k-1}) + log p(y_k | x_k) of every sample of one run and a path, in scaled units.

    At the first sample log p(x_0) stands for the first term; the sum is log p(x_0 .. x_T, y_0 .. y_T).
    Only the samples of the run and the outputs that were measured count. -inf or NaN where a state
    moves without noise.
    """
    process = model.process(run)
    counted = run.valid
    first = counted & ~process.moves

    before = jnp.concatenate([x[:1], x[:-1]])
    steps = jax.vmap(lambda x, to, into: process.move(x, into).joint(to))(before, x, process.into)
    starts = jax.vmap(process.start.joint)(x)
    outputs = jax.vmap(lambda x, y: model.emit(x, model.scaling.static(run.static)).joint(y))(x, process.y)
    states = jnp.where(first, starts, jnp.where(process.moves, steps, 0))
    return states + outputs


def total(
    model: AbstractStateSpace, runs: Window, method: AbstractInference, keys: Key[Array, " run"]
) -> Float[Array, " run"]:
    """The log-likelihood of every run."""
    return jax.vmap(lambda run, key: log_density(model, run, method=method, key=key).sum())(runs, keys)
