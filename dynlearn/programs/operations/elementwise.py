"""Arithmetic and functions of one or two numbers."""

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy import special
from jaxtyping import Array

from dynlearn.programs.table import alias, operation

for _function, *_names in (
    (jnp.sin, "sin.default"),
    (jnp.cos, "cos.default"),
    (jnp.tan, "tan.default"),
    (jnp.arcsin, "asin.default"),
    (jnp.arccos, "acos.default"),
    (jnp.arctan, "atan.default"),
    (jnp.arctan2, "atan2.default"),
    (jnp.sinh, "sinh.default"),
    (jnp.cosh, "cosh.default"),
    (jnp.tanh, "tanh.default"),
    (jnp.arcsinh, "asinh.default"),
    (jnp.arccosh, "acosh.default"),
    (jnp.arctanh, "atanh.default"),
    (jnp.exp, "exp.default"),
    (jnp.exp2, "exp2.default"),
    (jnp.expm1, "expm1.default"),
    (jnp.log, "log.default"),
    (jnp.log1p, "log1p.default"),
    (jnp.log2, "log2.default"),
    (jnp.log10, "log10.default"),
    (jnp.sqrt, "sqrt.default"),
    (jnp.square, "square.default"),
    (jnp.reciprocal, "reciprocal.default"),
    (jnp.negative, "neg.default"),
    (jnp.sign, "sign.default", "sgn.default"),
    (jnp.floor, "floor.default"),
    (jnp.ceil, "ceil.default"),
    (jnp.trunc, "trunc.default"),
    (jnp.sinc, "sinc.default"),
    (jnp.maximum, "maximum.default", "max.other"),
    (jnp.minimum, "minimum.default", "min.other"),
    (jnp.hypot, "hypot.default"),
    (jnp.copysign, "copysign.Tensor", "copysign.Scalar"),
    (jnp.logaddexp, "logaddexp.default"),
    (jnp.logaddexp2, "logaddexp2.default"),
    (jnp.remainder, "remainder.Tensor", "remainder.Scalar", "remainder.Scalar_Tensor"),
    (jnp.fmod, "fmod.Tensor", "fmod.Scalar"),
    (jnp.multiply, "mul.Tensor", "mul.Scalar"),
    (lax.rsqrt, "rsqrt.default"),
    (jax.nn.sigmoid, "sigmoid.default"),
    (special.erf, "erf.default"),
    (special.erfc, "erfc.default"),
    (special.erfinv, "erfinv.default"),
    (special.gammaln, "lgamma.default"),
    (special.digamma, "digamma.default"),
):
    alias(_function, *_names)


@operation("abs.default")
def absolute(self: Array) -> Array:
    return self * lax.stop_gradient(jnp.sign(self))  # at zero the slope is zero


@operation("add.Tensor", "add.Scalar")
def add(self: Array, other: Array, alpha: float = 1) -> Array:
    return jnp.add(self, other if alpha == 1 else jnp.multiply(alpha, other))


@operation("sub.Tensor", "sub.Scalar")
def sub(self: Array, other: Array, alpha: float = 1) -> Array:
    return jnp.subtract(self, other if alpha == 1 else jnp.multiply(alpha, other))


@operation("rsub.Tensor", "rsub.Scalar")
def rsub(self: Array, other: Array, alpha: float = 1) -> Array:
    return sub(other, self, alpha)


@operation("div.Tensor", "div.Scalar")
def div(self: Array, other: Array) -> Array:
    return jnp.true_divide(self, other)


@operation("div.Tensor_mode", "div.Scalar_mode")
def div_mode(self: Array, other: Array, rounding_mode: str | None) -> Array:
    if rounding_mode is None:
        return div(self, other)
    if rounding_mode == "floor":
        return lax.stop_gradient(jnp.floor_divide(self, other))
    if jnp.issubdtype(jnp.result_type(self, other), jnp.integer):
        return lax.div(*jnp.broadcast_arrays(*_same_kind(self, other)))
    return lax.stop_gradient(jnp.trunc(div(self, other)))


def _same_kind(*arrays: Array) -> list[Array]:
    return [jnp.asarray(array, jnp.result_type(*arrays)) for array in arrays]


@operation("pow.Tensor_Tensor", "pow.Tensor_Scalar", "pow.Scalar")
def power(self: Array, exponent: Array) -> Array:
    # A whole number in the code keeps negative bases, and their derivative, exact.
    if isinstance(exponent, int | float) and float(exponent).is_integer() and abs(exponent) < 64:
        kind = jnp.result_type(self, exponent)
        return lax.integer_pow(jnp.asarray(self, kind), int(exponent))
    return jnp.power(self, exponent)


@operation("round.default", "round.decimals")
def round_half_even(self: Array, decimals: int = 0) -> Array:
    return jnp.round(self, decimals)


@operation("clamp.default", "clamp.Tensor")
def clamp(self: Array, min: Array | None = None, max: Array | None = None) -> Array:
    # Written with strict comparisons: at a bound, and for NaN, the input passes, with slope one.
    if min is not None:
        self = jnp.where(self < min, min, self)
    return self if max is None else jnp.where(self > max, max, self)


@operation("clamp_min.default", "clamp_min.Tensor")
def clamp_min(self: Array, min: Array) -> Array:
    return clamp(self, min)


@operation("clamp_max.default", "clamp_max.Tensor")
def clamp_max(self: Array, max: Array) -> Array:
    return clamp(self, None, max)


@operation("fmax.default")
def fmax(self: Array, other: Array) -> Array:
    return jnp.where((self >= other) | jnp.isnan(other), self, other)  # of equals the first moves


@operation("fmin.default")
def fmin(self: Array, other: Array) -> Array:
    return jnp.where((self <= other) | jnp.isnan(other), self, other)


@operation("xlogy.Tensor", "xlogy.Scalar_Self", "xlogy.Scalar_Other")
def xlogy(self: Array, other: Array) -> Array:
    return special.xlogy(*_same_kind(self, other))  # its derivative does not take whole numbers


@operation("addcmul.default")
def addcmul(self: Array, tensor1: Array, tensor2: Array, value: float = 1) -> Array:
    return self + value * tensor1 * tensor2


@operation("addcdiv.default")
def addcdiv(self: Array, tensor1: Array, tensor2: Array, value: float = 1) -> Array:
    return self + value * tensor1 / tensor2


@operation("lerp.Scalar", "lerp.Tensor")
def lerp(self: Array, end: Array, weight: Array) -> Array:
    return self + weight * (end - self)


@operation("nan_to_num.default")
def nan_to_num(
    self: Array, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Array:
    return jnp.nan_to_num(self, nan=nan or 0.0, posinf=posinf, neginf=neginf)
