"""Comparisons, logic, bits and choices."""

import jax.numpy as jnp
from jaxtyping import Array, Bool

from dynlearn.programs.table import alias, operation

for _function, _name in (
    (jnp.equal, "eq"),
    (jnp.not_equal, "ne"),
    (jnp.less, "lt"),
    (jnp.less_equal, "le"),
    (jnp.greater, "gt"),
    (jnp.greater_equal, "ge"),
    (jnp.bitwise_and, "bitwise_and"),
    (jnp.bitwise_or, "bitwise_or"),
    (jnp.bitwise_xor, "bitwise_xor"),
):
    alias(_function, f"{_name}.Tensor", f"{_name}.Scalar")

alias(jnp.bitwise_not, "bitwise_not.default")
alias(jnp.left_shift, "bitwise_left_shift.Tensor", "__lshift__.Tensor", "__lshift__.Scalar")
alias(jnp.right_shift, "bitwise_right_shift.Tensor", "__rshift__.Tensor", "__rshift__.Scalar")
alias(jnp.logical_and, "logical_and.default")
alias(jnp.logical_or, "logical_or.default")
alias(jnp.logical_xor, "logical_xor.default")
alias(jnp.logical_not, "logical_not.default")
alias(jnp.isnan, "isnan.default")
alias(jnp.isinf, "isinf.default")
alias(jnp.isfinite, "isfinite.default")
alias(jnp.signbit, "signbit.default")


@operation("where.self", "where.ScalarSelf", "where.ScalarOther", "where.Scalar")
def where(condition: Bool[Array, "..."], self: Array, other: Array) -> Array:
    return jnp.where(condition, self, other)


@operation("masked_fill.Scalar", "masked_fill.Tensor")
def masked_fill(self: Array, mask: Bool[Array, "..."], value: Array) -> Array:
    return jnp.where(mask, jnp.asarray(value, self.dtype), self)


@operation("heaviside.default")
def heaviside(self: Array, values: Array) -> Array:
    return jnp.heaviside(self, values)
