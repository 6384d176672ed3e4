"""The door to PyTorch: modules of PyTorch become programs of JAX, and their weights go back."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dynlearn.errors import MissingExtraError, unknown

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":  # torch is there, but something it needs is not: that is its own message
        raise
    raise MissingExtraError(
        "dynlearn.torch needs PyTorch, which is not installed; run: pip install 'dynlearn[torch]'"
    ) from None

from dynlearn.programs import Program
from dynlearn.torch.door.as_function import as_function
from dynlearn.torch.door.export import lower
from dynlearn.torch.door.from_module import from_module
from dynlearn.torch.door.write_back import write_back
from dynlearn.torch.module.to_module import ModelModule, to_module
from dynlearn.torch.shared.weights import weights_of

if TYPE_CHECKING:
    from dynlearn.torch.native.neural_ode import NeuralODE
    from dynlearn.torch.native.neural_sde import NeuralSDE
    from dynlearn.torch.native.training import Training
    from dynlearn.torch.native.windows import Windows

__all__ = [
    "ModelModule",
    "NeuralODE",
    "NeuralSDE",
    "Program",
    "Training",
    "Windows",
    "as_function",
    "from_module",
    "lower",
    "to_module",
    "weights_of",
    "write_back",
]

# Imported when first used: they need torchdiffeq and torchsde, the others do not.
_TRAINED = {
    "NeuralODE": "native.neural_ode",
    "NeuralSDE": "native.neural_sde",
    "Training": "native.training",
    "Windows": "native.windows",
}


def __getattr__(name: str) -> Any:
    if name in _TRAINED:
        return getattr(import_module(f"dynlearn.torch.{_TRAINED[name]}"), name)
    raise AttributeError(f"dynlearn.torch: {unknown('name', name, __all__)}")
