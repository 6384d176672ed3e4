"""The methods of inference by name, and the process each takes."""

from typing import Any

from dynlearn.errors import ArgumentError, check_known
from dynlearn.models import AbstractStateSpace
from dynlearn.numerics.filtering._contract import AbstractInference, AbstractProcess
from dynlearn.numerics.filtering.amortised import Amortised
from dynlearn.numerics.filtering.collapsed import Collapsed
from dynlearn.numerics.filtering.ensemble import EnsembleKalman
from dynlearn.numerics.filtering.enumerated import Enumerated
from dynlearn.numerics.filtering.exact import Exact
from dynlearn.numerics.filtering.gaussian import Extended, Unscented
from dynlearn.numerics.filtering.particle import Particle
from dynlearn.numerics.filtering.process import Process
from dynlearn.numerics.kalman import Chain
from dynlearn.numerics.window import Window

METHODS: dict[str, type[AbstractInference]] = {
    "exact": Exact,
    "extended": Extended,
    "unscented": Unscented,
    "ensemble": EnsembleKalman,
    "particle": Particle,
    "collapsed": Collapsed,
    "enumerated": Enumerated,
    "amortised": Amortised,
}

Method = str | AbstractInference | None


def resolve(method: Method, model: AbstractStateSpace) -> AbstractInference:
    """The method of that name, one of the user's own settings, or the model's own."""
    chosen: Any = model.inference if method is None else method
    if isinstance(chosen, str):
        check_known("method", [chosen], METHODS)
        chosen = METHODS[chosen]()
    if not isinstance(chosen, AbstractInference):
        raise ArgumentError(
            f"method: expected one of {sorted(METHODS)} or an object such as dl.inference.Particle(size=2000), got "
            f"{method!r:.100}."
        )
    return chosen


def process_of(model: AbstractStateSpace, run: Window, method: AbstractInference) -> AbstractProcess:
    """One run as `method` takes it."""
    process = model.process(run)
    if isinstance(process, method.takes):
        return process
    if isinstance(process, Chain) and issubclass(Process, method.takes):
        return process.general()
    raise ArgumentError(
        f"method: {type(method).__name__} is not for a {type(model).__name__}; leave method out for "
        f"{type(model.inference).__name__}, its own{_others(process)}."
    )


def _others(process: AbstractProcess) -> str:
    if not isinstance(process, Process | Chain):
        return ""
    fitting = [name for name, cls in METHODS.items() if issubclass(Process, cls().takes)]
    return f", or name one of {fitting}"
