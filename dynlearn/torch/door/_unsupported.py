"""Which operations of a traced module have no counterpart, and where in the module they are."""

import operator
from pathlib import Path

import torch
from torch import fx

from dynlearn.errors import ArgumentError
from dynlearn.programs.table import OPERATIONS

_READINGS = {"aten.item.default", "aten._local_scalar_dense.default"}
"""A number read out of a tensor is an array without axes to JAX, as long as no shape depends on it."""


def operation_name(node: fx.Node) -> str:
    """The name a node's operation has in the table."""
    return "getitem" if node.target is operator.getitem else str(node.target)


def check_known(nodes: list[fx.Node]) -> None:
    """Raise `ArgumentError` that lists every operation the table lacks, each with its place."""
    found = (_trouble(node) for node in nodes)
    missing = dict.fromkeys(f"  {line}" for line in found if line)
    if missing:
        listed = "\n".join(missing)
        raise ArgumentError(
            f"lower: no JAX counterpart for what the module does in {len(missing)} place(s):\n{listed}\n"
            f"write it with other operations, or enter it in dynlearn.programs.OPERATIONS."
        )


def _trouble(node: fx.Node) -> str:
    """What is wrong with a node and where it is; empty for nothing."""
    name, value = operation_name(node), node.meta.get("val")
    sizes = value.shape if isinstance(value, torch.Tensor) else ()
    symbolic = isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool) and name not in _READINGS
    if symbolic or "_assert" in name or not all(isinstance(n, int) for n in sizes):
        return f"a shape, a number or a check that depends on the values of tensors{place(node)}"
    random = _draws(node)
    if not random and (name == "getitem" or name in OPERATIONS):
        return ""
    random = random or torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
    advice = " (draws random numbers: call module.eval(), or take them as an input)" if random else ""
    return f"{name}{place(node)}{advice}"


def _draws(node: fx.Node) -> bool:
    """Whether an operation that can do without random numbers is asked for them."""
    if not isinstance(node.target, torch._ops.OpOverload):
        return False
    names = [argument.name for argument in node.target._schema.arguments]
    given = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
    training = bool(given.get("train", False) or given.get("training", False))
    rate = given.get("dropout_p", 0) or (training and given.get("dropout", given.get("p", 0)))
    return bool(rate) or (training and "rrelu" in operation_name(node))


def place(node: fx.Node) -> str:
    """Where a node comes from: " in 'net.2' (Block), model.py:12: y = torch.fft.fft(x)"."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path, kind = stack[-1] if stack else ("", "")
    kind = kind if isinstance(kind, str) else kind.__qualname__
    inside = f" in {path!r}" if path else " in the module itself"
    return (
        inside + (f" ({kind.rsplit('.', 1)[-1]})" if kind else "") + _line(node.meta.get("stack_trace") or "")
    )


def _line(trace: str) -> str:
    """The innermost line of a stack trace that is not PyTorch's own."""
    own = str(Path(torch.__file__).parent)
    lines = [line.strip() for line in trace.splitlines()]
    for header, code in reversed(list(zip(lines, [*lines[1:], ""], strict=False))):
        if header.startswith("File ") and own not in header and '"<' not in header:
            file, number = header.split('"')[1], header.split("line ")[1].split(",")[0]
            return f", {Path(file).name}:{number}: {code}"
    return ""
