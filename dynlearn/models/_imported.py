"""A field or a map that was brought over from another framework, as the models here call it."""

from collections.abc import Callable

import equinox as eqx
from jaxtyping import Array, Float


class Imported(eqx.Module):
    """A function f(t, x, u, s) of one state, made of a program with the other framework's calling convention.

    The program takes t and x, then u if it has controls, then s if it has static features; where it is
    `batched`, each of these but t with a leading axis of one. Its weight matrices are trained and, for the
    members of an ensemble, drawn anew.
    """

    program: Callable[..., Float[Array, "*one state"]]
    controls: bool = eqx.field(static=True)
    statics: bool = eqx.field(static=True)
    batched: bool = eqx.field(static=True)

    def __call__(
        self,
        t: Float[Array, ""],
        x: Float[Array, " state"],
        u: Float[Array, " control"],
        s: Float[Array, " static"],
    ) -> Float[Array, " state"]:
        rows = [x, *([u] if self.controls else []), *([s] if self.statics else [])]
        if not self.batched:
            return self.program(t, *rows)
        return self.program(t, *(row[None] for row in rows))[0]
