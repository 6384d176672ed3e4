"""Symplectic steps for separable systems: the energy of a Hamiltonian one does not drift."""

from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, PyTree

from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.numerics.plain import plain
from dynlearn.solvers.checks import converted
from dynlearn.solvers.march import march
from dynlearn.solvers.ode.fixed import advance
from dynlearn.solvers.ode.problem import AbstractSolver, Problem, Solved

CUBE = 2 ** (1 / 3)
W1, W0 = 1 / (2 - CUBE), -CUBE / (2 - CUBE)
SCHEMES = {
    "semi_implicit_euler": ((0.0, 1.0), (1.0,)),
    "verlet": ((0.5, 0.5), (1.0,)),
    "yoshida4": ((W1 / 2, (W0 + W1) / 2, (W0 + W1) / 2, W1 / 2), (W1, W0, W1)),
}
"""(c_1 ... c_{s+1}), (d_1 ... d_s)."""
REFERENCES = {"verlet": ("verlet1967computer",), "yoshida4": ("yoshida1990construction",)}


class Symplectic(AbstractSolver):
    """`substeps` equal symplectic steps across each interval between instants, for separable systems.

        dq/dt = f(t, p, u, parameters),    dp/dt = g(t, q, u, parameters)

        q <- q + c_i h f(p),    p <- p + d_i h g(q),    i = 1, 2, ...

    `solve_ode` takes the pair `(f, g)` as the field and `(q0, p0)` as the state. For f = dT/dp and
    g = -dV/dq the energy T + V keeps oscillating about its first value instead of drifting away.
    The instants are those at which q and p have arrived, so a field may depend on time.

    Args:
        scheme: "semi_implicit_euler" (order 1), "verlet" (2) or "yoshida4" (4).
        substeps: steps per interval, at least 1.

    Raises:
        ArgumentError: an unknown scheme, `substeps` below 1; from `solve_ode` for a field or state that is no pair.

    References: Hairer, Lubich, Wanner, "Geometric numerical integration", 2006, chapter VI; Yoshida,
    "Construction of higher order symplectic integrators", Physics Letters A 150, 1990.

    >>> import jax.numpy as jnp
    >>> from dynlearn.solvers import Symplectic, solve_ode
    >>> pendulum = (lambda t, p, u, k: p, lambda t, q, u, k: -jnp.sin(q))
    >>> solution = solve_ode(pendulum, (jnp.array(1.0), jnp.array(0.0)), jnp.linspace(0.0, 100.0, 1001),
    ...                      solver=Symplectic("verlet"))
    >>> q, p = solution.states
    >>> energy = p**2 / 2 - jnp.cos(q)
    >>> bool(jnp.abs(energy - energy[0]).max() < 1e-3)
    True
    """

    scheme: str = eqx.field(static=True, default="verlet")
    substeps: int = eqx.field(static=True, converter=plain, default=1)
    adjoints: ClassVar[tuple[str, ...]] = ("direct", "checkpointed", "forward")

    def __check_init__(self):
        check_known("symplectic scheme", [self.scheme], SCHEMES)
        check_count("substeps", self.substeps, 1)

    @property
    def references(self) -> tuple[str, ...]:
        """Keys in `references.bib`, of the scheme."""
        return ("hairer2006geometric", *REFERENCES.get(self.scheme, ()))

    def converted(self, field: Any, t: Array, x: PyTree, u: Array | None, parameters: PyTree) -> Any:
        for name, value in (("field", field), ("x0", x)):
            if not isinstance(value, tuple | list) or len(value) != 2:
                expected = "(f, g) with dq/dt = f(t, p, u, parameters)" if name == "field" else "(q0, p0)"
                raise ArgumentError(f"{name}: Symplectic expects a pair {expected}, got {value!r}.")
        q, p = x
        f = converted("field[0], which gives dq/dt", field[0], (t, p, u, parameters), q)
        g = converted("field[1], which gives dp/dt", field[1], (t, q, u, parameters), p)
        return f, g

    def solve(self, problem: Problem, adjoint: str) -> Solved:
        drifts, kicks = SCHEMES[self.scheme]

        def step(field, parameters, u, x, t, h):
            (f, g), (q, p) = field, x
            kind = type(x)
            at_q = at_p = t
            for i, c in enumerate(drifts):
                if c != 0.0:
                    q = advance(q, c * h, (1.0,), [f(at_p, p, None if u is None else u(at_p), parameters)])
                    at_q = at_q + c * h
                if i < len(kicks):
                    d = kicks[i]
                    p = advance(p, d * h, (1.0,), [g(at_q, q, None if u is None else u(at_q), parameters)])
                    at_p = at_p + d * h
            return kind((q, p))

        return march(problem, step, self.substeps, len(kicks) + sum(c != 0 for c in drifts), adjoint)
