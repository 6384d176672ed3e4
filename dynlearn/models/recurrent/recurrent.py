"""What the piecewise-linear recurrent families share: which state they keep, and how data force it."""

from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.error_growth import Error, ErrorGrowth
from dynlearn.contract.forcing import AbstractForced, Forcing, forced_states
from dynlearn.contract.markers import AbstractDeterministic, AbstractSteady
from dynlearn.contract.model import with_fields
from dynlearn.contract.piecewise_linear import AbstractPiecewiseLinear, Pieces
from dynlearn.contract.rescaling import AbstractRescalable, Rescaling, joined, multiplied
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_count, is_count
from dynlearn.numerics.distributions.gaussian import Gaussian
from dynlearn.numerics.fixed import Constant
from dynlearn.numerics.keys import as_key, split
from dynlearn.numerics.precision import array
from dynlearn.parts.cells.cell import AbstractCell
from dynlearn.trajectories.window import Window


class RecurrentState(eqx.Module):
    z: Float[Array, " z"]
    """Scaled outputs, then hidden units."""
    static: Float[Array, " static"]
    error: Error


class AbstractPiecewiseLinearRNN(
    AbstractForced, AbstractPiecewiseLinear, AbstractRescalable, AbstractSteady, AbstractDeterministic
):
    """z_{k+1} = cell(z_k, v_k),  y = output_mean + output_scale z[:p] + error,  v = (scaled controls, static features).

    At the first sample of a context the hidden units are a linear map of the outputs; from there on the map runs
    along, and every measured output pulls its unit (`Forcing`).
    """

    if TYPE_CHECKING:

        @property
        def cell(self) -> AbstractCell: ...

        @property
        def guess(self) -> Float[Array, "hidden output"]: ...

        @property
        def rest(self) -> Constant | None: ...

        @property
        def context(self) -> int: ...
    else:
        cell: eqx.AbstractVar[AbstractCell]
        guess: eqx.AbstractVar[Float[Array, "hidden output"]]
        """From the outputs at the start of a context to the hidden units."""
        rest: eqx.AbstractVar[Constant | None]
        """The scaled outputs where none is known, from which `guess` counts; None for 0, their mean in training."""
        context: eqx.AbstractVar[int]

    @property
    def method(self) -> str:
        return "teacher_forcing"

    @property
    def objective(self) -> str:
        return "sparse_teacher_forcing"

    @property
    def memory(self) -> int:
        return self.context

    @property
    def required(self) -> int:
        return 1

    def pieces(self) -> Pieces:
        return self.cell.pieces()

    def latent(self, state: RecurrentState) -> Float[Array, " z"]:
        return state.z

    def origin(self, y: Float[Array, " output"], observed: Bool[Array, " output"]) -> Float[Array, " z"]:
        rest = 0 if self.rest is None else self.rest.value
        y = jnp.where(observed, y, rest)
        return jnp.concatenate([y, self.guess @ (y - rest)])

    def inputs(
        self, control: Float[Array, "time control"], static: Float[Array, " static"]
    ) -> Float[Array, "time-1 input"]:
        u = self.signature.hold.over(self.scaling.control(control))
        u = u.reshape(len(u), self.signature.hold.ends * self.signature.controls)
        s = jnp.broadcast_to(self.scaling.static(static), (len(u), self.signature.statics))
        return jnp.concatenate([u, s], axis=1)

    def advance(self, z: Float[Array, " z"], v: Float[Array, " input"]) -> Float[Array, " z"]:
        return self.cell(z, v)

    def rescaled(self, scaling: Scaling) -> Self:
        """With the same rectifiers, hidden units in units of their own.

        Raises:
            ArgumentError: rectified outputs, or rectifiers of form 'clipped', where the mean of outputs changes.
        """
        change = Rescaling.between(self.scaling, scaling)
        inputs = joined(*[change.control] * self.signature.hold.ends, change.static)
        cell = self.cell.rescaled(change.state(self.guess.shape[0]), inputs)
        rest = jnp.zeros(self.signature.outputs) if self.rest is None else self.rest.value
        return with_fields(
            self,
            scaling=scaling,
            cell=cell,
            guess=multiplied(self.guess, change.output.factor),
            rest=Constant(change.output.backward(rest)),
            noise=self.noise.multiplied(1 / change.output.factor),
        )

    def steady(self, constant: Float[np.ndarray, " output"]) -> Self:
        """Their units are this from the next sample on, whatever was measured."""
        units = np.concatenate([constant, np.full(self.guess.shape[0], np.nan)])
        return with_fields(self, cell=self.cell.constant(array(units)))

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> RecurrentState:
        # What is applied at the last instant is not decided yet; only linear hold would read it.
        past = eqx.tree_at(lambda w: w.control, past, past.control.at[-1].set(past.control[-2:][0]))
        _, after = forced_states(self, past, jnp.broadcast_to(self.forcing.strength, past.valid.shape))
        known = past.observed.any(0).all()
        z = jnp.where(known, after[-1], jnp.nan)
        return RecurrentState(z, self.scaling.static(past.static), self.noise.start())

    def step(
        self,
        state: RecurrentState,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> RecurrentState:
        v = jnp.concatenate([jnp.ravel(self.scaling.control(control)), state.static])
        z = self.advance(state.z, v)
        return RecurrentState(z, state.static, self.noise.step(state.error, interval, key))

    def observe(self, state: RecurrentState, control: Float[Array, " control"]) -> Gaussian:
        y = self.noise.predictive(state.z[: self.signature.outputs], state.error)
        return Gaussian(self.scaling.output_inverse(y.mean), self.scaling.output_scale * y.scale)


class Built(NamedTuple):
    """What every family's constructor makes of its arguments."""

    signature: Signature
    scaling: Scaling
    guess: Float[Array, "hidden output"]
    forcing: Forcing
    noise: ErrorGrowth
    context: int
    inputs: int
    """How many v has."""
    key: Key[Array, ""]
    """For the cell."""


def built(
    family: str,
    signature: Signature,
    latent: int,
    memory: int,
    unforced: int,
    scaling: Scaling | None,
    key: int | Key[Array, ""],
) -> Built:
    """The parts that do not depend on the cell.

    Raises:
        ArgumentError: a signature without an interval, fewer units than outputs, sizes that are no positive integers,
            pasts that nothing could compute.
    """
    check_count("latent", latent, 1)
    for name, samples in (("unforced", unforced), ("memory", memory)):
        check_memory(samples, name=name)
    if signature.interval is None:
        raise ArgumentError(
            f"{family}: expected a signature with a sampling interval, got None; use from_data on regularly sampled "
            f"runs, or a NeuralODE."
        )
    p, m, s = signature.outputs, signature.controls, signature.statics
    if latent < p:
        raise ArgumentError(f"{family}: expected latent >= {p}, a unit for every output, got {latent}.")
    for_cell, for_guess = split(as_key(key), 2)
    return Built(
        signature,
        Scaling.unit(p, m, s) if scaling is None else scaling,
        jax.random.normal(for_guess, (latent - p, p)) / (2 * np.sqrt(p)),
        Forcing(array(1.0), array(unforced, int)),
        ErrorGrowth.unit(p),
        memory,
        signature.hold.ends * m + s,
        for_cell,
    )


def from_training_data(ds: xr.Dataset, options: dict[str, Any], least: int, times: int) -> dict[str, Any]:
    """The arguments of a constructor that `options` leave open, read off the training data.

    The latent units are `times` the outputs, and at least `least`. The forcing interval is half again the samples in
    which an output changes by its standard deviation (2 to 50), so that errors that grow are seen and gradients are not
    lost; the memory is twice that.
    """
    if taken := sorted({"signature", "scaling"} & set(options)):
        raise ArgumentError(
            f"from_data: {taken} are read off the data; leave them out, or call the constructor."
        )
    signature, scaling = Signature.of(ds, discrete=True), Scaling.of(ds)
    samples = round(1.5 * float(scaling.time_scale) / cast(float, signature.interval))
    given = {
        "latent": max(least, times * signature.outputs),
        "unforced": int(np.clip(samples, 2, 50)),
        **options,
    }
    if is_count(given["unforced"], 1):
        given.setdefault("memory", 2 * given["unforced"])
    return {"signature": signature, "scaling": scaling, **given}
