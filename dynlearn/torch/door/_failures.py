"""Why a trace failed, in the user's words: what forward does that cannot be traced, and where."""

import contextlib
import io
import logging
import re
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

_KEPT = r"The tensor attributes? (?!(self\.([\w.]+\.)?_flat_weights\[\d+\](, )?)+ (was|were) )"
"""The warning about tensors kept in attributes, unless they are the recurrent layers' lists of own parameters."""

_CAUSES = (
    (
        r"data-dependent|DynamicOutputShape",
        "forward decides by the values of a tensor",
        "write torch.where(condition, a, b), and no if, .item() or float() on tensors",
    ),
    (
        r"fake tensor|functorch|`lifted_tensor|TensorWrapper|_for_grad|doesn't have storage|does not require grad",
        "forward differentiates inside itself (torch.autograd.grad, torch.func), or leaves PyTorch",
        "lower the inner network alone and differentiate the program with jax.grad",
    ),
    (
        r"assigned during export|mutated in the forward",
        "forward keeps tensors in attributes from one call to the next, but a program has no memory",
        "return the new value, and take the old one as an input; and the old torch.nn.utils.weight_norm and "
        "spectral_norm are now in torch.nn.utils.parametrizations",
    ),
)


def why(module: nn.Module, error: Exception) -> str:
    """The sentence for a failed trace: which module, where, what, and what to do."""
    words = " ".join(str(error).split("\n")[0].split())[:200]
    start = f"lower: torch.export cannot trace {type(module).__name__}{_line(error)}"
    for pattern, cause, remedy in _CAUSES:
        if re.search(pattern, f"{type(error).__name__} {error}"):
            return f"{start}: {cause} ({words}); {remedy}."
    return f"{start}: {type(error).__name__}: {words}; check that module(*example_inputs) runs, and simplify forward."


def _line(error: Exception) -> str:
    """The innermost line of the user's own code that the error passed through."""
    inner = (str(Path(torch.__file__).parent), str(Path(__file__).parent), contextlib.__file__, "<")
    frames = traceback.extract_tb(error.__traceback__)
    user = [f for f in frames if f.line and not f.filename.startswith(inner)]
    return f", at {Path(user[-1].filename).name}:{user[-1].lineno}: {user[-1].line}" if user else ""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without PyTorch's notes to itself, and the graphs it prints when a trace fails; `why` has the words.

    Two of its warnings are errors here: a tensor kept in an attribute would be forgotten, one that forward
    differentiates with respect to would be a constant.
    """
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            warnings.filterwarnings("ignore", message="The tensor attributes? ")
            warnings.filterwarnings("ignore", message="The .grad attribute of a Tensor")
            warnings.filterwarnings("error", message=_KEPT)
            warnings.filterwarnings("error", message="A model attribute `lifted_tensor")
            yield
    finally:
        logger.setLevel(level)
