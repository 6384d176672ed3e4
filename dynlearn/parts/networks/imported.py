"""Functions that were brought over from another framework, as the models here call them."""

from collections.abc import Callable

import equinox as eqx
from jaxtyping import Array, Float


class AbstractImported(eqx.Module):
    """A function of one state, made of a program with the other framework's calling convention.

    Its weight matrices are trained and, for the members of an ensemble, drawn anew.
    """


class Imported(AbstractImported):
    """A field or a map f(t, x, u, s).

    The program takes t and x, then u if it has controls, then s if it has static features; where it is
    `batched`, each of these but t with a leading axis of one.
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


class ImportedObservation(AbstractImported):
    """An observation h(x, s): the program takes x, then s if it has static features; `batched` as above."""

    program: Callable[..., Float[Array, "*one output"]]
    statics: bool = eqx.field(static=True)
    batched: bool = eqx.field(static=True)

    def __call__(self, x: Float[Array, " state"], s: Float[Array, " static"]) -> Float[Array, " output"]:
        rows = [x, *([s] if self.statics else [])]
        return self.program(*(row[None] for row in rows))[0] if self.batched else self.program(*rows)
