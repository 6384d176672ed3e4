"""PyTorch's core operations (ATen) in JAX, and programs made of them. No PyTorch is needed to run one.

Importing this package fills `OPERATIONS`: ATen name -> function of arrays.
"""

from dynlearn.programs.graph import Dtype, Graph, Input, Node, Ref, decode, encode
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
from dynlearn.programs.program import Constants, Program
from dynlearn.programs.table import OPERATIONS

__all__ = ["OPERATIONS", "Constants", "Dtype", "Graph", "Input", "Node", "Program", "Ref", "decode", "encode"]
