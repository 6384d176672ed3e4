"""Views: three outputs made of a solution's, as different instruments would show the same system."""

import numpy as np
from jaxtyping import Float

OUTPUTS = 3


def mixed(y: Float[np.ndarray, "time output"], rng: np.random.Generator) -> Float[np.ndarray, "time 3"]:
    """Three random linear combinations of the outputs, each scaled to unit deviation before."""
    return standard(y) @ rng.standard_normal((y.shape[1], OUTPUTS))


def chosen(y: Float[np.ndarray, "time output"], rng: np.random.Generator) -> Float[np.ndarray, "time 3"]:
    """Three of the outputs in any order, each as it is or mirrored; of fewer than three, the last by delays."""
    if y.shape[1] < OUTPUTS:
        return delayed(y, rng)
    kept = rng.permutation(y.shape[1])[:OUTPUTS]
    return y[:, kept] * rng.choice([-1.0, 1.0], OUTPUTS)


def delayed(y: Float[np.ndarray, "time output"], rng: np.random.Generator) -> Float[np.ndarray, "time 3"]:
    """One output, or one combination of all, now and one and two delays ago; the first samples have no past."""
    pick = rng.integers(y.shape[1] + 1)
    x = y[:, pick] if pick < y.shape[1] else standard(y) @ rng.standard_normal(y.shape[1])
    lag = delay(x)
    shifted = [x[2 * lag :], x[lag : len(x) - lag], x[: len(x) - 2 * lag]]
    return np.stack(shifted, axis=1)


def delay(x: Float[np.ndarray, " time"]) -> int:
    """That of the models which read such views (`embedding_delay`)."""
    import jax.numpy as jnp

    from dynlearn.numerics.embedding_delay import embedding_delay

    return int(embedding_delay(jnp.asarray(standard(x), float), jnp.ones(len(x), bool)))


VIEWS = {"mixed": mixed, "chosen": chosen, "delayed": delayed}


def standard(y: Float[np.ndarray, "time *output"]) -> Float[np.ndarray, "time *output"]:
    """Of mean 0 and deviation 1."""
    return (y - y.mean(0)) / y.std(0)
