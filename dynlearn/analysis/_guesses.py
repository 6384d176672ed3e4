"""States from which cycles are looked for: on orbits, where those nearly return, and around them."""

import numpy as np
from jaxtyping import Float


def guesses(
    seen: Float[np.ndarray, "run step z"],
    starts: Float[np.ndarray, "run z"],
    period: int,
    count: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "guess z"]:
    """`count` states: half among the quarter of those seen that come nearest to themselves after `period` steps.

    The others are drawn around the orbits, as far as these spread, and as far as their points reach or the data do
    (one scaled unit): what repels is not on them. Where no orbit stayed, around the `starts`.
    """
    near, flat = np.zeros((0, starts.shape[1])), starts
    if seen.size:
        apart = np.linalg.norm(seen[:, period:] - seen[:, :-period], axis=-1)
        order = np.argsort(apart, axis=None)[: apart.size // 4 + 1]
        chosen = np.unravel_index(
            rng.choice(order, min((count + 1) // 2, order.size), replace=False), apart.shape
        )
        near, flat = seen[chosen], seen.reshape(-1, seen.shape[-1])
    centre = flat.mean(0)
    spread, reach = flat.std(0) + 1e-3, max(1.0, np.abs(flat - centre).max())
    if not seen.size:
        reach += np.abs(centre).max()
    noise = rng.normal(size=(count - len(near), flat.shape[1]))
    far = centre + noise * np.where(np.arange(len(noise))[:, None] % 2, 2 * spread, reach)
    return np.concatenate([near, far])
