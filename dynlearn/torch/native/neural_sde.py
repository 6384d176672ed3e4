"""Neural SDE in torch: solved and trained there, the same model as `dynlearn.models.NeuralSDE`."""

import inspect
from typing import ClassVar, Self

import torch
import xarray as xr
from jaxtyping import Array, Key
from torch import nn

from dynlearn import models
from dynlearn.errors import ArgumentError, check_known
from dynlearn.fitting.objectives.energy import PATHS
from dynlearn.models.neural.ode import continuous_signature
from dynlearn.models.neural.sde import MEAN
from dynlearn.solvers import FixedStep, StochasticStep
from dynlearn.torch.native import _ode, _sde
from dynlearn.torch.native._losses import energy
from dynlearn.torch.native._native import AbstractNative, Interval, State
from dynlearn.torch.native._twins import Twin
from dynlearn.torch.native.parts import fields
from dynlearn.torch.native.parts.encoder import Encoder
from dynlearn.torch.native.parts.networks import parameter, softplus
from dynlearn.torch.native.parts.scaling import Scaling
from dynlearn.torch.native.training import Training
from dynlearn.torch.native.windows import Window


class NeuralSDE(AbstractNative):
    """Stochastic dynamics in continuous time, drift and diffusion learned or modules of your own.

        dx = f(x, u, s) dt + g(x, u, s) dW (Ito),    y = output_mean + output_scale * (x[:p] + sigma eps),

    the model and the arguments of `dl.models.NeuralSDE`, as a `torch.nn.Module`; what `NeuralODE`
    says of training in torch and of its twin holds here too. Paths are solved by torchsde: along the
    same Brownian increments they are those of the twin up to rounding.

    Args:
        signature: names, units and hold; its `interval` is None.
        hidden, memory, width, depth, activation: as in `NeuralODE`.
        noise: "diagonal", a diffusion that depends on the state, or "additive", a constant one.
        field, diffusion: modules of your own instead, called as in `NeuralODE`, in physical units (the
            diffusion: one standard deviation per state and square root of time).
        solver: `dl.solvers.StochasticStep(scheme, substeps)`, scheme "euler_maruyama", "milstein" or "heun".
        scaling: units to compute in; physical ones unless given.
        key: an int or a JAX key.

    Raises:
        ArgumentError: sizes, solvers or fields that do not fit.

    References: Kidger, Foster, Li, Lyons, "Neural SDEs as infinite-dimensional GANs", ICML 2021;
    Li, Wong, Chen, Duvenaud, "Scalable gradients for stochastic differential equations", AISTATS 2020.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=50, key=0)
    >>> model = dl.torch.NeuralSDE.from_data(ds, hidden=0, memory=1, width=16, key=0)
    >>> window = dl.torch.Windows(ds, model, horizon=10).batch([0, 5, 7])
    >>> model(window).shape, model.draw(window, paths=4).shape
    (torch.Size([3, 10, 2]), torch.Size([3, 4, 10, 2]))
    """

    references: ClassVar[tuple[str, ...]] = ("li2020scalable",)
    objective: ClassVar[str] = "energy"
    has_adjoint: ClassVar[bool] = False

    def __init__(
        self,
        signature: models.Signature,
        *,
        hidden: int,
        memory: int = 10,
        width: int = 64,
        depth: int = 2,
        activation: str = "tanh",
        noise: str = "diagonal",
        field: nn.Module | None = None,
        diffusion: nn.Module | None = None,
        solver: StochasticStep | None = None,
        scaling: models.Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        super().__init__()
        twin = models.NeuralSDE(
            signature,
            hidden=hidden,
            memory=memory,
            width=width,
            depth=depth,
            activation=activation,
            noise=noise,
            field=fields.exported("field", field, signature, hidden),
            diffusion=fields.exported("diffusion", diffusion, signature, hidden),
            solver=solver,
            scaling=scaling,
            key=key,
        )
        _sde.check_solver(twin.solver)
        self.solver = twin.solver
        self.scaling = Scaling(twin.scaling)
        self.field = fields.of(twin.field, field, activation)
        self.diffusion_field = fields.of(twin.diffusion_field, diffusion, activation)
        self.encoder = Encoder(twin.encoder, activation)
        self.uncertainty = parameter(twin.uncertainty)
        self.measurement = nn.ParameterDict({"raw": parameter(twin.measurement.raw)})
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
            A module with random weights (those of fields of your own as they are), for `dl.fit`.

        Raises:
            ArgumentError: an unknown option, or one that the constructor refuses.
        """
        check_known("option", options, inspect.signature(cls).parameters)
        signature, substeps = continuous_signature(ds)
        options.setdefault("solver", StochasticStep("euler_maruyama", substeps))
        hidden = signature.outputs if hidden is None else hidden
        return cls(signature, hidden=hidden, scaling=models.Scaling.of(ds), key=key, **options)

    def cross(self, x: torch.Tensor, interval: Interval, *, adjoint: bool = False) -> torch.Tensor:
        def field(s, x):
            return interval.length[:, None] * self._drift(s, x, interval)

        wanted = [*self.field.parameters(), interval.control, interval.static] if adjoint else []
        solver = FixedStep(MEAN[self.solver.scheme], self.solver.substeps)
        return _ode.cross(field, x, solver, adjoint=adjoint, wanted=wanted)

    @property
    def method(self) -> Training:
        return Training()

    def loss(
        self, window: Window, *, adjoint: bool = False, generator: torch.Generator | None = None
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        drawn = self.draw(window, paths=PATHS, generator=generator)
        return energy(drawn, window, self.scaling.output_scale), {}

    def follow(self, state: State, window: Window, increments: torch.Tensor) -> torch.Tensor:
        """Scaled states from the present instant on, `(batch, horizon, state)`, along given Brownian paths.

        Args:
            state: as `infer` gives it.
            window: of which times and controls are read.
            increments: of one Brownian motion per state over the substeps of each interval,
                `(batch, horizon, substep, state)`, of variance interval / substeps.

        Raises:
            ArgumentError: increments of another shape.
        """
        expected = (len(state.x), window.length - self.memory, self.solver.substeps, state.x.shape[-1])
        if tuple(increments.shape) != expected:
            raise ArgumentError(
                f"increments: expected shape (batch, horizon, substep, state) = {expected}, got "
                f"{tuple(increments.shape)}."
            )
        intervals = list(self.intervals(window, state.static))
        steps = increments.permute(1, 2, 0, 3)
        path = _sde.follow(self._drift, self._diffusion, state.x, intervals, steps, self.solver.scheme)
        return path.transpose(0, 1)

    def draw(self, window: Window, *, paths: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """Random outputs, measurement noise included, in physical units: `(batch, path, horizon, output)`.

        Args:
            window: `memory` past samples, then `horizon` more, of which times and controls are read.
            paths: how many for each window.
            generator: of the random numbers, on the CPU; torch's global one if not given.

        Returns:
            A tensor `(batch, path, horizon, output)`, through which gradients flow.
        """
        many = Window(*(leaf.repeat_interleave(paths, 0) for leaf in window))
        inferred = self.infer(window.first(self.memory))

        def normal(*shape: int) -> torch.Tensor:
            # Drawn on the CPU, so that every device sees the same numbers.
            return torch.randn(shape, generator=generator, dtype=inferred.x.dtype).to(inferred.x.device)

        x = inferred.x.repeat_interleave(paths, 0)
        x = x + softplus(self.uncertainty) * normal(*x.shape)
        lengths = many.interval[:, self.memory - 1 : -1, None, None] / self.solver.substeps
        increments = lengths.sqrt() * normal(len(x), lengths.shape[1], self.solver.substeps, x.shape[1])
        path = self.follow(State(x, inferred.static.repeat_interleave(paths, 0)), many, increments)
        y = path[..., : self.signature.outputs]
        y = self.scaling.output_inverse(y + softplus(self.measurement["raw"]) * normal(*y.shape))
        return y.unflatten(0, (-1, paths))

    def _drift(self, s, x: torch.Tensor, interval: Interval) -> torch.Tensor:
        t, u = interval.at(s)
        return self.field(t, x, u, interval.static, self.scaling)

    def _diffusion(self, s, x: torch.Tensor, interval: Interval) -> torch.Tensor:
        t, u = interval.at(s)
        return self.diffusion_field(t, x, u, interval.static, self.scaling)
