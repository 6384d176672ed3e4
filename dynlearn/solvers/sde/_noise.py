"""Kinds of noise: how a diffusion multiplies a Brownian increment, and what Itô and Stratonovich differ by."""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError, check_count, check_known

KINDS = {
    "additive": "(state, noise)",
    "diagonal": "(state,)",
    "scalar": "(state,)",
    "general": "(state, noise)",
}
"""Kind of noise: shape of what the diffusion returns."""
CALCULI = ("ito", "stratonovich")

State = Float[Array, " state"]
Sigma = Float[Array, "state *noise"]


def product(noise: str, sigma: Sigma, dW: Float[Array, " noise"]) -> State:
    """sigma dW, which for diagonal and scalar noise is elementwise."""
    return sigma * dW if noise in ("diagonal", "scalar") else sigma @ dW


def transported(noise: str, sigma: Callable[[State], Sigma], x: State) -> State:
    r"""sum_j (d sigma_j / dx) sigma_j, with sigma_j the columns of the diffusion.

    Itô's drift is Stratonovich's plus half of it. With diagonal noise, sigma_j = g_j(x) e_j, so
    that only the diagonal of dg/dx enters, also where g_j depends on other states than x_j.
    """
    if noise == "additive":
        return jnp.zeros_like(x)
    value, push = jax.linearize(sigma, x)
    if noise == "scalar":
        return push(value)
    if noise == "diagonal":
        return jnp.diagonal(jax.vmap(push)(jnp.eye(len(x), dtype=x.dtype))) * value
    return jnp.einsum("jij->i", jax.vmap(push, in_axes=1)(value))


def depends_on_state(sigma: Callable[[State], Sigma], x: State) -> bool:
    """Whether the diffusion is computed from the state at all; nothing is evaluated."""
    tangent = eqx.filter_eval_shape(lambda x: eqx.filter_jvp(sigma, (x,), (jnp.ones_like(x),))[1], x)
    return bool(jax.tree.leaves(tangent))


def check_noise(noise: str, calculus: str, noise_size: int | None) -> None:
    check_known("noise", [noise], KINDS)
    check_known("calculus", [calculus], CALCULI)
    if noise_size is not None:
        check_count("noise_size", noise_size, 1)


def check_value(
    name: str, function: Any, arguments: tuple, fits: Callable[[tuple], bool], expected: str
) -> Any:
    """The shape of a coefficient's value, once it is known to fit; x is `arguments[1]`."""
    if not callable(function):
        raise ArgumentError(
            f"{name}: expected a function (t, x, u, parameters), got {type(function).__name__}."
        )
    found = eqx.filter_eval_shape(function, *arguments)
    dtype = arguments[1].dtype
    if not isinstance(found, jax.ShapeDtypeStruct):
        raise ArgumentError(f"{name}: expected one array of shape {expected}, got {type(found).__name__}.")
    if not fits(found.shape):
        raise ArgumentError(f"{name}: expected a value of shape {expected}, got {found.shape}; reshape it.")
    if found.dtype != dtype:
        raise ArgumentError(
            f"{name}: expected a value of the type of x0, {dtype}, got {found.dtype}; cast it, or x0."
        )
    return found.shape


def size_of(noise: str, diffusion: Any, arguments: tuple, noise_size: int | None) -> int:
    """How many Brownian motions there are, from the shape of what the diffusion returns."""
    n, matrix = len(arguments[1]), noise in ("additive", "general")

    def fits(shape: tuple) -> bool:
        return shape[:1] == (n,) and (len(shape) == 2 and shape[1] > 0 if matrix else len(shape) == 1)

    kinds = ", ".join(f"{k!r} {v}" for k, v in KINDS.items())
    expected = f"{KINDS[noise]} with {n} states for noise={noise!r} (the kinds are {kinds})"
    shape = check_value("diffusion", diffusion, arguments, fits, expected)
    size = shape[1] if matrix else {"diagonal": n, "scalar": 1}[noise]
    if noise_size not in (None, size):
        raise ArgumentError(
            f"noise_size: expected {size}, for the diffusion has shape {shape} and noise={noise!r}, got {noise_size}; "
            f"leave it out, or change the diffusion."
        )
    return size


def check_possible(schemes: Mapping[str, Any], name: str, noise: str, state_dependent: bool) -> None:
    """`ArgumentError` unless the scheme can integrate the noise; it says which can."""

    def possible(scheme: Any) -> bool:
        return noise in scheme.noises and not (scheme.only_additive and state_dependent)

    if not possible(schemes[name]):
        what = "a diffusion that depends on the state" if state_dependent else "this diffusion"
        raise ArgumentError(
            f"scheme {name!r}: cannot integrate noise={noise!r} with {what}; for that there are "
            f"{', '.join(repr(k) for k, s in schemes.items() if possible(s))}."
        )
