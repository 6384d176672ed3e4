"""What inference needs of a model, and what every method of inference gives back."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import equinox as eqx
from jaxtyping import Array, Float, Key

from dynlearn.numerics.distributions.mixture import Mixture


class Tangent(NamedTuple):
    """y ~ N(H x + d, chol_R chol_R^T) near each of several states per sample, one per component of a belief."""

    H: Float[Array, "time component output state"]
    d: Float[Array, "time component output"]
    chol_R: Float[Array, "time component output rank"]


class AbstractProcess(eqx.Module):
    """One run (no batch axes) of a state-space model in scaled units, with its measurements.

    The run may be padded at either end. Row k of everything that belongs to a transition is the
    one *into* sample k.
    """

    if TYPE_CHECKING:

        @property
        def y(self) -> Float[Array, "time output"]:
            """NaN where nothing was measured."""
    else:
        y: eqx.AbstractVar[Float[Array, "time output"]]

    @abc.abstractmethod
    def tangents(self, x: Float[Array, "time component state"]) -> Tangent:
        """The law of the outputs, linear around each state; exact in mean and covariance at the state itself."""

    @abc.abstractmethod
    def draw(self, x: Float[Array, "time state"], key: Key[Array, ""]) -> Float[Array, "time output"]:
        """All outputs of a path: the measured ones as they are, the others drawn given the path and these."""


class Filtered(NamedTuple):
    """Beliefs about the state, each a mixture of Gaussians (one, one per regime, or one point per particle)."""

    predicted: Mixture
    """Given the samples before."""
    filtered: Mixture
    """Given these and the sample itself."""
    log_density: Float[Array, " time"]
    """log p(y_k | y_0 .. y_{k-1}), 0 where nothing was measured."""


class Smoothed(NamedTuple):
    smoothed: Mixture
    """Given all samples."""
    draws: Float[Array, "sample time state"]
    """Joint, of whole paths."""


class AbstractInference(eqx.Module):
    """A method of inference. Its fields are static: two of the same settings share a compiled program."""

    counts_padding: ClassVar[bool] = False
    """Whether a sample of padding multiplies what it costs, so that runs are to be handed to it without any."""
    goes_on: ClassVar[bool] = False
    """Whether one Gaussian, predicted of a sample, is all that the filter needs of those before it; the process has
    `prior` and `going_on` then.
    """

    @property
    @abc.abstractmethod
    def takes(self) -> type[AbstractProcess]:
        """The kind of process it works on."""

    @abc.abstractmethod
    def filter(self, process: Any, key: Key[Array, ""]) -> Filtered:
        """One pass forward over a process of the kind taken. Methods that draw nothing ignore the key.

        Args:
            process: one run, as `process` of a model gives it.
            key: of what is drawn.

        Returns:
            What is known of the state before and after each sample, and its log-density, in scaled units.
        """

    @abc.abstractmethod
    def smooth(self, process: Any, samples: int, key: Key[Array, ""]) -> Smoothed:
        """Forward and back; `samples` joint draws of the state path.

        Args:
            process: one run, as `process` of a model gives it.
            samples: how many paths are drawn; 0 for none.
            key: of what is drawn.

        Returns:
            What is known of the state at each sample given the whole run, and the paths, in scaled units.
        """
