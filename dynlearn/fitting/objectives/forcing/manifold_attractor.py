"""manifold_attractor: teacher forcing, with a part of the hidden units held near a line of fixed points."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.piecewise_linear import AbstractPiecewiseLinear
from dynlearn.errors import ArgumentError
from dynlearn.fitting.objectives.contract import Metrics
from dynlearn.fitting.objectives.forcing.error import checked
from dynlearn.fitting.objectives.forcing.sparse import sparse_teacher_forcing
from dynlearn.references import cites
from dynlearn.trajectories.window import Window


@cites("schmidt2021identifying")
def manifold_attractor(
    model: AbstractModel,
    batch: Window,
    key: Key[Array, ""],
    weight: float = 1e-3,
    share: float = 0.5,
) -> tuple[Float[Array, ""], Metrics]:
    r"""`sparse_teacher_forcing` plus a pull of some hidden units towards z' = z, so that they keep what they hold.

        L = L_forced + weight sum_{i in R} (sum_j (A_ij - delta_ij)^2 + sum_k V_ik^2 + h_i^2) / |R|

    with A, V, h of `model.pieces()` and R the last `share` of the hidden units. A unit with z' = z integrates its
    inputs and forgets nothing: time scales far beyond the forcing interval come from there.

    Args:
        model: a recurrent one of the piecewise-linear families, such as `ALRNN`, with hidden units.
        batch: windows with a leading batch axis: past and horizon count alike.
        key: not used, nothing is drawn.
        weight: of the pull.
        share: of the hidden units that are pulled, from 0 to 1; at least one is.

    Returns:
        The loss, and the metrics "rmse" and "pull", the sum that `weight` multiplies.

    Raises:
        ArgumentError: another kind of model, or one without hidden units.

    Reference: Schmidt, Koppe, Monfared, Beutelspacher, Durstewitz, "Identifying nonlinear dynamical systems with
    multiple time scales and long-range dependencies", ICLR 2021.

    >>> import dynlearn as dl, jax
    >>> from dynlearn.fitting.examples import Examples
    >>> ds = dl.datasets.load("linear", runs=2, length=20, key=0)
    >>> model = dl.models.ALRNN.from_data(ds, latent=4, nonlinear=1, memory=4, key=0)
    >>> batch = Examples.of(model, ds, 5, "train").spread(4)
    >>> sorted(manifold_attractor(model, batch, jax.random.key(0))[1])
    ['pull', 'rmse']
    """
    hidden = checked(model, "manifold_attractor")
    if not isinstance(model, AbstractPiecewiseLinear):
        raise ArgumentError(
            f"objective 'manifold_attractor': expected a piecewise-linear model such as ALRNN, got "
            f"{type(model).__name__}; use 'sparse_teacher_forcing'."
        )
    pieces = model.pieces()
    size, outputs = len(pieces.h), hidden.signature.outputs
    if size == outputs:
        raise ArgumentError(
            "objective 'manifold_attractor': expected a model with hidden units, got none beside the outputs; raise "
            "latent, or use 'sparse_teacher_forcing'."
        )
    count = max(1, round(share * (size - outputs)))
    rows = slice(size - count, None)
    apart = pieces.A - jnp.eye(size, dtype=pieces.A.dtype)
    pull = (jnp.sum(apart[rows] ** 2) + jnp.sum(pieces.V[rows] ** 2) + jnp.sum(pieces.h[rows] ** 2)) / count
    loss, metrics = sparse_teacher_forcing(model, batch, key)
    return loss + weight * pull, {**metrics, "pull": pull}
