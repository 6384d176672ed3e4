"""The methods of inference by name, and the process each takes."""

from typing import Any

from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.errors import ArgumentError, check_known
from dynlearn.filtering.contract import AbstractInference, AbstractProcess
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.processes.process import Process
from dynlearn.on_use import Table
from dynlearn.trajectories.window import Window

METHODS = Table(
    {
        "exact": "dynlearn.filtering.methods.exact:Exact",
        "extended": "dynlearn.filtering.methods.gaussian:Extended",
        "unscented": "dynlearn.filtering.methods.gaussian:Unscented",
        "ensemble": "dynlearn.filtering.methods.ensemble:EnsembleKalman",
        "particle": "dynlearn.filtering.methods.particle:Particle",
        "collapsed": "dynlearn.filtering.methods.collapsed:Collapsed",
        "enumerated": "dynlearn.filtering.methods.enumerated:Enumerated",
        "amortised": "dynlearn.filtering.methods.amortised:Amortised",
    }
)

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
