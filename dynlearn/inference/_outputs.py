"""From beliefs about states to distributions of outputs in physical units."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.filtering.contract import AbstractProcess
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.distributions.mixture import Mixture
from dynlearn.numerics.linear.conditional_noise import given_measured

AT_ONCE = 2**22
"""Numbers in the beliefs about runs that are worked on side by side, about."""

Moments = tuple[Float[Array, "time output"], Float[Array, "time output"]]
"""Mean and standard deviation at each sample."""


def marginal(model: AbstractModel, process: AbstractProcess, belief: Mixture) -> Moments:
    """Of a measurement at each sample: N(H m + d, H P H^T + R), mixed over the components."""
    H, d, chol_R = process.tangents(belief.components.mean)
    return _mixed(model, belief, H, d, chol_R)


def missing(model: AbstractModel, process: AbstractProcess, belief: Mixture) -> Moments:
    """Of what was not measured at each sample, given what was; measured values come back with scale 0.

    Where noises are correlated, the outputs measured at the same instant speak of the missing one
    through its noise as well as through the state.
    """
    each = jax.vmap(jax.vmap(given_measured, in_axes=(0, 0, 0, None)))
    return _mixed(model, belief, *each(*process.tangents(belief.components.mean), process.y))


def _mixed(model: AbstractModel, belief: Mixture, H: Array, d: Array, chol_R: Array) -> Moments:
    state: Any = belief.components
    mean = jnp.einsum("kcij,kcj->kci", H, state.mean) + d
    spread = jnp.concatenate([H @ state.chol, chol_R], axis=-1)
    mixed = Mixture(Gaussian(mean, jnp.linalg.norm(spread, axis=-1)), belief.log_weight)
    return model.scaling.output_inverse(mixed.mean), model.scaling.output_scale * mixed.scale


def over_runs(
    one: Callable[[Any, Key[Array, ""]], Any], runs: Any, keys: Key[Array, " run"], like: Any
) -> Any:
    """`one(run, key)` of every run, a `Window` or a tree of arrays: as many side by side as memory takes.

    `like(run, key)` is its largest array.
    """
    first = jax.tree.map(lambda leaf: leaf[0], (runs, keys))
    size = sum(leaf.size for leaf in jax.tree.leaves(eqx.filter_eval_shape(like, *first)))
    count = keys.shape[0]
    at_once = max(1, AT_ONCE // max(size, 1))
    if at_once >= count:
        return jax.vmap(one)(runs, keys)
    return jax.lax.map(lambda inputs: one(*inputs), (runs, keys), batch_size=at_once)
