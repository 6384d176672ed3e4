"""A system's data sheet: names, units, and the time scales to sample and integrate it on."""

import dataclasses
from typing import Protocol

from jaxtyping import Array

from dynlearn.datasets.systems._excitation import NONE, Excitation

Named = tuple[tuple[str, str], ...]
"""Pairs of name and unit; "1" is dimensionless."""


@dataclasses.dataclass(frozen=True)
class Sheet:
    """What a system declares about itself; hashable, so that it can be part of a compiled program's key."""

    states: Named
    outputs: Named
    time_unit: str
    dt: float
    """Sampling interval unless told otherwise."""
    max_step: float
    """Longest integration step. The systems here choose it so that the classical Runge-Kutta method errs by
    less than 1e-5 of a state's range over the default simulation (chaotic ones: over two units of Lyapunov
    time)."""
    controls: Named = ()
    excitation: Excitation = NONE
    """What `simulate` applies where no controls are given."""


class Simulated(Protocol):
    """What a simulation needs of a system: its sheet, its equations, its outputs, its starts, its names."""

    @property
    def sheet(self) -> Sheet: ...

    @property
    def state_names(self) -> tuple[str, ...]: ...

    @property
    def output_names(self) -> tuple[str, ...]: ...

    @property
    def control_names(self) -> tuple[str, ...]: ...

    @property
    def units(self) -> dict[str, str]: ...

    def vector_field(self, time: Array, state: Array, control: Array) -> Array: ...

    def observe(self, state: Array) -> Array: ...

    def initial(self, key: Array) -> Array: ...
