"""Teacher forcing: measured outputs put in the place of a recurrent model's own."""

import abc
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from dynlearn.contract.checks.numbers import check_numbers
from dynlearn.contract.model import AbstractModel
from dynlearn.numerics.fixed import Fixed
from dynlearn.trajectories.window import Window


class Forcing(Fixed):
    """How strongly measured outputs pull the state: in a context, and in training.

    Args:
        strength: in a context at every sample, from 0 (ignored) to 1 (put in the place of the model's own).
            Below 1 where measurements are noisier than the model's forecast of them.
        interval: in training, samples from one forcing to the next.

    >>> Forcing(jnp.array(1.0), jnp.array(10)).interval
    Array(10, dtype=int32, weak_type=True)
    """

    strength: Float[Array, ""]
    interval: Int[Array, ""]

    def __check_init__(self):
        check_numbers(self, at_least_0=("strength",), above_0=("interval",))


class AbstractForced(AbstractModel):
    r"""Marker: a recurrent state z whose first units are the scaled outputs; measured ones can take their place.

        z_0 = origin(y_0),    z_{k+1} = advance(z_k, v_k),    y_k = z_k[:outputs] in scaled units

    `forced_states` runs such a model along a window.
    """

    if TYPE_CHECKING:

        @property
        def forcing(self) -> Forcing: ...
    else:
        forcing: eqx.AbstractVar[Forcing]

    @abc.abstractmethod
    def origin(self, y: Float[Array, " output"], observed: Bool[Array, " output"]) -> Float[Array, " z"]:
        """z where nothing is known but the scaled outputs `y` of one instant, as far as they were `observed`."""

    @abc.abstractmethod
    def inputs(
        self, control: Float[Array, "time control"], static: Float[Array, " static"]
    ) -> Float[Array, "time-1 input"]:
        """v over each interval of a window.

        Args:
            control: of every sample, in physical units.
            static: features of the run, in physical units.

        Returns:
            `(time - 1, input)`, scaled.
        """

    @abc.abstractmethod
    def advance(self, z: Float[Array, " z"], v: Float[Array, " input"]) -> Float[Array, " z"]:
        """z one sample later.

        Args:
            z: at a sample.
            v: scaled inputs over the interval that starts there.
        """


def forced_states(
    model: AbstractForced, window: Window, strength: Float[Array, " time"]
) -> tuple[Float[Array, "time z"], Float[Array, "time z"]]:
    """z at every sample of one window, before and after the measured outputs pulled it.

    The first valid sample is where z begins; before it, z is 0.

    Args:
        model: a recurrent model.
        window: no batch axes; samples that are not valid stand at its start or end.
        strength: with which each sample pulls, `(time,)`.
    """
    y = model.scaling.output(window.output)
    v = model.inputs(window.control, window.static)
    first = jnp.argmax(window.valid)
    start = model.origin(y[first], window.observed[first])
    rest = ((0, 0), (0, start.shape[0] - y.shape[1]))
    # As wide as z: elementwise inside the scan, where every operation is paid for at every sample.
    target = jnp.pad(y, rest)
    pull = jnp.pad(jnp.where(window.observed, strength[:, None], 0), rest)
    begins = jnp.arange(window.length) == first

    def pulled(z, begins, target, pull):
        z = jnp.where(begins, start, z)
        return z, z + pull * (target - z)

    def body(z, now):
        before, after = pulled(z, *now[:3])
        return model.advance(after, now[3]), before

    data = begins, target, pull
    z, before = jax.lax.scan(body, jnp.zeros_like(start), (*(d[:-1] for d in data), v))
    before = jnp.concatenate([before, z[None]])
    return jax.vmap(pulled)(before, *(d[:, None] if d.ndim == 1 else d for d in data))
