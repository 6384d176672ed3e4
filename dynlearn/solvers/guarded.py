"""Rejected steps must not poison a gradient."""

from typing import ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

from dynlearn.numerics.precision import exact_products
from dynlearn.solvers.ode.problem import all_finite


class Guarded(diffrax.AbstractSolver):
    """A diffrax solver, differentiable in reverse, whose failed steps have no derivative.

    A step that is tried and leaves the finite numbers is rejected: the cotangent of what it computed is
    zero. Times the infinities along the way that would be NaN, in the gradient of the whole batch; and
    the linear solve that differentiates an implicit step would end the program.
    """

    solver: diffrax.AbstractSolver
    term_structure: ClassVar = diffrax.AbstractTerm

    @property
    def interpolation_cls(self):
        return self.solver.interpolation_cls

    def order(self, terms):
        return self.solver.order(terms)

    def error_order(self, terms):
        return self.solver.error_order(terms)

    def func(self, terms, t0, y0, args):
        return self.solver.func(terms, t0, y0, args)

    def init(self, terms, t0, t1, y0, args):
        return self.solver.init(terms, t0, t1, y0, args)

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        step = _implicit if isinstance(self.solver, diffrax.AbstractImplicitSolver) else _explicit
        return step((terms, t0, t1, y0, args, solver_state), self.solver, made_jump)


@eqx.filter_custom_jvp
def _implicit(moving, solver, made_jump):
    return solver.step(*moving, made_jump)


@_implicit.def_jvp
@exact_products
def _tangent(primals, tangents):
    moving, solver, made_jump = primals
    out = solver.step(*moving, made_jump)
    ok = all_finite(out)
    # A failed step is linearised over no time at 1 instead, whatever is not finite in what it depends on.
    terms, *point, args, state = moving
    terms, args = jax.tree.map(_filled, (terms, args))
    point, state = jax.tree.map(lambda a: _filled(a, ok), (point, state))
    instead = (terms, *point, args, state)
    _, tangent = eqx.filter_jvp(lambda *m: solver.step(*m, made_jump), instead, tangents[0])
    # In reverse: nothing comes in, not even the NaN of an interpolant that was not used.
    return out, jax.tree.map(lambda a: jnp.where(ok, a, jnp.zeros_like(a)), tangent)


def _filled(a, keep=True):
    return jnp.where(keep & jnp.isfinite(a), a, 1) if eqx.is_inexact_array(a) else a


@eqx.filter_custom_vjp
def _explicit(moving, solver, made_jump):
    return solver.step(*moving, made_jump)


@_explicit.def_fwd
@exact_products
def _forward(perturbed, moving, solver, made_jump):
    del perturbed
    out, pull = eqx.filter_vjp(lambda m: solver.step(*m, made_jump), moving)
    zero = jax.tree.map(jnp.zeros_like, eqx.filter(out, eqx.is_inexact_array))
    return out, (pull, zero, all_finite(out))


@_explicit.def_bwd
def _backward(residuals, cotangent, perturbed, moving, solver, made_jump):
    del perturbed, moving, solver, made_jump
    pull, zero, ok = residuals
    (gradient,) = pull(eqx.combine(cotangent, zero))
    return jax.tree.map(lambda g: jnp.where(ok, g, jnp.zeros_like(g)), gradient)
