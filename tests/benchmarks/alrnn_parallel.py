"""Does it pay to run an almost-linear RNN in parallel in time?

Protocol: M = 20, P = 2, float32, one orbit of T = 200, 2000 and 20 000 samples of a model with a spectral radius
below 1 driven by noise, forward, and value and gradient of the mean square of its outputs. The scan against Newton's
method on the whole orbit (DEER): guess all states, linearise every step, solve the linear recurrence by a parallel
prefix over 20 x 20 matrices, until nothing moves by more than 1e-5; for a piecewise-linear map a step is exact once the
regions are. The gradient goes through the last linearisation alone. Everything is compiled first; 5 turns, medians;
the number of Newton's iterations and the largest difference of the outputs in the notes.

Peers: the scan, which training and forecasts use.

Target: none; where the ratio is below 1, parallel in time pays.

Seeds: 0.
"""

from functools import partial
from typing import Any

import numpy as np

from ._measure import seconds
from ._rows import Row
from ._settings import Settings

M, P = 20, 2
LENGTHS = (200, 2000, 20_000)
MOST = 100


def run(settings: Settings) -> list[Row]:
    import jax

    rows = []
    for length in LENGTHS if not settings.quick else (50,):
        weights, z0, drive = _problem(length)
        for what, wrapped in (("forward", _outputs), ("value and gradient", _loss_and_gradient)):
            scan = jax.jit(partial(wrapped, _by_scan))
            newton = jax.jit(partial(wrapped, _by_newton))
            (one, _), (other, count) = scan(weights, z0, drive), newton(weights, z0, drive)
            took: dict[str, list[float]] = {"scan": [], "newton": []}
            for _ in range(settings.times(5)):
                for name, work in (("scan", scan), ("newton", newton)):
                    call = partial(_ready, work, weights, z0, drive)
                    took[name].append(1e3 * min(seconds(call, 2)))
            apart = max(
                float(np.abs(np.asarray(a) - np.asarray(b)).max())
                for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
            )
            note = f"{int(count)} iterations, difference {apart:.1e}"
            rows.append(
                Row.repeated(
                    f"{what}, T = {length}", took["newton"], "ms", "the scan", took["scan"], note=note
                )
            )
    return rows


def _ready(work: Any, *arguments: Any) -> None:
    import jax

    jax.block_until_ready(work(*arguments))


def _problem(length: int) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    W = rng.normal(size=(M, M))
    W *= 0.6 / np.abs(np.linalg.eigvals(W)).max()
    values = rng.uniform(0.2, 0.3, M), W, 0.1 * rng.normal(size=M)
    weights = tuple(jnp.asarray(v, jnp.float32) for v in values)
    drive = jnp.asarray(rng.normal(size=(length, M)), jnp.float32)
    return weights, jnp.zeros(M, jnp.float32), drive


def _advance(weights: Any, z: Any, v: Any) -> Any:
    import jax
    import jax.numpy as jnp

    a, W, h = weights
    phi = jnp.where(jnp.arange(M) >= M - P, jax.nn.relu(z), z)
    return a * z + W @ phi + h + v


def _by_scan(weights: Any, z0: Any, drive: Any) -> tuple[Any, Any]:
    import jax

    def body(z, v):
        after = _advance(weights, z, v)
        return after, after

    return jax.lax.scan(body, z0, drive)[1], 0


def _by_newton(weights: Any, z0: Any, drive: Any) -> tuple[Any, Any]:
    import jax
    import jax.numpy as jnp

    def improved(weights, z):
        """The orbit of the linearisation around z."""
        before = jnp.concatenate([z0[None], z[:-1]])
        step = partial(_advance, weights)
        J = jax.vmap(jax.jacfwd(step))(before, drive)
        b = jax.vmap(step)(before, drive) - jnp.einsum("kij,kj->ki", J, before)
        b = b.at[0].add(J[0] @ z0)

        def joined(left, right):
            return right[0] @ left[0], jnp.einsum("kij,kj->ki", right[0], left[1]) + right[1]

        return jax.lax.associative_scan(joined, (J, b))[1]

    def going(carry):
        _, moved, count = carry
        return (moved > 1e-5) & (count < MOST)

    def body(carry):
        z, _, count = carry
        after = improved(jax.lax.stop_gradient(weights), z)
        return after, jnp.abs(after - z).max(), count + 1

    start = jnp.zeros_like(drive), jnp.asarray(jnp.inf, drive.dtype), jnp.asarray(0)
    z, _, count = jax.lax.while_loop(going, body, start)
    # Once more with the weights: at the solution this is its derivative.
    return improved(weights, jax.lax.stop_gradient(z)), count


def _outputs(path: Any, weights: Any, z0: Any, drive: Any) -> tuple[Any, Any]:
    z, count = path(weights, z0, drive)
    return z[:, :3], count


def _loss_and_gradient(path: Any, weights: Any, z0: Any, drive: Any) -> tuple[Any, Any]:
    import jax
    import jax.numpy as jnp

    def loss(weights):
        outputs, count = _outputs(path, weights, z0, drive)
        return jnp.mean(outputs**2), count

    (value, count), gradient = jax.value_and_grad(loss, has_aux=True)(weights)
    return (value, gradient), count
