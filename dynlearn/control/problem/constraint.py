"""Constraints: what a plan must keep, besides the bounds of its controls."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError, check_known, is_number
from dynlearn.numerics.plain import plain

KINDS = ("soft", "hard")


class Constraint(eqx.Module):
    """`function(outputs, control, time)` returns values that must be <= 0, in physical units.

    It is read on the outputs each control leads to, y_{k+1} with u_k: the present outputs cannot be
    changed any more. "soft" adds `weight * sum(max(value, 0))` to the cost, "hard" makes the plan
    infeasible: planners prefer any feasible plan, then the one that violates least, and say so.

    With an ensemble a soft penalty is averaged over the members, and a hard constraint is broken
    as soon as one member breaks it.

    Args:
        function: written in JAX; returns a scalar or an array.
        kind: "hard" or "soft".
        weight: of a soft one, above 0.

    Raises:
        ArgumentError: what is no function, an unknown kind, a weight that is not above 0.

    >>> slow = Constraint(lambda y, u, t: abs(y[1]) - 2.0)
    >>> [float(v) for v in slow.penalty_and_violation(jnp.array([0.0, 3.0]), jnp.zeros(1), 0.0)]
    [0.0, 1.0]
    """

    function: Callable = eqx.field(static=True)
    kind: str = eqx.field(static=True, default="hard")
    weight: int | float = eqx.field(static=True, converter=plain, default=1.0)

    def __check_init__(self):
        if not callable(self.function):
            raise ArgumentError(
                f"Constraint: expected a function (outputs, control, time) -> values <= 0, got "
                f"{self.function!r}; pass e.g. lambda y, u, t: y[0] - 1.0."
            )
        check_known("kind of constraint", [self.kind], KINDS)
        if not (is_number(self.weight) and np.isfinite(self.weight) and self.weight > 0):
            raise ArgumentError(f"Constraint: weight: expected a number > 0, got {self.weight!r}.")

    @property
    def references(self) -> tuple[str, ...]:
        """Of how plans that break a hard one are ranked."""
        return ("wen2018constrained",) if self.kind == "hard" else ()

    def penalty_and_violation(
        self, outputs: Float[Array, " output"], control: Float[Array, " control"], time: Float[Array, ""]
    ) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """(what is added to the cost, by how much a hard constraint is broken).

        Args:
            outputs: that the control leads to, `(output,)`.
            control: `(control,)`.
            time: the instant from which the control is applied.

        Returns:
            Two scalars; of a hard constraint the first is 0, of a soft one the second.
        """
        excess = jnp.maximum(jnp.asarray(self.function(outputs, control, time)), 0).sum()
        zero = jnp.zeros_like(excess)
        return (zero, excess) if self.kind == "hard" else (self.weight * excess, zero)
