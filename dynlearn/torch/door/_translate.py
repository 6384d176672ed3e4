"""An exported graph of PyTorch as a `Graph` of names, numbers and references."""

from typing import Any

import jax.numpy as jnp
import torch
from jaxtyping import Array
from torch import fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind
from torch.utils import _pytree as pytree

from dynlearn.errors import ArgumentError
from dynlearn.programs.graph import Dtype, Graph, Input, Node, Ref, encode
from dynlearn.programs.program import Constants, Program
from dynlearn.torch.door._unsupported import check_known, operation_name, place
from dynlearn.torch.shared.weights import kind, to_array

Refs = dict[str, Ref]
"""What a name in the exported graph refers to, where that is not the node of the same name."""

_MEMORY = {"device", "layout", "pin_memory", "memory_format", "non_blocking"}
"""Options that say where and how a tensor lies in memory."""

_CHECKS = {"aten._assert_tensor_metadata.default"}
"""Checks of what is settled once a module is traced."""


def translate(exported: ExportedProgram, module: nn.Module) -> Program:
    """The program of a traced and decomposed module."""
    calls = [n for n in exported.graph.nodes if n.op == "call_function" and operation_name(n) not in _CHECKS]
    check_known(calls)
    _check_pure(exported)
    weights, constants, refs = _owned(exported, module)
    graph = Graph(_inputs(exported), tuple(_node(n, refs) for n in calls), _output(exported, refs))
    return Program(
        weights=tuple(weights.values()),
        names=tuple(weights),
        constants=Constants(tuple(constants), tuple(constants.values())),
        text=encode(graph),
    )


def _check_pure(exported: ExportedProgram) -> None:
    specs = exported.graph_signature.output_specs
    changed = [repr(spec.target) for spec in specs if spec.kind != OutputKind.USER_OUTPUT]
    if changed:
        raise ArgumentError(
            f"lower: forward changes {', '.join(changed)} in place, but a program has no memory; "
            f"return the new value, and take the old one as an input."
        )


def _owned(exported: ExportedProgram, module: nn.Module) -> tuple[dict[str, Array], dict[str, Array], Refs]:
    """Weights and constants by name, and which names in the graph mean them. Tied tensors are one."""
    weights: dict[str, Array] = {}
    constants: dict[str, Array] = {}
    refs: Refs = {}
    first: dict[int, str] = {}
    parameters = dict(module.named_parameters(remove_duplicate=False))
    held = {**exported.constants, **exported.state_dict, **parameters}
    for spec in exported.graph_signature.input_specs:
        if spec.kind == InputKind.USER_INPUT:
            continue
        tensor = held.get(spec.target or "")
        if not isinstance(tensor, torch.Tensor):
            raise ArgumentError(
                f"lower: expected tensors as what the module holds, got {spec.target!r} "
                f"({spec.kind.name.lower()}); keep only tensors in what forward reads."
            )
        name = first.setdefault(id(tensor), str(spec.target))
        refs[spec.arg.name] = Ref(f"self.{name}")
        if name == spec.target:
            group = weights if name in parameters and tensor.requires_grad else constants
            group[name] = to_array(tensor)
    return weights, constants, refs


def _inputs(exported: ExportedProgram) -> tuple[Input, ...]:
    values = {n.name: n.meta["val"] for n in exported.graph.nodes if n.op == "placeholder"}
    specs = exported.graph_signature.input_specs
    names = [
        s.arg.name
        for s in specs
        if s.kind == InputKind.USER_INPUT and not isinstance(s.arg, ConstantArgument)
    ]
    return tuple(Input(n, tuple(values[n].shape), kind(values[n].dtype)) for n in names)


def _node(node: fx.Node, refs: Refs) -> Node:
    options = {name: value for name, value in node.kwargs.items() if name not in _MEMORY}
    return Node(
        node.name,
        operation_name(node),
        tuple(_argument(value, node, refs) for value in node.args),
        tuple((name, _argument(value, node, refs)) for name, value in options.items()),
    )


def _argument(value: Any, node: fx.Node, refs: Refs) -> Any:
    if isinstance(value, fx.Node):
        return refs.get(value.name, Ref(value.name))
    if isinstance(value, list | tuple):
        return tuple(_argument(item, node, refs) for item in value)
    if isinstance(value, torch.dtype):
        return _dtype(value, node)
    if isinstance(value, torch.device | torch.layout | torch.memory_format):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ArgumentError(
        f"lower: {operation_name(node)}{place(node)} has the argument {value!r}, which is no plain number; "
        f"write it with real numbers and with shapes that do not depend on the values of tensors."
    )


def _dtype(dtype: torch.dtype, node: fx.Node) -> Dtype:
    if dtype.is_complex:
        raise ArgumentError(
            f"lower: {operation_name(node)}{place(node)} makes complex numbers; keep real and imaginary parts "
            f"as two real tensors."
        )
    if dtype == torch.float64 and jnp.result_type(float) == jnp.float32:
        raise ArgumentError(
            f"lower: {operation_name(node)}{place(node)} asks for float64, which this session would round to "
            f"float32; call jax.config.update('jax_enable_x64', True) first, or ask for float32 there."
        )
    return kind(dtype)


def _output(exported: ExportedProgram, refs: Refs) -> Any:
    """What forward returns, with references for tensors."""
    (end,) = [n for n in exported.graph.nodes if n.op == "output"]
    flat = [_argument(value, end, refs) for value in end.args[0]]
    return _structure(pytree.tree_unflatten(flat, exported.call_spec.out_spec))


def _structure(value: Any) -> Any:
    if isinstance(value, Ref) or value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): _structure(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_structure(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_structure(item) for item in value)
    raise ArgumentError(
        f"lower: expected forward to return tensors in tuples, lists or dicts, got {type(value).__name__}; "
        f"return its tensors as a tuple."
    )
