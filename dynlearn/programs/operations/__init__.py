"""PyTorch's core operations (ATen) in JAX; importing this package fills `OPERATIONS`: ATen name -> function."""

from dynlearn.programs.operations import (  # noqa: F401  (importing a group enters it in the table)
    activations,
    attention,
    convolution,
    creation,
    elementwise,
    indexing,
    linear_algebra,
    logic,
    normalisation,
    pooling,
    recurrent,
    reductions,
    shaping,
    sorting,
)
from dynlearn.programs.table import OPERATIONS

__all__ = ["OPERATIONS"]
