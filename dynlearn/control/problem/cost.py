"""Costs: what a controller is asked to make small, in physical units."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_known


@runtime_checkable
class Cost(Protocol):
    """Any object with these two methods, written in JAX, for one state.

        J = sum_{k<H} running(y_k, u_k, t_k) + terminal(y_H)

    `outputs` are the predicted means in physical units. Both return a scalar. A cost becomes part
    of a compiled program: do not change its attributes afterwards, build a new one.
    """

    def running(
        self, outputs: Float[Array, " output"], control: Float[Array, " control"], time: Float[Array, ""]
    ) -> Float[Array, ""]:
        """The cost of being here, now, and doing this.

        Args:
            outputs: at the instant, `(output,)`.
            control: applied from it on, `(control,)`.
            time: the instant, in the model's time unit.

        Returns:
            A scalar.
        """

    def terminal(self, outputs: Float[Array, " output"]) -> Float[Array, ""]:
        """The cost of ending here.

        Args:
            outputs: at the end of the horizon, `(output,)`.

        Returns:
            A scalar.
        """


class Quadratic(eqx.Module):
    """Squared distance from a target.

        running  = (y - y*)' Q (y - y*) + (u - u*)' R (u - u*)
        terminal = (y - y*)' P (y - y*)

    All in physical units.

    Args:
        target: y*, `(output,)`.
        Q, R: weights of outputs and controls, `(n,)` for a diagonal or a symmetric `(n, n)`.
        terminal: P, like Q; default Q.
        control_target: u*, `(control,)`, default 0.

    Raises:
        ArgumentError: shapes that do not fit each other.

    >>> cost = Quadratic(target=[1.0, 0.0], Q=[2.0, 1.0], R=[0.5])
    >>> float(cost.running(jnp.array([0.0, 2.0]), jnp.array([2.0]), 0.0))
    8.0
    """

    target: Float[Array, " output"]
    control_target: Float[Array, " control"]
    outputs_weigh: "_Form"
    controls_weigh: "_Form"
    end_weighs: "_Form"

    def __init__(self, target, Q, R, terminal=None, control_target=None):
        self.target = _vector("target", target)
        self.outputs_weigh = _Form(_weight("Q", Q, self.target.size))
        self.controls_weigh = _Form(_weight("R", R, None))
        end = None if terminal is None else _Form(_weight("terminal", terminal, self.target.size))
        self.end_weighs = self.outputs_weigh if end is None else end
        count = self.controls_weigh.unit.size
        self.control_target = _vector(
            "control_target", np.zeros(count) if control_target is None else control_target
        )
        if self.control_target.size != count:
            raise ArgumentError(
                f"control_target: expected shape ({count},) as R has, got {self.control_target.shape}; "
                f"give one value per control."
            )

    @property
    def Q(self) -> Float[np.ndarray, "output output"]:
        """Weights of the outputs, `(output, output)`."""
        return self.outputs_weigh.matrix

    @property
    def R(self) -> Float[np.ndarray, "control control"]:
        """Weights of the controls, `(control, control)`."""
        return self.controls_weigh.matrix

    @property
    def P(self) -> Float[np.ndarray, "output output"]:
        """Weights of the outputs at the end of the horizon, `(output, output)`."""
        return self.end_weighs.matrix

    @classmethod
    def named(
        cls,
        signature: Signature,
        target: Mapping[str, float],
        Q: Mapping[str, float],
        R: Mapping[str, float],
        terminal: Mapping[str, float] | None = None,
    ) -> "Quadratic":
        """Diagonal weights by name; a name left out weighs 0, a target left out is 0.

        Args:
            signature: of the model, for the order of the names.
            target: y* by the name of the output.
            Q, R: weights by the name of the output, and of the control.
            terminal: P by the name of the output; default Q.

        Returns:
            A cost with Q and R in the order of the signature.

        Raises:
            ArgumentError: a name that the signature does not have.

        >>> signature = Signature(("angle", "rate"), ("torque",))
        >>> Quadratic.named(signature, target={"angle": 1.0}, Q={"angle": 2.0}, R={}).Q.diagonal().tolist()
        [2.0, 0.0]
        """
        outputs, controls = signature.output_names, signature.control_names
        end = None if terminal is None else _by_name("terminal", terminal, outputs)
        return cls(
            _by_name("target", target, outputs), _by_name("Q", Q, outputs), _by_name("R", R, controls), end
        )

    def running(
        self, outputs: Float[Array, " output"], control: Float[Array, " control"], time: Float[Array, ""]
    ) -> Float[Array, ""]:
        """The weighted squares of `outputs` and `control` about their targets, the same at every `time`."""
        e, v = outputs - self.target, control - self.control_target
        return self.outputs_weigh(e) + self.controls_weigh(v)

    def terminal(self, outputs: Float[Array, " output"]) -> Float[Array, ""]:
        """The square of `outputs` about their target, weighted by P."""
        return self.end_weighs(outputs - self.target)


class _Form(eqx.Module):
    """e' W e with W = diag(unit) shape diag(unit): a weight of 1e60 is no float32, its root is."""

    unit: Float[Array, " n"]
    shape: Float[Array, "n n"]

    def __init__(self, weight: Float[np.ndarray, "n n"]):
        root = np.sqrt(np.abs(np.diagonal(weight)))
        unit = np.exp2(np.round(np.log2(np.where(root > 0, root, 1.0))))  # a power of 2 rounds nothing
        self.unit, self.shape = jnp.asarray(unit), jnp.asarray(weight / unit / unit[:, None])

    def __call__(self, e: Float[Array, " n"]) -> Float[Array, ""]:
        scaled = self.unit * e
        return scaled @ self.shape @ scaled

    @property
    def matrix(self) -> Float[np.ndarray, "n n"]:
        """In float64, which holds the squares of what float32 holds."""
        unit = np.asarray(self.unit, float)
        return unit[:, None] * np.asarray(self.shape, float) * unit


class FunctionCost(eqx.Module):
    """A cost from plain functions, written in JAX, in physical units.

    Args:
        function: from (outputs, control, time) to a scalar, the running cost.
        end: from outputs to a scalar, the terminal cost; without it the end of the horizon costs nothing.

    >>> cost = FunctionCost(lambda y, u, t: y[0] ** 2 + 0.1 * u[0] ** 2)
    >>> float(cost.running(jnp.array([2.0]), jnp.array([0.0]), 0.0)), float(cost.terminal(jnp.array([2.0])))
    (4.0, 0.0)
    """

    function: Callable = eqx.field(static=True)
    end: Callable | None = eqx.field(static=True, default=None)

    def running(
        self, outputs: Float[Array, " output"], control: Float[Array, " control"], time: Float[Array, ""]
    ) -> Float[Array, ""]:
        """The value of `function` at (`outputs`, `control`, `time`)."""
        return self.function(outputs, control, time)

    def terminal(self, outputs: Float[Array, " output"]) -> Float[Array, ""]:
        """The value of `end` at `outputs`, 0 without such a function."""
        return jnp.zeros((), outputs.dtype) if self.end is None else self.end(outputs)


def _vector(name: str, value: object) -> Float[Array, " n"]:
    array = np.array(value, float)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ArgumentError(f"{name}: expected finite values of shape (n,), got {value!r}; pass e.g. [0.0].")
    return jnp.asarray(array)


def _weight(name: str, value: object, size: int | None) -> Float[np.ndarray, "n n"]:
    array = np.asarray(value, float)
    if array.ndim == 1 and array.size:
        array = np.diag(array)
    square = array.ndim == 2 and array.shape[0] == array.shape[1]
    if not square or not np.isfinite(array).all() or (size is not None and len(array) != size):
        n = "n" if size is None else size
        raise ArgumentError(
            f"{name}: expected finite weights of shape ({n},) or ({n}, {n}), got shape {array.shape}; "
            f"give one weight per {'control' if name == 'R' else 'output of target'}."
        )
    return array


def _by_name(argument: str, values: Mapping[str, float], names: tuple[str, ...]) -> list[float]:
    check_known(f"name in {argument}", values, names)
    return [float(values.get(name, 0.0)) for name in names]
