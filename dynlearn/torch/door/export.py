"""From a `torch.nn.Module` to a `Program`: trace, decompose into known operations, translate."""

from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from dynlearn.errors import ArgumentError
from dynlearn.programs.program import Program
from dynlearn.programs.table import OPERATIONS
from dynlearn.torch.door._checks import check
from dynlearn.torch.door._failures import quiet, why
from dynlearn.torch.door._translate import translate
from dynlearn.torch.door._unsupported import operation_name


def lower(module: nn.Module, *example_inputs: Any) -> Program:
    """A JAX program that computes what `module` computes, with its weights as leaves.

    The module is traced by `torch.export` with `example_inputs`, decomposed into ATen operations, and each
    of these is mapped to JAX. Nothing of it runs in PyTorch afterwards; the weights are copies. Floating
    numbers of any width become the session's default float, so a float32 module is widened, exactly, where
    `jax_enable_x64` is set. Parameters with `requires_grad=False` and buffers become `Fixed` constants;
    tied parameters stay one leaf; `detach` and `no_grad` stop gradients as they do in PyTorch.

    Args:
        module: in evaluation mode, on any device.
        example_inputs: tensors, or tuples, lists and dicts of tensors, as `module.forward` takes them;
            their shapes are the program's, their values do not matter. Batch the program with `jax.vmap`.

    Returns:
        The program, which takes and gives JAX arrays in the structure of the module's own.

    Raises:
        ArgumentError: what is not a module, is in training mode where that matters, is wider than the session,
            decides by the values of tensors, differentiates inside `forward`, changes buffers, attributes or
            inputs, or uses operations that have no counterpart yet, which are all listed with their places.

    >>> import torch, jax, dynlearn.torch
    >>> field = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    >>> program = dynlearn.torch.lower(field, torch.zeros(2))
    >>> program.names
    ('0.weight', '0.bias', '2.weight', '2.bias')
    >>> jax.vmap(program)(jax.numpy.ones((5, 2))).shape
    (5, 2)
    """
    check(module, example_inputs)
    return translate(_traced(module, example_inputs), module)


def _traced(module: nn.Module, example_inputs: tuple[Any, ...]) -> ExportedProgram:
    depth = torch._C._functorch.get_dynamic_layer_stack_depth()
    try:
        with quiet(), torch.enable_grad():
            exported = torch.export.export(module, example_inputs)
            _stop_gradients_of_no_grad(exported)
            return exported if _is_known(exported) else exported.run_decompositions(_unknown_only())
    except Exception as error:  # the tracer runs the user's code, and raises whatever it meets there
        raise ArgumentError(why(module, error)) from error
    finally:
        # A trace that fails inside torch.func leaves its level behind, and every later one would fail on it.
        torch._C._functorch.pop_dynamic_layer_stack_and_undo_to_depth(depth)


def _is_known(exported: ExportedProgram) -> bool:
    """Whether every operation is in the table, which has none that writes into its arguments."""
    calls = (node for node in exported.graph.nodes if node.op == "call_function")
    return all(operation_name(node) in {"getitem", *OPERATIONS} for node in calls)


def _unknown_only() -> Any:
    """PyTorch's decompositions of the operations that the table does not have."""
    decompositions = torch.export.default_decompositions()
    for operation in list(decompositions.keys()):
        if str(operation) in OPERATIONS:
            decompositions.pop(operation)
    return decompositions


def _stop_gradients_of_no_grad(exported: ExportedProgram) -> None:
    """Detach what leaves a `no_grad` block: decomposition forgets the block."""
    graph = exported.graph_module.graph
    for block in list(graph.nodes):
        if str(block.target) != "wrap_with_set_grad_enabled" or block.args[0]:
            continue
        for value in list(block.users):  # one getitem for each value that leaves
            with graph.inserting_after(value):
                stopped = graph.call_function(torch.ops.aten.detach.default, (value,))
            stopped.meta = dict(value.meta)
            value.replace_all_uses_with(stopped, delete_user_cb=lambda user, keep=stopped: user is not keep)
            exported.graph_signature.replace_all_uses(value.name, stopped.name)
    exported.graph_module.recompile()
