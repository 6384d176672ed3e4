"""The belief about regime and state, carried from sample to sample of a forecast."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.filtering.methods.collapse import collapse
from dynlearn.filtering.methods.collapsed import forward
from dynlearn.filtering.processes.switching import NEVER, SwitchingChain, predicted
from dynlearn.models.switching.system import SwitchingSystem


class SwitchingBelief(eqx.Module):
    """p(z = j) ~ exp(log_weight_j), x | z = j ~ N(mean_j, chol_j chol_j^T). One draw has one regime and no spread."""

    mean: Float[Array, "regime state"]
    chol: Float[Array, "regime state state"]
    log_weight: Float[Array, " regime"]


def inferred(chain: SwitchingChain, key: Key[Array, ""] | None) -> SwitchingBelief:
    """The filter's last belief, or a draw from it; NaN where nothing at all was measured."""
    found = jax.tree.map(lambda leaf: leaf[-1], forward(chain))
    mean, chol, log_weight = found.mean, found.chol_cov, found.log_weight
    if key is not None:
        mean, chol, log_weight = _drawn(key, log_weight, mean, chol, jnp.arange(chain.regimes), chain.regimes)
    return SwitchingBelief(jnp.where(jnp.isnan(chain.y).all(), jnp.nan, mean), chol, log_weight)


def stepped(
    system: SwitchingSystem, belief: SwitchingBelief, u: Float[Array, " control"], key: Key[Array, ""] | None
) -> SwitchingBelief:
    """One transition later (`u` scaled): the hypotheses that end alike merged, or one of them drawn."""
    ahead = predicted(system.switch, belief.mean, belief.chol, belief.log_weight, system.move(u))
    if key is None:
        log_weight, mean, chol = jax.vmap(collapse, 1)(*ahead)
        return SwitchingBelief(mean, chol, jax.nn.log_softmax(log_weight))
    K = system.regimes
    log_weight, mean, chol = (leaf.reshape(K * K, *leaf.shape[2:]) for leaf in ahead)
    return SwitchingBelief(*_drawn(key, log_weight, mean, chol, jnp.tile(jnp.arange(K), K), K))


def _drawn(key, log_weight, mean, chol, regime, regimes: int) -> tuple[Array, Array, Array]:
    """One hypothesis, and one point of it, as a belief; `regime` is where each hypothesis ends."""
    which, where = jax.random.split(key)
    h = jax.random.categorical(which, log_weight)
    n = mean.shape[-1]
    x = mean[h] + chol[h] @ jax.random.normal(where, (chol.shape[-1],), mean.dtype)
    weight = jnp.where(jnp.arange(regimes) == regime[h], 0.0, NEVER).astype(mean.dtype)
    return jnp.broadcast_to(x, (regimes, n)), jnp.zeros((regimes, n, n), mean.dtype), weight
