"""PLRNN: the other piecewise-linear recurrent networks."""

import inspect
from typing import ClassVar, Self

import equinox as eqx
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.error_growth import ErrorGrowth
from dynlearn.contract.forcing import Forcing
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import check_count, check_known
from dynlearn.models.recurrent.recurrent import AbstractPiecewiseLinearRNN, built, from_training_data
from dynlearn.numerics.fixed import Constant
from dynlearn.numerics.plain import plain
from dynlearn.parts.cells.dendritic import Dendritic
from dynlearn.parts.cells.shallow import Shallow
from dynlearn.trajectories.once import one_call

FORMS = ("shallow", "clipped", "dendritic")


class PLRNN(AbstractPiecewiseLinearRNN):
    r"""Piecewise-linear recurrent neural network, in one of three forms.

        shallow:    z_{k+1} = A z_k + W1 relu(W2 z_k + c) + C u_k + D s + h
        clipped:    z_{k+1} = A z_k + W1 (relu(W2 z_k + c) - relu(W2 z_k)) + C u_k + D s + h
        dendritic:  z_{k+1} = A z_k + W sum_b w_b relu(z_k - c_b) + C u_k + D s + h
        y = output_mean + output_scale z[:p] + error,    A diagonal

    The clipped form, the default, keeps every orbit bounded where |A_ii| < 1; orbits of the others may leave the data
    for ever, rarely and after long. State inference, training and the error's law are those
    of `ALRNN`, whose few rectified units make for fewer regions; these make for better fits with fewer latent units.

    Args:
        signature: names, units, hold, and the sampling interval.
        form: "shallow", "clipped" or "dendritic".
        latent: units of the latent state, at least one for every output.
        width: rectifiers of the hidden layer; of the dendritic form, per unit.
        memory, unforced, scaling, key: as in `ALRNN`.

    Raises:
        ArgumentError: an unknown form, a signature without an interval, fewer units than outputs.

    References: Hess, Monfared, Brenner, Durstewitz, "Generalized teacher forcing for learning chaotic dynamics", ICML
    2023; Brenner et al., "Tractable dendritic RNNs for reconstructing nonlinear dynamical systems", ICML 2022.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("lorenz63", runs=1, length=200, key=0)
    >>> model = dl.models.PLRNN.from_data(ds, form="clipped", latent=3, width=8, key=0)
    >>> model.pieces().U.shape
    (16, 3)
    """

    references: ClassVar[tuple[str, ...]] = ("hess2023generalized", "brenner2022tractable")
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    cell: Shallow | Dendritic
    guess: Float[Array, "hidden output"]
    rest: Constant | None
    forcing: Forcing
    noise: ErrorGrowth
    context: int = eqx.field(static=True, converter=plain)

    def __init__(
        self,
        signature: Signature,
        *,
        form: str = "clipped",
        latent: int = 10,
        width: int = 50,
        memory: int = 30,
        unforced: int = 15,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        check_known("form", [form], FORMS)
        check_count("width", width, 1)
        made = built("PLRNN", signature, latent, memory, unforced, scaling, key)
        if form == "dendritic":
            self.cell = Dendritic.random(latent, width, made.inputs, made.key)
        else:
            self.cell = Shallow.random(latent, width, form == "clipped", made.inputs, made.key)
        self.signature, self.scaling, self.guess = made.signature, made.scaling, made.guess
        self.forcing, self.noise, self.context, self.rest = made.forcing, made.noise, made.context, None

    @classmethod
    @one_call
    def from_data(
        cls, ds: xr.Dataset, *, form: str = "clipped", key: int | Key[Array, ""] = 0, **options
    ) -> Self:
        """Names, sizes, interval and scaling from the training data.

        Args:
            ds: the training data, sampled regularly.
            form: "shallow", "clipped" or "dendritic".
            key: an int or a JAX key, for the weights.
            options: further arguments of the constructor. If not given, `latent` is twice the outputs and at least 10,
                `width` 50, of the dendritic form 10; `unforced` and `memory` as in `ALRNN.from_data`.

        Returns:
            A model with random weights, for `dl.fit`.

        Raises:
            ArgumentError: an unknown option, or one that the constructor refuses.
            SchemaError: irregular sampling.
        """
        check_known("option", options, inspect.signature(cls).parameters)
        width = {"width": 10 if form == "dendritic" else 50}
        return cls(form=form, key=key, **from_training_data(ds, {**width, **options}, least=10, times=2))
