"""The density of measured outputs, on the device: what a fit maximises."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.state_space import AbstractMarkov, AbstractStateSpace, markov
from dynlearn.filtering.contract import AbstractInference
from dynlearn.inference.methods import process_of
from dynlearn.trajectories.window import Window


def log_density(
    model: AbstractStateSpace,
    run: Window,
    *,
    method: AbstractInference | None = None,
    key: Key[Array, ""] | None = None,
) -> Float[Array, " time"]:
    """log p(y_k | y_0 .. y_{k-1}) of every sample of one run (no batch axes), in physical units.

    Entries that were not measured, and samples of the padding, contribute 0. Differentiable in the
    model; batch it with `jax.vmap`. In scaled units the density is larger by the product of the
    scales of the entries measured, which is taken off here.

    Args:
        model: a state-space model.
        run: one run on the device (`ds.dyn.to_device()`, one index of its run axis).
        method: an object such as `dl.inference.Unscented()`; None for the model's own.
        key: for methods that draw; None: the same draws every time.

    Returns:
        One number per sample, `(time,)`, in nats.

    Raises:
        ArgumentError: a method that does not fit the model.

    >>> import dynlearn as dl
    >>> white = {"A": [[0.0]], "C": [[0.0]], "Q": [[0.0]], "R": [[1.0]]}
    >>> model = dl.models.LinearStateSpace.from_matrices(dl.models.Signature(("y",), interval=1.0), white)
    >>> ds = dl.from_arrays([[[0.0], [jnp.nan]]], dt=1.0, output_names=["y"])
    >>> run = jax.tree.map(lambda a: a[0], ds.dyn.to_device())
    >>> jax.jit(log_density)(model, run).round(3)  # a standard normal value: -log(2 pi) / 2
    Array([-0.919,  0.   ], dtype=float32)
    """
    chosen = model.inference if method is None else method
    key = jax.random.key(0) if key is None else key
    scaled = chosen.filter(process_of(model, run, chosen), key).log_density
    return scaled - jnp.where(run.observed, jnp.log(model.scaling.output_scale), 0).sum(-1)


def log_joint(model: AbstractMarkov, run: Window, x: Float[Array, "time state"]) -> Float[Array, " time"]:
    """log p(x_k | x_{k-1}) + log p(y_k | x_k) of every sample of one run and a path, in scaled units.

    At the first sample log p(x_0) stands for the first term; the sum is log p(x_0 .. x_T, y_0 .. y_T).
    Only the samples of the run and the outputs that were measured count. -inf or NaN where a state
    moves without noise.

    Args:
        model: one whose transitions are Gaussian given the state.
        run: one run on the device (`ds.dyn.to_device()`, one index of its run axis).
        x: the path, in the model's own state.

    Returns:
        One number per sample, `(time,)`, in nats.

    >>> import dynlearn as dl
    >>> still, one = (lambda t, x, u, s: x), (lambda t, x, u, s: jnp.ones(1))
    >>> signature = dl.models.Signature(("y",), interval=1.0)
    >>> model = dl.models.NonlinearStateSpace(
    ...     signature, states=1, transition=still, observation=lambda x, s: x, noise=one, key=0
    ... )
    >>> run = jax.tree.map(lambda a: a[0], dl.from_arrays([[[0.0], [1.0]]], dt=1.0, output_names=["y"]).dyn.to_device())
    >>> log_joint(model, run, jnp.zeros((2, 1))).shape
    (2,)
    """
    process = markov(model, run)
    counted = run.valid
    first = counted & ~process.moves

    before = jnp.concatenate([x[:1], x[:-1]])
    steps = jax.vmap(lambda x, to, into: process.move(x, into).joint(to))(before, x, process.into)
    starts = jax.vmap(process.start.joint)(x)
    outputs = jax.vmap(lambda x, at, y: process.emit(x, at).joint(y))(x, process.at, process.y)
    states = jnp.where(first, starts, jnp.where(process.moves, steps, 0))
    return states + outputs


def total(
    model: AbstractStateSpace, runs: Window, method: AbstractInference, keys: Key[Array, " run"]
) -> Float[Array, " run"]:
    """The log-likelihood of every run."""
    return jax.vmap(lambda run, key: log_density(model, run, method=method, key=key).sum())(runs, keys)
