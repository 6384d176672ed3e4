"""Views: three outputs made of a solution's, as different instruments would show the same system."""

import numpy as np
from jaxtyping import Float

OUTPUTS = 3
LONGEST = 64
"""Samples between the coordinates of a delay embedding, at most."""


def mixed(y: Float[np.ndarray, "time output"], rng: np.random.Generator) -> Float[np.ndarray, "time 3"]:
    """Three random linear combinations of the outputs, each scaled to unit deviation before."""
    return _standard(y) @ rng.standard_normal((y.shape[1], OUTPUTS))


def chosen(y: Float[np.ndarray, "time output"], rng: np.random.Generator) -> Float[np.ndarray, "time 3"]:
    """Three of the outputs in any order, each as it is or mirrored; of fewer than three, the last by delays."""
    if y.shape[1] < OUTPUTS:
        return delayed(y, rng)
    kept = rng.permutation(y.shape[1])[:OUTPUTS]
    return y[:, kept] * rng.choice([-1.0, 1.0], OUTPUTS)


def delayed(y: Float[np.ndarray, "time output"], rng: np.random.Generator) -> Float[np.ndarray, "time 3"]:
    """One output, or one combination of all, now and one and two delays ago; the first samples have no past."""
    pick = rng.integers(y.shape[1] + 1)
    x = y[:, pick] if pick < y.shape[1] else _standard(y) @ rng.standard_normal(y.shape[1])
    lag = delay(x)
    shifted = [x[2 * lag :], x[lag : len(x) - lag], x[: len(x) - 2 * lag]]
    return np.stack(shifted, axis=1)


def delay(x: Float[np.ndarray, " time"]) -> int:
    """Samples until the autocorrelation has fallen below 1/e, from 1 to 64."""
    import jax.numpy as jnp

    from dynlearn.numerics.autocorrelation import decorrelation

    centred = (x - x.mean()) / x.std()
    return int(decorrelation(jnp.asarray(centred, float), jnp.ones(len(x), bool), min(LONGEST, len(x) // 6)))


VIEWS = {"mixed": mixed, "chosen": chosen, "delayed": delayed}


def _standard(y: np.ndarray) -> np.ndarray:
    return (y - y.mean(0)) / y.std(0)
