"""The EM objective: expected joint density of states and outputs, over paths drawn by the smoother."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.state_space import AbstractMarkov
from dynlearn.errors import ArgumentError
from dynlearn.filtering.processes.process import Process
from dynlearn.inference.density import log_joint
from dynlearn.references import cites
from dynlearn.trajectories.window import Window

PATHS = 4
"""State paths drawn per window."""


@cites("wei1990monte", "schon2011system")
def expectation(
    model: AbstractModel, batch: Window, key: Key[Array, ""]
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    r"""Negative expected log joint density of states and outputs, per measured value: Monte Carlo EM.

        L = -mean_i [sum_{k > past} log p(x_k^i | x_{k-1}^i) + log p(y_k | x_k^i)] / count,    x^i ~ p(x | y) held fixed

    The paths are drawn by the smoother of the present model (E-step) and held fixed while a gradient
    step raises their joint density (a partial M-step). By Fisher's identity the gradient is that of
    the marginal log-likelihood, up to what the smoother approximates. The past of a window is smoothed
    but not counted: most windows do not start where their run does. Needs noise in every state.

    References: Wei, Tanner, "A Monte Carlo implementation of the EM algorithm", JASA 1990; Schön,
    Wills, Ninness, Automatica 2011.
    """
    held = jax.lax.stop_gradient(eqx.filter(model, eqx.is_array))
    still = eqx.combine(held, eqx.filter(model, eqx.is_array, inverse=True))

    def one(window: Window, key: Key[Array, ""]) -> Float[Array, ""]:
        # A process of another kind is exact, or stands behind auxiliary variables: other objectives are for these.
        if not (isinstance(model, AbstractMarkov) and isinstance(process := still.process(window), Process)):
            raise ArgumentError(
                f"objective 'expectation': expected a state-space model with a transition density such as "
                f"NonlinearStateSpace, got {type(model).__name__}; use 'marginal_likelihood', or method='em' for a "
                f"LinearStateSpace."
            )
        paths = still.inference.smooth(process, PATHS, key).draws
        density = jax.vmap(lambda x: log_joint(model, window, x))(jax.lax.stop_gradient(paths))
        return density[:, model.memory :].sum(1).mean()

    density = jax.vmap(one)(batch, jax.random.split(key, batch.valid.shape[0]))
    return -density.sum() / jnp.maximum(batch.observed[:, model.memory :].sum(), 1), {}
