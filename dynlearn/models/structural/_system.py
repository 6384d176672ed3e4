"""A sum of structural pieces as one linear Gaussian system."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
import jax.scipy.linalg
from jaxtyping import Array, Float

from dynlearn.errors import ArgumentError
from dynlearn.models._linear_gaussian import Emission, Transition
from dynlearn.models._linear_systems import AbstractSystem
from dynlearn.models._scaling import Scaling
from dynlearn.models.structural._piece import Block, Piece, Pieces
from dynlearn.models.structural.level import Noise
from dynlearn.numerics.plain import plain


class StructuralSystem(AbstractSystem):
    """Block diagonal: every piece moves on its own, the output is their sum plus noise."""

    pieces: tuple[Piece, ...]
    noise: Noise
    controls: int = eqx.field(static=True, converter=plain)

    @classmethod
    def of(cls, pieces: Piece | Pieces, scaling: Scaling, controls: int) -> Self:
        given = pieces.pieces if isinstance(pieces, Pieces) else (pieces,)
        if not all(isinstance(piece, Piece) for piece in given):
            raise ArgumentError(
                f"LinearStateSpace.of: expected pieces such as structural.Level() + structural.Seasonal(12), got "
                f"{pieces!r}."
            )
        y = float(scaling.output_mean[0]), float(scaling.output_scale[0])
        ready = [piece.scaled(*y, controls) for piece in given]
        noises = [piece for piece in ready if isinstance(piece, Noise)] or [Noise().scaled(*y, controls)]
        others = tuple(piece for piece in ready if not isinstance(piece, Noise))
        if len(noises) > 1 or not any(piece.state_names for piece in others):
            raise ArgumentError(
                f"LinearStateSpace.of: expected at least one piece with a state and at most one Noise, got {pieces!r}."
            )
        return cls(others, noises[0], controls)

    @property
    def state_names(self) -> tuple[str, ...]:
        names = [name for piece in self.pieces for name in piece.state_names]
        return tuple(n if names.count(n) == 1 else f"{n} ({names[:i].count(n)})" for i, n in enumerate(names))

    @property
    def feedthrough(self) -> bool:
        return self.controls > 0

    @property
    def continuous(self) -> bool:
        return False

    def _blocks(self) -> list[Block]:
        return [block for piece in self.pieces if (block := piece.block()) is not None]

    def initial(self) -> tuple[Float[Array, " state"], Float[Array, "state state"]]:
        blocks = self._blocks()
        return jnp.concatenate([b.mean for b in blocks]), jax.scipy.linalg.block_diag(
            *(b.chol for b in blocks)
        )

    def transition(self, interval: Float[Array, ""]) -> Transition:
        blocks = self._blocks()
        A, chol_Q = (jax.scipy.linalg.block_diag(*(getattr(b, k) for b in blocks)) for k in ("A", "chol_Q"))
        n = A.shape[0]
        still = jnp.zeros((n, self.controls))
        return Transition(A, still, still, jnp.zeros(n), chol_Q)

    def emission(self) -> Emission:
        C = jnp.concatenate([b.row for b in self._blocks()])[None]
        D = sum((piece.gain(self.controls) for piece in self.pieces), jnp.zeros(self.controls))[None]
        return Emission(C, D, jnp.reshape(self.noise.scale, (1, 1)))


def parameters(model) -> dict[str, float]:
    """Standard deviations (in the output's unit), periods and coefficients of a structural model, by name.

    >>> import numpy as np, dynlearn as dl
    >>> ds = dl.from_arrays(np.cumsum(np.ones((20, 1)), 0), dt=1.0)
    >>> model = dl.models.LinearStateSpace.of(dl.models.structural.Level(scale=2.0), ds)
    >>> round(dl.models.structural.parameters(model)["level"], 5)
    2.0
    """
    system, scaling = model.system, model.scaling
    if not isinstance(system, StructuralSystem):
        raise ArgumentError("parameters: expected a model of structural pieces; use model.matrices() here.")
    scale = float(scaling.output_scale[0])
    found: dict[str, float] = {}
    for piece in (*system.pieces, system.noise):
        found |= piece.parameters(scale)
    for i, name in enumerate(model.signature.control_names):
        if f"regression {i}" in found:
            beta = found.pop(f"regression {i}") * scale / float(scaling.control_scale[i])
            found[f"regression {name}"] = beta
    return found
