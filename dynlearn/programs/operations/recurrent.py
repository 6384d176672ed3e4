"""Recurrent layers as scans over time: the size of the program does not grow with the sequence."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dynlearn.programs.table import operation

State = tuple[Array, ...]


class Weights(NamedTuple):
    """Of one layer in one direction; gates are stacked along the first axis."""

    input: Float[Array, "gates input"]
    hidden: Float[Array, "gates output"]
    input_bias: Float[Array, " gates"] | float
    hidden_bias: Float[Array, " gates"] | float
    projection: Float[Array, "output hidden"] | None


Cell = Callable[[Weights, State, Array], tuple[Array, ...]]
"""(weights, state, W_input x + input_bias) -> next state, whose first part is the output."""


def _hidden(weights: Weights, state: State) -> Array:
    return jnp.matmul(state[0], weights.hidden.T) + weights.hidden_bias


def _simple(activation: Callable[[Array], Array], weights: Weights, state: State, x: Array) -> State:
    return (activation(x + _hidden(weights, state)),)


def _lstm(weights: Weights, state: State, x: Array) -> State:
    i, f, g, o = jnp.split(x + _hidden(weights, state), 4, -1)
    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return h if weights.projection is None else jnp.matmul(h, weights.projection.T), c


def _gru(weights: Weights, state: State, x: Array) -> State:
    (r, z, n), (hr, hz, hn) = jnp.split(x, 3, -1), jnp.split(_hidden(weights, state), 3, -1)
    z = jax.nn.sigmoid(z + hz)
    n = jnp.tanh(n + jax.nn.sigmoid(r + hr) * hn)
    return ((1 - z) * n + z * state[0],)


def _grouped(params: Sequence[Array], has_biases: bool, sequences: int) -> list[Weights]:
    """Weights of each (layer, direction), which PyTorch lists in one row."""
    each = len(params) // sequences
    found = []
    for start in range(0, len(params), each):
        own = list(params[start : start + each])
        input_bias, hidden_bias = own[2:4] if has_biases else (0.0, 0.0)
        projected = each == (5 if has_biases else 3)
        found.append(Weights(own[0], own[1], input_bias, hidden_bias, own[-1] if projected else None))
    return found


def _scan(cell: Cell, weights: Weights, x: Array, state: State, reverse: bool) -> tuple[State, Array]:
    """One layer in one direction. What does not depend on the state is one product for all instants."""

    def step(state: State, x: Array) -> tuple[State, Array]:
        state = cell(weights, state, x)
        return state, state[0]

    return jax.lax.scan(step, state, jnp.matmul(x, weights.input.T) + weights.input_bias, reverse=reverse)


def _layers(
    cell: Cell,
    x: Float[Array, "_ _ input"],
    initial: Sequence[Array],
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Array, ...]:
    """All layers in turn; states at the start and at the end stack (layer, direction) along the first axis."""
    directions = 2 if bidirectional else 1
    weights = _grouped(params, has_biases, num_layers * directions)
    x = jnp.swapaxes(x, 0, 1) if batch_first else x
    ends: list[State] = []
    for layer in range(num_layers):
        outputs = []
        for k in range(layer * directions, (layer + 1) * directions):
            state = tuple(part[k] for part in initial)
            end, output = _scan(cell, weights[k], x, state, reverse=k % directions == 1)
            ends.append(end)
            outputs.append(output)
        x = jnp.concatenate(outputs, -1)
    last = (jnp.stack(parts) for parts in zip(*ends, strict=True))
    return (jnp.swapaxes(x, 0, 1) if batch_first else x), *last


@operation("lstm.input")
def lstm(
    input: Array,
    hx: Sequence[Array],
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Array, ...]:
    return _layers(_lstm, input, hx, params, has_biases, num_layers, bidirectional, batch_first)


def _enter(name: str, cell: Cell) -> None:
    """Layers whose state is the output alone."""

    @operation(name)
    def layer(
        input: Array,
        hx: Array,
        params: Sequence[Array],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> tuple[Array, ...]:
        return _layers(cell, input, (hx,), params, has_biases, num_layers, bidirectional, batch_first)


_enter("gru.input", _gru)
_enter("rnn_tanh.input", partial(_simple, jnp.tanh))
_enter("rnn_relu.input", partial(_simple, jax.nn.relu))
