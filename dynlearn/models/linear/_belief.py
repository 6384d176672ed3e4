"""The belief about the state of a linear Gaussian model, carried from sample to sample."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from dynlearn.contract.linear_gaussian import AbstractLinearGaussian, chain
from dynlearn.filtering.kalman import recursions as kalman
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.trajectories.window import Window


class Pending(eqx.Module):
    """What the last sample of a window says as soon as the control of its own instant is known."""

    y: Float[Array, " output"]
    """Scaled, 0 where not observed."""
    observed: Bool[Array, " output"]
    ramp: Float[Array, "state control"]
    """Of the last interval under linear hold: the state's part from the control at its end."""


class Belief(eqx.Module):
    """x ~ N(mean, chol chol^T), before `pending` where there is one."""

    mean: Float[Array, " state"]
    chol: Float[Array, "state state"]
    pending: Pending | None


def inferred(model: AbstractLinearGaussian, past: Window, key: Key[Array, ""] | None) -> Belief:
    """The filter over a past window; NaN where nothing at all was measured in it.

    The control at the last instant is not decided yet: it is 0 in scaled units, and what depends on
    it waits for the first step.
    """
    waits = _waits(model)
    run = eqx.tree_at(lambda w: w.control, past, past.control.at[-1].set(model.scaling.control_mean))
    if waits:
        run = eqx.tree_at(lambda w: w.observed, run, past.observed.at[-1].set(False))
    found = kalman.run_filter(chain(model, run)).filtered
    mean = jnp.where(past.observed.any(), found.mean[-1], jnp.nan)
    if waits:
        return Belief(mean, found.chol[-1], _pending(model, past))
    return Belief(*_drawn(mean, found.chol[-1], key), None)


def stepped(
    model: AbstractLinearGaussian,
    belief: Belief,
    control: Float[Array, "*ends control"],
    interval: Float[Array, ""],
    key: Key[Array, ""] | None,
) -> Belief:
    """The belief one transition later; with a key, one draw from it."""
    u = model.scaling.control(control)
    now, later = model.signature.hold.both(u)
    mean, chol = _settled(model, belief, now)
    F, G, ramp, c, chol_Q = model.transition(interval)
    mean, chol = kalman.predict(mean, chol, F, G @ now + ramp @ (later - now) + c, chol_Q)
    nothing = jax.tree.map(jnp.zeros_like, belief.pending)
    return Belief(*_drawn(mean, chol, key), nothing)


def observed(
    model: AbstractLinearGaussian, belief: Belief, control: Float[Array, " control"]
) -> MultivariateGaussian:
    """The outputs at this instant, in physical units."""
    u = model.scaling.control(control)
    mean, chol = _settled(model, belief, u)
    C, D, chol_R = model.emission()
    whole = jnp.concatenate([C @ chol, chol_R], axis=1)
    return MultivariateGaussian(
        model.scaling.output_inverse(C @ mean + D @ u), model.scaling.output_scale[:, None] * whole
    )


def _waits(model: AbstractLinearGaussian) -> bool:
    """Whether the last sample's output or state depends on the control of its own instant."""
    return model.signature.controls > 0 and (model.feedthrough or model.signature.hold.known_at_end)


def _pending(model: AbstractLinearGaussian, past: Window) -> Pending:
    ramp = jnp.zeros((len(model.state_names), model.signature.controls), past.output.dtype)
    if past.length > 1 and model.signature.hold.known_at_end:
        moved = past.valid[-2] & past.valid[-1]
        ramp = jnp.where(moved, model.transition(jnp.where(moved, past.interval[-2], 0)).ramp, 0)
    y = jnp.where(past.observed[-1], model.scaling.output(past.output[-1]), 0)
    return Pending(y, past.observed[-1], ramp)


def _settled(
    model: AbstractLinearGaussian, belief: Belief, u: Float[Array, " control"]
) -> tuple[Array, Array]:
    """Mean and factor with what was pending taken in; `u` scaled."""
    if belief.pending is None:
        return belief.mean, belief.chol
    y = jnp.where(belief.pending.observed, belief.pending.y, jnp.nan)
    C, D, chol_R = model.emission()
    return kalman.update(belief.mean + belief.pending.ramp @ u, belief.chol, C, D @ u, chol_R, y)


def _drawn(mean: Array, chol: Array, key: Key[Array, ""] | None) -> tuple[Array, Array]:
    """With a key the belief collapses to one draw from it."""
    if key is None:
        return mean, chol
    return mean + chol @ jax.random.normal(key, mean.shape, mean.dtype), jnp.zeros_like(chol)
