"""ALRNN: an almost-linear recurrent network."""

import inspect
from typing import ClassVar, Self

import equinox as eqx
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.error_growth import ErrorGrowth
from dynlearn.contract.forcing import Forcing
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.models.recurrent.recurrent import AbstractPiecewiseLinearRNN, built, from_training_data
from dynlearn.numerics.fixed import Constant
from dynlearn.numerics.plain import plain
from dynlearn.parts.cells.almost_linear import AlmostLinear
from dynlearn.trajectories.once import one_call


class ALRNN(AbstractPiecewiseLinearRNN):
    r"""Almost-linear recurrent neural network: linear but for a rectifier on the last few units.

        z_{k+1} = A z_k + W phi(z_k) + C u_k + D s + h,    y = output_mean + output_scale z[:p] + error
        phi(z) = (z_1, .., z_{M-P}, max(z_{M-P+1}, 0), .., max(z_M, 0)),    A diagonal

    u, s are the scaled controls and static features. The P rectified units divide the latent space into at
    most 2^P regions in each of which the map is affine, so that fixed points, cycles, Lyapunov exponents
    and a symbolic code of what was learned can be computed (`dl.analysis`). The first p units are the scaled outputs:
    training puts data in their place now and then (`sparse_teacher_forcing`), and so does the inference of a state
    from a context, at every measured sample; an output that was not measured there is the model's own.
    The outputs themselves are never rectified (where P <= M - p), so that units which follow them see a fold of the
    data a sample late: for maps, and flows sampled so seldom that outputs change by their deviation within a sample
    or two, take `PLRNN`.
    The error's law is `ErrorGrowth`. With linear hold the map sees the control at both ends of an interval.

    Args:
        signature: names, units, hold, and the sampling interval.
        latent: M, units of the latent state, at least one for every output.
        nonlinear: P, of which the last so many are rectified; a third of them if not given.
        memory: samples of the past that `infer` runs along.
        unforced: samples from one forcing to the next in training.
        scaling: units to compute in; physical ones unless given.
        key: an int or a JAX key.

    Raises:
        ArgumentError: a signature without an interval, fewer units than outputs, more rectified units than units.

    Reference: Brenner, Hemmer, Monfared, Durstewitz, "Almost-linear RNNs yield highly interpretable symbolic
    codes in dynamical systems reconstruction", NeurIPS 2024.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lorenz63", runs=1, length=200, key=0)
    >>> model = dl.models.ALRNN.from_data(ds, latent=8, nonlinear=2, key=0)
    >>> model.latent_size, model.nonlinear
    (8, 2)
    """

    references: ClassVar[tuple[str, ...]] = ("brenner2024almost",)
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    cell: AlmostLinear
    guess: Float[Array, "hidden output"]
    rest: Constant | None
    forcing: Forcing
    noise: ErrorGrowth
    context: int = eqx.field(static=True, converter=plain)

    def __init__(
        self,
        signature: Signature,
        *,
        latent: int = 30,
        nonlinear: int | None = None,
        memory: int = 30,
        unforced: int = 15,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        made = built("ALRNN", signature, latent, memory, unforced, scaling, key)
        nonlinear = latent // 3 if nonlinear is None else nonlinear
        check_count("nonlinear", nonlinear, 0)
        if nonlinear > latent:
            raise ArgumentError(f"ALRNN: expected nonlinear <= latent = {latent}, got {nonlinear}.")
        self.cell = AlmostLinear.random(latent, nonlinear, made.inputs, made.key)
        self.signature, self.scaling, self.guess = made.signature, made.scaling, made.guess
        self.forcing, self.noise, self.context, self.rest = made.forcing, made.noise, made.context, None

    @classmethod
    @one_call
    def from_data(cls, ds: xr.Dataset, *, key: int | Key[Array, ""] = 0, **options) -> Self:
        """Names, sizes, interval and scaling from the training data.

        Args:
            ds: the training data, sampled regularly.
            key: an int or a JAX key, for the weights.
            options: further arguments of the constructor. If not given, `latent` is 30 or four times the outputs if
                that is more, `unforced` half again the samples in which an output changes
                by its standard deviation (2 to 50), and `memory` twice that.

        Returns:
            A model with random weights, for `dl.fit`.

        Raises:
            ArgumentError: an unknown option, or one that the constructor refuses.
            SchemaError: irregular sampling.
        """
        check_known("option", options, inspect.signature(cls).parameters)
        return cls(key=key, **from_training_data(ds, options, least=30, times=4))

    @property
    def latent_size(self) -> int:
        """M, the units of the latent state."""
        return self.cell.h.shape[-1]

    @property
    def nonlinear(self) -> int:
        """P, how many of them are rectified."""
        return int(self.cell.bent.sum())
