"""The hold of a control: what it is between two samples."""

import enum
from typing import Any


class Hold(enum.StrEnum):
    """How a control goes on between two samples: constant, or along a straight line to the next one.

    Over one interval a control is what a model's `step` takes: its value `(..., control)` under zero hold,
    its values at the two ends `(..., 2, control)` under linear hold. Works on arrays of NumPy and of JAX.

    >>> import numpy as np
    >>> u = np.array([[0.0], [2.0]])
    >>> Hold.LINEAR.at(u, 0.25), Hold("zero").over(u)
    (array([0.5]), array([[0.]]))
    """

    ZERO = "zero"
    LINEAR = "linear"

    def __repr__(self) -> str:
        return repr(self.value)  # as users write it, in messages

    @property
    def ends(self) -> int:
        """Values of a control that an interval depends on: 1 or 2."""
        return 2 if self is Hold.LINEAR else 1

    @property
    def known_at_end(self) -> bool:
        """Whether an interval depends on the control at its end, so that it must be decided by then."""
        return self is Hold.LINEAR

    def over(self, u: Any) -> Any:
        """From the controls of instants 0..n `(n + 1, control)` to those of the n intervals between."""
        return _stacked(u[:-1], u[1:]) if self is Hold.LINEAR else u[:-1]

    def still(self, u: Any) -> Any:
        """An interval over which the control stays `u` `(..., control)`."""
        return _stacked(u, u) if self is Hold.LINEAR else u

    def both(self, u: Any) -> tuple[Any, Any]:
        """The control at the two ends of an interval."""
        return (u[..., 0, :], u[..., 1, :]) if self is Hold.LINEAR else (u, u)

    def at(self, u: Any, fraction: Any) -> Any:
        """The control at a fraction of an interval."""
        if self is Hold.ZERO:
            return u
        first, last = self.both(u)
        return first + fraction * (last - first)

    def part(self, u: Any, first: Any, last: Any) -> Any:
        """The interval between two fractions of an interval."""
        return _stacked(self.at(u, first), self.at(u, last)) if self is Hold.LINEAR else u

    def back(self, u: Any) -> Any:
        """An interval as it is crossed from its later end."""
        return u[..., ::-1, :] if self is Hold.LINEAR else u


HOLDS = tuple(hold.value for hold in Hold)


def _stacked(first: Any, last: Any) -> Any:
    return first.__array_namespace__().stack([first, last], axis=-2)
