"""The time per step of an environment, as far as it can be known."""

import inspect
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from dynlearn.errors import is_number

if TYPE_CHECKING:
    import gymnasium


class Stated(NamedTuple):
    """What an environment says of the time per step."""

    interval: float | None
    """None where it cannot be known."""
    why: str
    """Why it cannot, to be read after "the time per step, "."""
    hidden: bool = False
    """Whether a layer states one that another layer may make untrue."""


def stated_interval(env: "gymnasium.Env") -> Stated:
    """The attribute `dt` of the outermost layer that has one, if every layer around it takes one step per step.

    That can be known of wrappers whose `step` is Gymnasium's own (a wrapper of observations, actions or
    rewards inherits it). A `step` of somebody else may repeat the action, however long that takes.
    """
    import gymnasium

    layer, around = env, None
    while isinstance(layer, gymnasium.Wrapper):
        if inspect.getattr_static(layer, "dt", None) is not None:
            break
        around = around if around is not None or _one_step(layer) else layer
        layer = layer.env
    own = _positive(getattr(layer, "dt", None))
    if own is None:
        return Stated(None, f"which this environment does not state (dt = {getattr(layer, 'dt', None)!r})")
    if around is not None:
        name = type(around).__name__
        why = f"which the wrapper {name} hides: it may repeat the {own:g} of {type(layer).__name__} several times"
        return Stated(None, why, hidden=True)
    return Stated(own, "")


def _one_step(wrapper: "gymnasium.Wrapper") -> bool:
    from gymnasium.wrappers import AtariPreprocessing, MaxAndSkipObservation

    own = type(wrapper).step.__module__.split(".")[0] == "gymnasium"
    return own and not isinstance(wrapper, AtariPreprocessing | MaxAndSkipObservation)


def _positive(value: Any) -> float | None:
    value = value.item() if getattr(value, "shape", None) == () else value
    return float(value) if is_number(value) and math.isfinite(value) and value > 0 else None
