"""to_module: any model as a torch module, with parameters, autograd and state_dict."""

from typing import Any, Self

import torch

from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError
from dynlearn.torch.module import _inputs, _maps
from dynlearn.torch.shared.arrays import to_jax, to_torch
from dynlearn.torch.shared.skeleton import Skeleton, readable


def to_module(model: AbstractModel | Foreign) -> "ModelModule":
    """`model` as a `torch.nn.Module`: its arrays become parameters, its maps run compiled under torch's autograd.

    Args:
        model: any dynlearn model, also an ensemble or a smoothed one.

    Returns:
        A `ModelModule` on the device the model's arrays are on (the CPU where torch does not have it).

    Raises:
        ArgumentError: what is not a model.

    >>> import dynlearn as dl, torch
    >>> ds = dl.datasets.load("pendulum", runs=2, length=30, key=0)
    >>> net = to_module(dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=8, key=0))
    >>> [name for name, _ in net.named_parameters()][:2]
    ['field.network.layers.0.weight', 'field.network.layers.0.bias']
    >>> times, outputs = 0.05 * torch.arange(15.0).expand(4, 15), torch.randn(4, 5, 2)
    >>> mean, scale = net(times, outputs, torch.zeros(4, 15, 1))
    >>> tuple(mean.shape)
    (4, 10, 2)
    """
    model = as_model(model)
    if not isinstance(model, AbstractModel):
        raise ArgumentError(
            f"to_module: expected a dynlearn model, got {type(model).__name__}; a fit's model is result.model."
        )
    return ModelModule(model)


class ModelModule(torch.nn.Module):
    """A dynlearn model in torch. `to_module` makes it.

        mean, scale = net(times, outputs, controls, statics)      a forecast along the mean path

    Arrays that a gradient moves are parameters under the names they have in the model, arrays under a
    `Fixed` node (scaling, error law) are buffers. Optimisers, `state_dict`, `deepcopy` work as for any module;
    for a file, take `dl.save(net.to_model(), path)`. `.to(device)` goes to devices that JAX has too,
    `.double()` needs `jax.config.update("jax_enable_x64", True)`. Second derivatives are there too.

    Tensors are handed over without a copy where they are contiguous and, on a CPU, start at a multiple of 64
    bytes, as what torch allocates does; others are copied. Every call waits until JAX has finished.

    Args:
        model: the dynlearn model, whose arrays it copies.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("pendulum", runs=2, length=30, key=0)
    >>> net = dl.torch.to_module(dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=8, key=0))
    >>> net.vector_field(0.0, torch.zeros(4, 2), torch.zeros(4, 1)).shape
    torch.Size([4, 2])
    """

    def __init__(self, model: AbstractModel):
        super().__init__()
        s = self._skeleton = Skeleton(model)
        self._places = [
            _enter(self, name, to_torch(array, copy=True), trained)
            for name, array, trained in zip(readable(model, s.names), s.arrays, s.trained, strict=True)
        ]
        """Where each array is: a module and the name in it."""

    @property
    def signature(self) -> Signature:
        """Names, units and sampling of the model."""
        return self._skeleton.signature

    def forward(
        self,
        times: torch.Tensor,
        outputs: torch.Tensor,
        controls: torch.Tensor | None = None,
        statics: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of the outputs at the instants after the last measured sample.

        A stochastic model (`NeuralSDE`) is followed along its mean path, without the noise of its state:
        `scale` is then the noise of the measurement alone. `Smoothed` passes no gradient through the state it
        finds. The scale of a model whose error law was not fitted means nothing.

        Args:
            times: `(batch, past + horizon)`, increasing, in the model's time unit; float64 keeps the
                intervals exact far from 0. Not differentiated.
            outputs: `(batch, past, output)` in physical units, NaN where not measured.
            controls: `(batch, past + horizon, control)` in physical units; row k is applied from instant k on.
            statics: `(batch, static)`.

        Returns:
            Two tensors `(batch, horizon, output)` in physical units, differentiable with respect to the
            parameters, `outputs`, `controls` and `statics`.

        Raises:
            ArgumentError: shapes, devices, precisions or instants that do not fit; a past from which the state cannot
                be inferred.
        """
        s, tensors = self._skeleton, self._tensors()
        given = _inputs.checked(s, _like(tensors), times, outputs, controls, statics)
        past = outputs.shape[1]
        longest = float(given.interval[:, past - 1 :].max())
        call = s.compiled(_maps.forecast, past, s.pieces(longest))
        (mean, scale), (known,) = call(*tensors, *given)
        _inputs.check_known(s, known)
        return mean, scale

    def vector_field(
        self, t: Any, x: torch.Tensor, u: torch.Tensor | None = None, s: torch.Tensor | None = None
    ) -> torch.Tensor:
        """dx/dt of a continuous-time model, everything in physical units.

        Args:
            t: instant, a number or a scalar tensor.
            x: `(batch, state)`: the outputs, then the hidden states.
            u: `(batch, control)`.
            s: `(batch, static)`.

        Returns:
            `(batch, state)`, per time unit.

        Raises:
            ArgumentError: a model that has none; shapes that do not fit.
        """
        return self._map("vector_field", _maps.vector_field, t, x, u, s)

    def diffusion(
        self, t: Any, x: torch.Tensor, u: torch.Tensor | None = None, s: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Of a `NeuralSDE`: standard deviation of each state per square root of time.

        Args:
            t, x, u, s: as of `vector_field`.

        Returns:
            `(batch, state)`, per square root of the time unit.

        Raises:
            ArgumentError: a model that has none; shapes that do not fit.
        """
        return self._map("diffusion", _maps.diffusion, t, x, u, s)

    def step(
        self, t: Any, x: torch.Tensor, u: torch.Tensor | None = None, s: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Of a `NeuralMap`: x one sampling interval later.

        Args:
            t, x, s: as of `vector_field`.
            u: `(batch, control)`; with linear hold `(batch, 2, control)`, the values at both ends of the interval.

        Returns:
            `(batch, state)`, in physical units.

        Raises:
            ArgumentError: another family; shapes that do not fit.
        """
        return self._map("step", _maps.step, t, x, u, s)

    def _map(self, name: str, function, t, x, u, s) -> torch.Tensor:
        if name not in self._skeleton.maps:
            has = " and ".join(self._skeleton.maps) or "none of vector_field, diffusion, step"
            raise ArgumentError(f"{name}: this model has {has}; call the module itself for a forecast.")
        tensors = self._tensors()
        given = _inputs.checked_state(self._skeleton, _like(tensors), t, x, u, s)
        return self._skeleton.compiled(function)(*tensors, *given)[0][0]

    def to_model(self) -> Any:
        """The dynlearn model with the values the module has now; later changes of the module do not reach it."""
        tensors = self._tensors()
        named = zip(tensors, self._skeleton.names, strict=True)
        return self._skeleton.model([to_jax(tensor, name, copy=True) for tensor, name in named])

    twin = to_model

    @property
    def method(self) -> Any:
        """How `fit` proceeds unless told otherwise."""
        return self._skeleton.method

    def adopt(self, fitted: AbstractModel) -> Self:
        """Itself, with the values of a model that was fitted from `to_model()`.

        Args:
            fitted: a model with the same arrays.

        Raises:
            ArgumentError: a model with other arrays.
        """
        new, tensors = Skeleton(fitted), self._tensors()
        came = {name: array.shape for name, array in zip(new.names, new.arrays, strict=True)}
        has = {name: tuple(t.shape) for name, t in zip(self._skeleton.names, tensors, strict=True)}
        if came != has:
            odd = sorted(came.items() ^ has.items())
            raise ArgumentError(
                f"adopt: expected a model with the arrays of this one; they differ in {odd[:4]}."
            )
        with torch.no_grad():
            for tensor, array in zip(tensors, new.arrays, strict=True):
                tensor.copy_(to_torch(array))
        self._skeleton = new
        return self

    def _tensors(self) -> list[torch.Tensor]:
        return [getattr(owner, name) for owner, name in self._places]


class _Part(torch.nn.Module):
    """A node of the model that has arrays below it."""


def _enter(
    root: torch.nn.Module, name: str, value: torch.Tensor, trained: bool
) -> tuple[torch.nn.Module, str]:
    """Register a tensor under a dotted name; a part that `torch.nn.Module` has a method of gets an underscore."""
    *parts, last = name.split(".")
    owner = root
    for part in parts:
        part = part if part in owner._modules or not hasattr(owner, part) else f"{part}_"
        if part not in owner._modules:
            owner.add_module(part, _Part())
        owner = owner.get_submodule(part)
    last = f"{last}_" if hasattr(owner, last) else last
    if trained:
        owner.register_parameter(last, torch.nn.Parameter(value))
    else:
        owner.register_buffer(last, value)
    return owner, last


def _like(tensors: list[torch.Tensor]) -> torch.Tensor:
    """A tensor of the module's precision and device: every model has a scaling."""
    return next(tensor for tensor in tensors if tensor.is_floating_point())
