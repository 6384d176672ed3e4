"""Activation functions, with PyTorch's slopes where a function has a kink."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array

from dynlearn.programs.table import alias, operation

alias(jax.nn.relu, "relu.default")
alias(jax.nn.silu, "silu.default")
alias(jax.nn.mish, "mish.default")
alias(jax.nn.log_sigmoid, "log_sigmoid.default")


@operation("gelu.default")
def gelu(self: Array, approximate: str = "none") -> Array:
    if approximate == "tanh":
        return jax.nn.gelu(self, approximate=True)
    # x/2 (1 + erf), not x/2 erfc: the slope far to the left then underflows as PyTorch's does.
    return 0.5 * self * (1 + jax.scipy.special.erf(self * math.sqrt(0.5)))


@operation("leaky_relu.default")
def leaky_relu(self: Array, negative_slope: float = 0.01) -> Array:
    return jnp.where(self > 0, self, negative_slope * self)


@operation("prelu.default", "_prelu_kernel.default")
def prelu(self: Array, weight: Array) -> Array:
    if weight.ndim == 1 and self.ndim > 1:  # one slope per channel, the second axis
        weight = weight.reshape(-1, *(1,) * (self.ndim - 2))
    return jnp.where(self > 0, self, weight * self)


@operation("rrelu.default")
def rrelu(self: Array, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Array:
    return leaky_relu(self, (lower + upper) / 2)


@operation("elu.default")
def elu(self: Array, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Array:
    # The branch not taken is evaluated too: it must not overflow, or its slope would be NaN.
    left = jnp.where(self > 0, 0.0, self * input_scale)
    return jnp.where(self > 0, scale * self, scale * alpha * jnp.expm1(left))


@operation("selu.default")
def selu(self: Array) -> Array:
    return elu(self, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946)


@operation("celu.default")
def celu(self: Array, alpha: float = 1) -> Array:
    return elu(self, alpha, 1, 1 / alpha)


@operation("softplus.default")
def softplus(self: Array, beta: float = 1, threshold: float = 20) -> Array:
    linear = self * beta > threshold
    return jnp.where(linear, self, jax.nn.softplus(jnp.where(linear, 0.0, self * beta)) / beta)


@operation("hardtanh.default")
def hardtanh(self: Array, min_val: float = -1, max_val: float = 1) -> Array:
    return jnp.where(self <= min_val, min_val, jnp.where(self >= max_val, max_val, self))


@operation("relu6.default")
def relu6(self: Array) -> Array:
    return hardtanh(self, 0.0, 6.0)


@operation("hardsigmoid.default")
def hardsigmoid(self: Array) -> Array:
    return hardtanh(self, -3.0, 3.0) / 6 + 0.5


@operation("hardswish.default")
def hardswish(self: Array) -> Array:
    return jnp.where(self <= -3, 0.0, jnp.where(self >= 3, self, self * (self + 3) / 6))


@operation("hardshrink.default")
def hardshrink(self: Array, lambd: float = 0.5) -> Array:
    return jnp.where((self >= -lambd) & (self <= lambd), 0.0, self)


@operation("softshrink.default")
def softshrink(self: Array, lambd: float = 0.5) -> Array:
    return jnp.where(self > lambd, self - lambd, jnp.where(self < -lambd, self + lambd, 0.0))


@operation("threshold.default")
def threshold(self: Array, threshold: float, value: float) -> Array:
    return jnp.where(self <= threshold, value, self)


@operation("glu.default")
def glu(self: Array, dim: int = -1) -> Array:
    return jax.nn.glu(self, dim)


@operation("_softmax.default", "softmax.int", "_safe_softmax.default")
def softmax(self: Array, dim: int, half_to_float: object = None) -> Array:
    return jax.nn.softmax(self, dim)


@operation("_log_softmax.default", "log_softmax.int")
def log_softmax(self: Array, dim: int, half_to_float: object = None) -> Array:
    return jax.nn.log_softmax(self, dim)
