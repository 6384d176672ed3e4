"""Solvers: advance dx/dt = f(t, x) across one interval. They know no model and no dataset.

A solver is a callable `solver(field, x, time, interval) -> x` with `field(t, x) -> dx/dt`, for one
state (any pytree); callers batch with `jax.vmap` and chain intervals with `jax.lax.scan`. Because
an interval starts and ends at samples, jumps of a held control are always landed on.
"""

from dynlearn.solvers._adaptive import Adaptive
from dynlearn.solvers._fixed import FixedStep

Solver = FixedStep | Adaptive

__all__ = ["Adaptive", "FixedStep", "Solver"]
