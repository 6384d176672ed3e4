"""The autonomous map of a fitted model, and its orbits: what every analysis looks at."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, PyTree

from dynlearn.analysis._border import Control, checked, constant, step_of
from dynlearn.contract.checks.outputs import check_outputs
from dynlearn.contract.model import AbstractModel, State
from dynlearn.contract.rollout import cross, pieces_needed
from dynlearn.errors import ArgumentError
from dynlearn.numerics.precision import array, compiled
from dynlearn.trajectories import schema
from dynlearn.trajectories.device.pasts import pasts

AT_ONCE = 64
"""Rows whose derivatives are computed side by side."""
MOVES = ("z", "x", "v")
"""Names of the part of a state that moves, in the families whose state is one vector."""


class Kept(NamedTuple):
    """What stays as it is along an orbit."""

    state: State
    """In which z is put: static features, and an error that the mean path does not read."""
    control: Float[Array, " control"]
    """In physical units."""


class StateMap(eqx.Module):
    """z' = F(z): one step of a model without noise, under a constant control; z is the part of a state that moves."""

    model: AbstractModel
    kept: Kept
    """Of each run: with a leading axis."""
    interval: Float[Array, ""]
    field: str = eqx.field(static=True)
    pieces: int = eqx.field(static=True)
    """Steps of the model that cross the interval."""
    backwards: bool = eqx.field(static=True)
    """Whether the model has derivatives in reverse mode only."""

    @classmethod
    def of(
        cls, verb: str, model: object, context: xr.Dataset, control: Control, interval: float | None
    ) -> Self:
        """The map, from where the runs of `context` end.

        Raises:
            ArgumentError: an ensemble, a model whose state is no vector, data that do not fit, a missing control.
        """
        model = checked(verb, model)
        model.signature.check(context)
        check_outputs(model, context)
        lengths = schema.run_lengths(context)
        past = pasts(context, lengths - 1, model.memory)
        state = jax.tree.map(lambda leaf: leaf[: lengths.size], _inferred(model, past))
        field = next((name for name in MOVES if hasattr(state, name)), None)
        if field is None or getattr(state, field).ndim != 2:
            raise ArgumentError(
                f"{verb}: expected a model whose state is one vector, such as ALRNN, NeuralMap, NeuralODE or Koopman, "
                f"got {type(model).__name__}."
            )
        known = np.isfinite(np.asarray(getattr(state, field))).all(-1)
        if not known.all():
            name = schema.run_ids(context)[int(np.argmin(known))]
            raise ArgumentError(
                f"{verb}: the state of run {name!r} cannot be inferred from its last {model.memory} samples; give runs "
                f"in which every output was measured there."
            )
        u = np.tile(constant(verb, model, control), (lengths.size, 1))
        dt = step_of(verb, model, context, interval)
        map = cls(model, Kept(state, array(u)), array(dt), field, pieces_needed(model, dt), False)
        return dataclasses.replace(map, backwards=map._only_backwards())

    @property
    def starts(self) -> Float[Array, "run z"]:
        """z where each run ends."""
        return getattr(self.kept.state, self.field)

    def advance(self, kept: Kept, z: Float[Array, " z"]) -> Float[Array, " z"]:
        """F(z)."""
        u = self.model.signature.hold.still(kept.control)
        now = self._at(kept, z)
        after = cross(self.model, now, u, jnp.zeros(()), self.interval, pieces=self.pieces)
        return getattr(after, self.field)

    def pushed(
        self, kept: Kept, z: Float[Array, " z"], Q: Float[Array, "z direction"]
    ) -> tuple[Float[Array, " z"], Float[Array, "z direction"]]:
        """F(z) and its derivative there times `Q`."""
        step = partial(self.advance, kept)
        if self.backwards:
            after, pull = jax.vjp(step, z)
            return after, jax.vmap(pull)(jnp.eye(z.shape[0], dtype=z.dtype))[0] @ Q
        after, push = jax.linearize(step, z)
        return after, jax.vmap(push, 1, 1)(Q)

    def each(self, function: Callable[[Any], Any], arguments: PyTree[Array]) -> PyTree[Array]:
        """Of a function that calls `pushed`, its value for each row.

        Many at once, but for reverse mode: what that stores would be copied at every step.
        """
        return jax.lax.map(function, arguments, batch_size=None if self.backwards else AT_ONCE)

    def outputs(self, kept: Kept, z: Float[Array, " z"]) -> Float[Array, " output"]:
        """The mean outputs at z, in physical units."""
        return self.model.observe(self._at(kept, z), kept.control).mean

    def run(self, index: int) -> Kept:
        """What stays as it is along one run."""
        return jax.tree.map(lambda leaf: leaf[index], self.kept)

    def of_runs(self, rows: slice | np.ndarray) -> Self:
        """The map along some of the runs."""
        return dataclasses.replace(self, kept=jax.tree.map(lambda leaf: leaf[rows], self.kept))

    def _at(self, kept: Kept, z: Float[Array, " z"]) -> State:
        return eqx.tree_at(lambda state: getattr(state, self.field), kept.state, z)

    def _only_backwards(self) -> bool:
        """Adaptive solves refuse forward mode, by an error when they are traced."""
        try:
            jax.eval_shape(jax.jacfwd(partial(self.advance, self.run(0))), self.starts[0])
        except (TypeError, ArgumentError):
            return True
        return False


@compiled
def orbits(
    map: StateMap, starts: Float[Array, "run z"], discard: int, steps: int
) -> tuple[Float[Array, "run step z"], Float[Array, "run step output"]]:
    """States and outputs of all runs after `discard` + 1, 2, .., `steps` applications."""

    def one(kept, z):
        def body(z, _):
            after = map.advance(kept, z)
            return after, (after, map.outputs(kept, after))

        z = settled(map, kept, z, discard)
        return jax.lax.scan(body, z, None, length=steps)[1]

    return jax.vmap(one)(map.kept, starts)


def settled(map: StateMap, kept: Kept, z: Float[Array, " z"], steps: Any) -> Float[Array, " z"]:
    """F^steps(z)."""
    return jax.lax.fori_loop(0, steps, lambda _, z: map.advance(kept, z), z)


@compiled
def _inferred(model: AbstractModel, past: Any) -> State:
    return jax.vmap(model.infer)(past)
