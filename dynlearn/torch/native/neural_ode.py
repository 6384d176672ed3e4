"""Neural ODE in torch: solved and trained there, the same model as `dynlearn.models.NeuralODE`."""

import inspect
from typing import ClassVar, Self

import torch
import xarray as xr
from jaxtyping import Array, Key
from torch import nn

from dynlearn import models
from dynlearn.errors import check_known
from dynlearn.models.neural.ode import continuous_signature
from dynlearn.solvers import FixedStep, Solver
from dynlearn.torch.native import _ode
from dynlearn.torch.native._losses import multi_step
from dynlearn.torch.native._native import AbstractNative, Interval
from dynlearn.torch.native._twins import Twin
from dynlearn.torch.native.parts import fields
from dynlearn.torch.native.parts.encoder import Encoder
from dynlearn.torch.native.parts.scaling import Buffers, Scaling
from dynlearn.torch.native.training import Training
from dynlearn.torch.native.windows import Window


class NeuralODE(AbstractNative):
    """Continuous-time dynamics with a network, or a torch module of your own, as vector field.

        dx/dt = f(x, u, s) / time_scale,    y = output_mean + output_scale * x[:p] + error,

    the model and the arguments of `dl.models.NeuralODE`, as a `torch.nn.Module`: parameters,
    optimisers, `state_dict`, `deepcopy`, `.to(device)` as usual. `dl.fit` trains it in torch
    (`dl.torch.Training`) and changes it in place; `dl.forecast`, `simulate`, `evaluate`, `compare`,
    `save` and `dl.control.MPC` take it as it is, and work on its twin in JAX. The same key gives
    the weights of the model in `dl.models`.

    Solved by torchdiffeq, every run of a batch over intervals of its own: with s from 0 to 1,
    dx/ds = dt f(x(t + s dt), ...). `FixedStep` gives the trajectories of the twin up to rounding,
    `Adaptive` up to its tolerances ("tsit5" is solved by dopri5, of the same order).

    Args:
        signature: names, units and hold; its `interval` is None.
        hidden: states beside the outputs (a velocity, an unmeasured quantity).
        memory: samples of the past the encoder looks at. 1 with `hidden=0` takes the last
            measured outputs as the state.
        width, depth, activation: of the vector field's network.
        field: instead of that network, a module of your own, called as by `dl.torch.from_module`, on a batch in
            physical units: field(t, X, U, S) -> dX/dt, U only where there are controls, S only where
            there are static features, t a scalar or `(batch, 1)`. X = (outputs, `hidden` further
            states). It is a part of this module from then on, and its parameters are fitted.
        solver: `dl.solvers.FixedStep(...)` or `dl.solvers.Adaptive(...)`.
        scaling: units to compute in; physical ones unless given.
        key: an int or a JAX key.

    Raises:
        ArgumentError: sizes, solvers or fields that do not fit.

    References: Chen, Rubanova, Bettencourt, Duvenaud, "Neural ordinary differential equations",
    NeurIPS 2018; Chen, torchdiffeq, 2018.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("pendulum", runs=4, length=50, key=0)
    >>> model = dl.torch.NeuralODE.from_data(ds, hidden=0, memory=1, width=16, key=0)
    >>> [name for name, _ in model.named_parameters()][:2]
    ['field.network.layers.0.weight', 'field.network.layers.0.bias']
    >>> windows = dl.torch.Windows(ds, model, horizon=10)
    >>> model(windows.batch([0, 5, 7])).shape
    torch.Size([3, 10, 2])
    >>> type(model.twin()).__module__
    'dynlearn.models.neural.ode'
    """

    references: ClassVar[tuple[str, ...]] = ("chen2018torchdiffeq",)
    objective: ClassVar[str] = "multi_step"
    has_adjoint: ClassVar[bool] = True

    def __init__(
        self,
        signature: models.Signature,
        *,
        hidden: int,
        memory: int = 10,
        width: int = 64,
        depth: int = 2,
        activation: str = "tanh",
        field: nn.Module | None = None,
        solver: Solver | None = None,
        scaling: models.Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        super().__init__()
        twin = models.NeuralODE(
            signature,
            hidden=hidden,
            memory=memory,
            width=width,
            depth=depth,
            activation=activation,
            field=fields.exported("field", field, signature, hidden),
            solver=solver,
            scaling=scaling,
            key=key,
        )
        _ode.check_solver(twin.solver)
        self.solver = twin.solver
        self.scaling = Scaling(twin.scaling)
        self.field = fields.of(twin.field, field, activation)
        self.encoder = Encoder(twin.encoder, activation)
        self.noise = Buffers(twin.noise)
        self._twin = Twin(twin, self)

    @classmethod
    def from_data(
        cls, ds: xr.Dataset, *, hidden: int | None = None, key: int | Key[Array, ""] = 0, **options
    ) -> Self:
        """Names, sizes, hold and scaling from the training data.

        Args:
            ds: the training data, sampled in any way.
            hidden: states beside the outputs; one per output if not given.
            key: an int or a JAX key, for the weights.
            options: further arguments of the constructor.

        Returns:
            A module with random weights (those of a field of your own as they are), for `dl.fit`.

        Raises:
            ArgumentError: an unknown option, or one that the constructor refuses.
        """
        check_known("option", options, inspect.signature(cls).parameters)
        signature, substeps = continuous_signature(ds)
        options.setdefault("solver", FixedStep("rk4", substeps))
        hidden = signature.outputs if hidden is None else hidden
        return cls(signature, hidden=hidden, scaling=models.Scaling.of(ds), key=key, **options)

    def cross(self, x: torch.Tensor, interval: Interval, *, adjoint: bool = False) -> torch.Tensor:
        def field(s, x):
            t, u = interval.at(s)
            return interval.length[:, None] * self.field(t, x, u, interval.static, self.scaling)

        wanted = [*self.field.parameters(), interval.control, interval.static] if adjoint else []
        return _ode.cross(field, x, self.solver, adjoint=adjoint, wanted=wanted)

    @property
    def method(self) -> Training:
        return Training()

    def loss(
        self, window: Window, *, adjoint: bool = False, generator: torch.Generator | None = None
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        found = multi_step(self(window, adjoint=adjoint), window, self.scaling.output_scale)
        return found, {"rmse": found.detach().sqrt()}
