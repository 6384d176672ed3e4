"""A diagonal linear recurrence over a whole sequence at once."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact


def parallel(
    factor: Inexact[Array, "time mode"], inflow: Inexact[Array, "time mode"]
) -> Inexact[Array, "time mode"]:
    r"""All states of x_{k+1} = factor_k x_k + inflow_k from x_0 = 0, as x_1 .. x_n.

    Two consecutive steps are again one, (a, b) then (a', b') being (a' a, a' b + b'), and this is
    associative: an associative scan of two levels. Blocks of sqrt(n) steps are summed up side by
    side, then the state is carried from block to block: a depth of 2 sqrt(n) instead of n.
    `jax.lax.associative_scan`, of depth 2 log2(n), took five times as long to compile (3.7 s, 0.7 s)
    and 1.5 times as long to run on a CPU, for a gradient with n = 400, 32 modes, a batch of 16.

    Reference: Blelloch, "Prefix sums and their applications", 1990.

    >>> import jax.numpy as jnp
    >>> parallel(jnp.full((3, 1), 0.5), jnp.ones((3, 1))).ravel().tolist()
    [1.0, 1.5, 1.75]
    """
    n = factor.shape[0]
    block = math.isqrt(n)
    factors, inflows = _blocks(factor, block, 1), _blocks(inflow, block, 0)

    def within(before, step):
        together = step[0] * before[0], step[0] * before[1] + step[1]
        return together, together

    def across(x, whole):
        return whole[0] * x + whole[1], x

    nothing = jnp.ones_like(factors[0]), jnp.zeros_like(inflows[0])
    product, total = jax.lax.scan(within, nothing, (factors, inflows))[1]
    start = jax.lax.scan(across, jnp.zeros_like(inflow[0]), (product[-1], total[-1]))[1]
    x = total + product * start
    return x.swapaxes(0, 1).reshape(-1, *inflow.shape[1:])[:n]


def _blocks(a: Inexact[Array, "time mode"], block: int, fill: int) -> Inexact[Array, "block blocks mode"]:
    """Rows cut into consecutive blocks, all first rows first; the last block is filled up."""
    count = -(-a.shape[0] // block)
    full = jnp.pad(a, ((0, block * count - a.shape[0]), (0, 0)), constant_values=fill)
    return full.reshape(count, block, -1).swapaxes(0, 1)
