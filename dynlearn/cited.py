"""citations: the references of what was used, to be put beside results."""

from collections.abc import Iterable

from dynlearn.control.controllers.mpc import MPC
from dynlearn.control.loop import Controller
from dynlearn.control.planners.contract import AbstractPlanner
from dynlearn.errors import ArgumentError
from dynlearn.filtering.contract import AbstractInference
from dynlearn.fitting import FitResult
from dynlearn.models import AbstractModel, AbstractStateSpace, Foreign
from dynlearn.models.neural.state_model import AbstractStateModel
from dynlearn.references import bibtex, keys_of
from dynlearn.solvers.ode.problem import AbstractSolver
from dynlearn.solvers.sde.adaptive import StochasticAdaptive
from dynlearn.solvers.sde.fixed import StochasticStep

TAKEN = (
    AbstractModel,
    FitResult,
    MPC,
    AbstractPlanner,
    AbstractInference,
    AbstractSolver,
    StochasticStep,
    StochasticAdaptive,
)


def citations(
    used: AbstractModel
    | Foreign
    | FitResult
    | Controller
    | AbstractPlanner
    | AbstractInference
    | AbstractSolver
    | StochasticStep
    | StochasticAdaptive,
) -> str:
    """The references of what was used, as BibTeX.

    Of a model: its family, the parts in it (lifting, drift, members of an ensemble, what a wrapper wraps), its
    solver, and the method of inference that its forecasts start from. Of what `fit` returned also the method
    and the objective; a model that was fitted before has no memory of that. Of a controller its model,
    planner and constraints. Diffrax, cuthbert and torchdiffeq are among them where they do the work.

    What a function of your own calls is not seen; `functools.partial(locally_regularized, weight=1.0)` is. A
    class of your own takes part by a class attribute `references`, a tuple of keys of `references.bib` or of
    whole BibTeX entries.

    Args:
        used: a model, the result of a fit, a controller, a planner, a method of inference or a solver.

    Returns:
        One entry per source, sorted by key; empty where there is nothing to cite (`Persistence`).

    Raises:
        ArgumentError: something else, or a `references` of your own that names no source.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=30, key=0)
    >>> result = dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, ds, progress=False)
    >>> text = dl.citations(result)
    >>> [line for line in text.splitlines() if line.startswith("@")]
    ['@article{hoerl1970ridge,', '@book{ljung1999system,']
    """
    if isinstance(used, type) or not isinstance(used, (*TAKEN, Foreign, Controller)):
        came = f"the class {used.__name__}" if isinstance(used, type) else type(used).__name__
        raise ArgumentError(
            f"citations: expected a model, the result of dl.fit, a controller, a planner, a method of inference or a "
            f"solver, got {came}; pass one such as dl.fit(model, train) or dl.control.CEM()."
        )
    return bibtex(keys_of(used, _beside))


def _beside(node: object) -> Iterable[object]:
    """What belongs to a node and is none of its fields."""
    if isinstance(node, AbstractStateSpace) and not isinstance(node, AbstractStateModel):
        # The neural families read their state off the past by an encoder; filters are for `dl.filter`.
        return (node.inference,)
    if isinstance(node, Foreign) and not isinstance(node, AbstractModel):
        return (node.twin(),)
    return ()
