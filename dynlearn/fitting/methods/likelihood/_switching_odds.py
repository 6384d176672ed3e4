"""The M-step of switching: counts, and a logistic regression where the state has a say."""

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from dynlearn.filtering.processes.switches import AbstractSwitch, Markov, StateDependent

OTHERS = 0.1
"""Transitions to each other regime that the prior has seen."""
RIDGE = 1e-2
"""Prior precision of L and W: what no transition tells of stays near 0, perfect separation stays finite."""
NEWTON = 3
SHARES = (1.0, 0.5, 0.2, 0.05, 0.0)


def fitted_switch(
    switch: AbstractSwitch,
    weight: Float[Array, "run move regime regime"],
    x: Float[Array, "run move regime regime state"],
    sticky: float,
) -> AbstractSwitch:
    """The switch of the same kind that makes the expected transitions likeliest."""
    K = weight.shape[-1]
    prior = OTHERS + sticky * jnp.eye(K, dtype=weight.dtype)
    if not isinstance(switch, StateDependent):
        counts = weight.sum((0, 1)) + prior
        return Markov(jnp.log(counts / counts.sum(1, keepdims=True)))
    flat, restore = ravel_pytree((switch.logits, switch.W))

    def loss(p: Array) -> Array:
        logits, W = restore(p)
        # The mean of x_k under a pair of regimes stands for its distribution.
        scores = logits[:, None] + jnp.einsum("skijn,ln->skijl", x, W)
        log_p = jax.nn.log_softmax(scores, axis=-1)
        fit = jnp.einsum("skij,skijj->", weight, log_p)
        return -fit - jnp.sum(prior * jax.nn.log_softmax(logits, axis=-1)) + RIDGE / 2 * p @ p

    for _ in range(NEWTON):
        step = jnp.linalg.solve(jax.hessian(loss)(flat), jax.grad(loss)(flat))
        tried = flat - jnp.asarray(SHARES, flat.dtype)[:, None] * step
        flat = tried[jnp.argmin(jax.vmap(loss)(tried))]
    return StateDependent(*restore(flat))
