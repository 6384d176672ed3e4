"""Small systems with known optima, shared by the control tests."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.models import AbstractModel, Scaling, Signature
from dynlearn.numerics.distributions import Gaussian, Mixture


class Cart(AbstractModel):
    """Position and rate of a unit mass pushed by a force, held over each interval; both are measured."""

    signature: Signature = eqx.field(static=True)
    gain: jnp.ndarray
    scaling: Scaling
    required: int = eqx.field(static=True, default=1)
    on_trace: object = eqx.field(static=True, default=None)
    objective: str = eqx.field(static=True, default="multi_step")
    method: str = eqx.field(static=True, default="gradient")

    @property
    def memory(self):
        return self.required

    def infer(self, past, *, key=None):
        if self.on_trace is not None:
            self.on_trace.append(1)
        return jnp.where(past.observed[-1], past.output[-1], jnp.nan)

    def step(self, state, control, time, interval, *, key=None):
        force = self.gain * (control.mean(0) if control.ndim == 2 else control)[0]
        return state + interval * jnp.stack([state[1] + interval * force / 2, force])

    def observe(self, state, control):
        return Gaussian(state, jnp.ones(2))


class Pair(AbstractModel):
    """Two carts at once, as an ensemble predicts: the second one feels the force the other way round."""

    cart: Cart
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    objective: str = eqx.field(static=True, default="multi_step")
    method: str = eqx.field(static=True, default="gradient")
    memory: int = eqx.field(static=True, default=1)
    required: int = eqx.field(static=True, default=1)

    def infer(self, past, *, key=None):
        return jnp.stack([self.cart.infer(past)] * 2)

    def step(self, state, control, time, interval, *, key=None):
        first = self.cart.step(state[0], control, time, interval)
        return jnp.stack([first, self.cart.step(state[1], -control, time, interval)])

    def observe(self, state, control):
        return Mixture(Gaussian(state, jnp.ones((2, 2))))


@pytest.fixture
def cart():
    """A function: a cart with these changes."""

    def build(gain=1.0, required=1, on_trace=None, interval=0.2, **signature):
        units = {"output_units": ("m", "m/s"), "control_units": ("N",), "time_unit": "s"}
        known = Signature(("position", "rate"), ("force",), interval=interval, **(units | signature))
        return Cart(known, jnp.asarray(gain), Scaling.unit(2, 1), required, on_trace)

    return build


@pytest.fixture
def pair(cart):
    one = cart()
    return Pair(one, one.signature, one.scaling)


@pytest.fixture
def lq():
    """(A, B, Q, R) of the cart with interval 0.2."""
    dt = 0.2
    A, B = np.array([[1.0, dt], [0.0, 1.0]]), np.array([[dt**2 / 2], [dt]])
    return A, B, np.diag([1.0, 0.1]), np.array([[0.5]])
