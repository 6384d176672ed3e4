"""PyTorch's core operations (ATen) in JAX, and programs made of them. No PyTorch is needed to run one.

Importing this package fills `OPERATIONS`: ATen name -> function of arrays.
"""

from dynlearn.numerics.aten import (  # noqa: F401  (importing a group enters it in the table)
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
from dynlearn.numerics.aten.graph import Dtype, Graph, Input, Node, Ref, decode, encode
from dynlearn.numerics.aten.program import Constants, Program
from dynlearn.numerics.aten.table import OPERATIONS

__all__ = ["OPERATIONS", "Constants", "Dtype", "Graph", "Input", "Node", "Program", "Ref", "decode", "encode"]
