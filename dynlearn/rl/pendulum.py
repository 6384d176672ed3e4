"""Gymnasium's Pendulum-v1 as a model: the ceiling for anything learned from it."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from dynlearn.contract.model import AbstractModel
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.trajectories.window import Window

NAMES = ("cos_angle", "sin_angle", "rate")


class PendulumTruth(AbstractModel):
    """The equations of Pendulum-v1, angle 0 = upright, without noise.

        rate'  = clip(rate + (3 g / (2 l) sin(angle) + 3 / (m l^2) torque) dt, -8, 8)
        angle' = angle + rate' dt,    g = 10 m/s^2, m = 1 kg, l = 1 m, dt = 0.05 s, |torque| <= 2 N m

    Outputs: cos(angle), sin(angle), rate [rad/s], as the environment's observations.

    Args:
        signature: names, units, and the interval of 0.05 s.
        scaling: changes nothing.
        objective, method: nothing is to be fitted; the names are here because every model has them.
        memory, required: one sample shows the whole state.

    >>> model = PendulumTruth()
    >>> model.signature.output_names
    ('cos_angle', 'sin_angle', 'rate')
    """

    signature: Signature = eqx.field(
        static=True,
        default=Signature(NAMES, ("torque",), (), ("", "", "rad/s"), ("N m",), "s", 0.05),
    )

    scaling: Scaling = eqx.field(default_factory=lambda: Scaling.unit(3, 1))
    objective: str = eqx.field(static=True, default="multi_step")
    method: str = eqx.field(static=True, default="gradient")
    memory: int = eqx.field(static=True, default=1)
    required: int = eqx.field(static=True, default=1)

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> Float[Array, "2"]:
        """(angle, rate) from the last sample, NaN where it was not measured in full."""
        c, s, rate = jnp.where(past.observed[-1], past.output[-1], jnp.nan)
        return jnp.stack([jnp.arctan2(s, c), rate])

    def step(
        self,
        state: Float[Array, "2"],
        control: Float[Array, " control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> Float[Array, "2"]:
        angle, rate = state
        rate = rate + (15.0 * jnp.sin(angle) + 3.0 * jnp.clip(control[0], -2.0, 2.0)) * interval
        rate = jnp.clip(rate, -8.0, 8.0)
        return jnp.stack([angle + rate * interval, rate])

    def observe(self, state: Float[Array, "2"], control: Float[Array, " control"]) -> Gaussian:
        angle, rate = state
        mean = jnp.stack([jnp.cos(angle), jnp.sin(angle), rate])
        return Gaussian(mean, jnp.full_like(mean, 1e-6))


class PendulumCost(eqx.Module):
    """Minus the reward of Pendulum-v1: angle^2 + 0.1 rate^2 + 0.001 torque^2, in rad and rad/s.

    The end of the horizon costs like any other instant, so that a plan that arrives is preferred.

    >>> float(PendulumCost().running(jnp.array([1.0, 0.0, 2.0]), jnp.array([0.0]), 0.0))
    0.4...
    """

    def running(
        self, outputs: Float[Array, "3"], control: Float[Array, " control"], time: Float[Array, ""]
    ) -> Float[Array, ""]:
        """angle^2 + 0.1 rate^2 + 0.001 torque^2 at every `time`, of `outputs` (cos, sin, rate) and `control`."""
        return self.terminal(outputs) + 0.001 * control[0] ** 2

    def terminal(self, outputs: Float[Array, "3"]) -> Float[Array, ""]:
        """What `outputs` (cos, sin, rate) cost without a torque."""
        c, s, rate = outputs
        return jnp.arctan2(s, c) ** 2 + 0.1 * rate**2
