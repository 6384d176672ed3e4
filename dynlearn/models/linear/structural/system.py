"""A sum of structural pieces as one linear Gaussian system."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
import jax.scipy.linalg
from jaxtyping import Array, Float

from dynlearn.contract.linear_gaussian import Emission, Transition
from dynlearn.contract.scaling import Scaling
from dynlearn.errors import ArgumentError
from dynlearn.models.linear.structural.level import Noise
from dynlearn.models.linear.structural.piece import Block, Piece, Pieces
from dynlearn.numerics.plain import plain
from dynlearn.parts.transitions.linear_systems import AbstractSystem


class StructuralSystem(AbstractSystem):
    """Block diagonal: every piece moves on its own, the output is their sum plus noise.

    Args:
        pieces: the terms with states or coefficients, in scaled units.
        noise: of the measurement.
        controls: how many the dataset has.

    >>> from dynlearn.models import Scaling, structural
    >>> structural.StructuralSystem.of(structural.Trend() + structural.AR(1), Scaling.unit(1), 0).state_names
    ('level', 'slope', 'ar')
    """

    pieces: tuple[Piece, ...]
    noise: Noise
    controls: int = eqx.field(static=True, converter=plain)

    @classmethod
    def of(cls, pieces: Piece | Pieces, scaling: Scaling, controls: int) -> Self:
        """The system of a sum; a `Noise` is added where the sum has none.

        Args:
            pieces: one piece or a sum.
            scaling: whose output scale the pieces' deviations are divided by.
            controls: how many the dataset has.

        Raises:
            ArgumentError: what is no sum of pieces, one without a state, or one with two noises.
        """
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
        """Whether controls enter the outputs, by a regression or with coefficients of zero."""
        return self.controls > 0

    @property
    def continuous(self) -> bool:
        """Never: pieces step from sample to sample."""
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

    Args:
        model: a `LinearStateSpace` that `of` built.

    Returns:
        The numbers by name, such as "level", "slope" or "noise".

    Raises:
        ArgumentError: a model that is not made of structural pieces.

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
