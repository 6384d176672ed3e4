"""A linear system, with its spectrum."""

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Array, Float, Key
from numpy.typing import ArrayLike

from dynlearn.datasets.systems._excitation import Excitation
from dynlearn.datasets.systems._sheet import Sheet
from dynlearn.datasets.systems._system import AbstractSystem
from dynlearn.errors import ArgumentError

STIFFNESS, DAMPING = 4.0, 0.2
"""Of each of the default system's two springs (N/m) and dampers (N s/m); both masses are 1 kg."""
STEP = 0.05
"""Integration step in units of the fastest eigenvalue's time constant: a Runge-Kutta step then errs by
3e-9."""


class Linear(AbstractSystem):
    """A linear system in continuous time.

        dx/dt = A x + B u
        y     = C x

    By default two masses of 1 kg in a row, each held by a spring (4 N/m) and a damper (0.2 N s/m) to the one
    before and the first to a wall; a force acts on the second; both positions are measured, the velocities
    are not.

    Args:
        A: `(state, state)`, per time unit, kept in float64 as B and C are.
        B: `(state, control)`; None for no controls.
        C: `(output, state)`; None for the whole state.
        state_names, output_names, control_names: default x0.., y0.., u0...
        units: by name, and of "t".
        dt: the default sampling interval, in the time unit.

    Raises:
        ArgumentError: B, C or names without A; shapes that do not fit each other.

    Reference: T. Kailath, Linear Systems (1980).

    >>> system = Linear([[-0.5, 2.0], [-2.0, -0.5]])
    >>> system.eigenvalues().round(6).tolist()
    [(-0.5+2j), (-0.5-2j)]
    >>> Linear().control_names, Linear().output_names
    (('force',), ('position_1', 'position_2'))
    """

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    _sheet: Sheet = eqx.field(static=True)

    def __init__(
        self,
        A: ArrayLike | None = None,
        B: ArrayLike | None = None,
        C: ArrayLike | None = None,
        *,
        state_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        control_names: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        dt: float = 0.1,
    ):
        if A is None:
            if not (B is None and C is None and state_names is None and output_names is None):
                raise ArgumentError(
                    "Linear: expected A together with B, C and names, got them without A; pass A."
                )
            A, B, C = _two_masses()
            state_names = ("position_1", "position_2", "velocity_1", "velocity_2")
            output_names, control_names = ("position_1", "position_2"), ("force",)
            units = {
                "t": "s",
                **dict.fromkeys(output_names, "m"),
                **dict.fromkeys(state_names[2:], "m/s"),
                "force": "N",
            }
        self.A = _matrix("A", A, None, None)
        n = len(self.A)
        self.B = np.zeros((n, 0)) if B is None else _matrix("B", B, n, None)
        self.C = np.eye(n) if C is None else _matrix("C", C, None, n)
        given = {"t": "", **(units or {})}
        fastest = float(np.abs(np.linalg.eigvals(self.A)).max())
        m = self.B.shape[1]
        self._sheet = Sheet(
            states=_named("state_names", state_names, "x", n, given),
            outputs=_named("output_names", output_names, "y", len(self.C), given),
            controls=_named("control_names", control_names, "u", m, given),
            time_unit=given["t"],
            dt=float(dt),
            max_step=min(float(dt), STEP / fastest) if fastest > 0 else float(dt),
            excitation=Excitation((-1.0,) * m, (1.0,) * m, hold=5),
        )

    @property
    def sheet(self) -> Sheet:
        return self._sheet

    def vector_field(
        self, time: Float[Array, ""], state: Float[Array, " state"], control: Float[Array, " control"]
    ) -> Float[Array, " state"]:
        return jnp.asarray(self.A @ state + self.B @ control)

    def observe(self, state: Float[Array, " state"]) -> Float[Array, " output"]:
        return jnp.asarray(self.C @ state)

    def initial(self, key: Key[Array, ""]) -> Float[Array, " state"]:
        """Standard normal."""
        return jax.random.normal(key, (len(self.A),))

    def eigenvalues(self, interval: float | None = None) -> np.ndarray:
        """Of A (1 per unit of time), or with `interval` those of the transition over it; the slowest first.

        Args:
            interval: in the time unit.

        Returns:
            Complex numbers `(state,)`, float64.
        """
        values = np.linalg.eigvals(self.A)
        values = values[np.lexsort((-values.imag, np.round(-values.real, 12)))]
        return values if interval is None else np.exp(values * interval)

    def discrete(self, interval: float) -> tuple[np.ndarray, np.ndarray]:
        """The exact transition x_{k+1} = A_d x_k + B_d u_k over `interval`, the control held.

            exp( [A B; 0 0] interval ) = [A_d B_d; 0 1]

        Args:
            interval: in the time unit.

        Returns:
            A_d `(state, state)` and B_d `(state, control)`, float64.
        """
        n, m = self.B.shape
        block = np.zeros((n + m, n + m))
        block[:n] = np.hstack([self.A, self.B])
        exponential = scipy.linalg.expm(block * interval)
        return exponential[:n, :n], exponential[:n, n:]


def _two_masses() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chain = np.array([[-2.0, 1.0], [1.0, -1.0]])
    A = np.block([[np.zeros((2, 2)), np.eye(2)], [STIFFNESS * chain, DAMPING * chain]])
    return A, np.array([[0.0], [0.0], [0.0], [1.0]]), np.eye(2, 4)


def _matrix(name: str, value: ArrayLike, rows: int | None, columns: int | None) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    expected = f"({'any' if rows is None else rows}, {'any' if columns is None else columns})"
    fits = array.ndim == 2 and rows in (None, array.shape[0]) and columns in (None, array.shape[1])
    if not fits or not np.isfinite(array).all() or (name == "A" and array.shape[0] != array.shape[1]):
        expected = "(states, states)" if name == "A" else expected
        raise ArgumentError(
            f"{name}: expected a finite matrix {expected}, got shape {array.shape}; check its size."
        )
    return array


def _named(
    what: str, given: Sequence[str] | None, letter: str, size: int, units: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Names, given or numbered, each with its unit ("" where none is given)."""
    if given is None:
        given = [f"{letter}{i}" for i in range(size)]
    if isinstance(given, str) or len(given) != size:
        raise ArgumentError(
            f"{what}: expected {size} names, got {given!r}; pass a tuple with one name per column."
        )
    return tuple((name, units.get(name, "")) for name in given)
