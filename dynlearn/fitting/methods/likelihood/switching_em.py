"""SwitchingEM: approximate expectation maximisation for switching linear models."""

import dataclasses
import functools
import math
from typing import Any, ClassVar

import jax.numpy as jnp

from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_count, check_number
from dynlearn.fitting.checkpoint.checkpoint import Checkpoint
from dynlearn.fitting.methods.likelihood import whole_runs
from dynlearn.fitting.methods.likelihood._switching_step import improved, with_system
from dynlearn.fitting.methods.likelihood.maximum_likelihood import MaximumLikelihood
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Outcome, Report, Session
from dynlearn.inference import border
from dynlearn.models.switching.switching_linear import SwitchingLinear
from dynlearn.numerics import precision
from dynlearn.numerics.plain import make_plain
from dynlearn.trajectories.window import Window

TRIAL = 12


@dataclasses.dataclass(frozen=True)
class SwitchingEM:
    """All matrices and the switching of a `SwitchingLinear`, in closed form from what the smoother expects.

    E: smooth all runs with the present parameters, p(z_k = i, z_{k+1} = j | y) = w_kij. M:

        (A_j, B_j, c_j) = argmin sum_ki w_kij E |x_{k+1} - A_j x_k - B_j u_k - c_j|^2,    Q_j = its mean residual,
        (C, d)          = argmin sum_kj w_kj E |y_k - C x_k - d|^2,                       R likewise,
        (L, W)          = argmax sum_kij w_kij log softmax_j(L_ij + W_j E x_k), by Newton steps.

    Missing entries of y_k are further unknowns. The smoother is an approximation (`Collapsed`), so the
    likelihood may fall; the best parameters met are kept. Rare regimes are held by weak priors: one small
    residual per noise, and `sticky` transitions of each regime to itself. At last `MaximumLikelihood`
    goes on from there: where outputs show a part of the state only, EM takes very long to find coordinates
    in which the state goes on smoothly from one regime to the next. Runs in float64.

    Args:
        steps: iterations at most.
        tolerance: stop when the log-likelihood per measured value has not risen by more in `patience` iterations.
        patience: iterations to wait for that.
        sticky: transitions to itself that the prior has seen of each regime, beside 0.1 to each other one.
        restarts: of a first guess (`from_data`) this many others are found in the data too; all of them
            take the first `TRIAL` iterations, and the one of highest likelihood goes on. 1: none.
        polish: quasi-Newton iterations at the end, at most; 0: none.

    Raises:
        ArgumentError: settings out of range; from `dl.fit` for another kind of model.

    References: Murphy, "Switching Kalman filters", 1998; Kim, "Dynamic linear models with
    Markov-switching", J. Econometrics 1994; Fox, Sudderth, Jordan, Willsky, "Bayesian nonparametric
    inference of switching dynamic linear models", IEEE TSP 2011 (sticky regimes).

    >>> import dynlearn as dl, jax.numpy as jnp
    >>> calm = {"A": [[0.9]], "C": [[1.0]], "Q": [[0.01]], "R": [[0.1]]}
    >>> wild, stay = calm | {"Q": [[1.0]]}, [[0.95, 0.05], [0.2, 0.8]]
    >>> signature = dl.models.Signature(("y",), interval=1.0)
    >>> model = dl.models.SwitchingLinear.from_matrices(signature, [calm, wild], transition=stay)
    >>> ds = dl.from_arrays(jnp.sin(0.3 * jnp.arange(12.0) ** 2), dt=1.0, output_names=["y"])
    >>> method = SwitchingEM(steps=2, restarts=1, polish=0)
    >>> dl.fit(model, ds, method=method, progress=False).reason.name
    'STEPS_DONE'
    """

    steps: int = 50
    tolerance: float = 1e-5
    patience: int = 5
    sticky: float = 5.0
    restarts: int = 4
    polish: int = 100
    resumable: ClassVar[bool] = True

    def __post_init__(self):
        make_plain(self)
        check_count("SwitchingEM: steps", self.steps, 1)
        check_count("SwitchingEM: patience", self.patience, 1)
        check_count("SwitchingEM: restarts", self.restarts, 1)
        check_count("SwitchingEM: polish", self.polish, 0)
        for name in ("tolerance", "sticky"):
            check_number("SwitchingEM", name, getattr(self, name))

    @property
    def references(self) -> tuple[str, ...]:
        """Of the iterations, and of what its settings add: sticky regimes, first guesses, a quasi-Newton end."""
        sticky = ("fox2011bayesian",) if self.sticky else ()
        guesses = ("hamilton1989new", "arthur2007kmeans") if self.restarts > 1 else ()
        polish = ("liu1989limited",) if self.polish else ()
        return ("murphy1998switching", "kim1994dynamic", *sticky, *guesses, *polish)

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        """What `dl.fit` calls: `model` with the regimes EM finds in the runs of `session`, and its log.

        Raises:
            ArgumentError: what is no `SwitchingLinear`.
        """
        if not isinstance(model, SwitchingLinear):
            raise ArgumentError(
                f"SwitchingEM: expected a SwitchingLinear, got {type(model).__name__}; leave method out for its own."
            )
        whole_runs.check("SwitchingEM", model)
        with precision.float64(), session.progress("SwitchingEM", self.steps) as report:
            found, runs = border.on_device(model, session.train, model.inference)
            start: Any = found
            count = jnp.maximum(runs.observed.sum(), 1)
            climb_from = lambda at: _Climb(at, runs, float(count), self.sticky, session.checkpoint)  # noqa: E731
            climb = climb_from(start)
            if not start.system.fitted and self.restarts > 1:
                # A first guess is one of several; the likelihood of all the data decides among them.
                others = start.guesses(runs, session.key, self.restarts)
                tried = [climb, *(climb_from(with_system(start, g)) for g in others)]
                for one in tried:
                    one.climb(min(TRIAL, self.steps), self.tolerance, self.patience, lambda *_, **__: None)
                climb = min(tried, key=lambda one: one.lowest)
            reason = climb.climb(self.steps, self.tolerance, self.patience, report)
        statistics = {"steps": len(climb.rows), "log_likelihood": -climb.lowest * float(count)}
        outcome = Outcome(precision.to_default(climb.best), climb.rows, reason, statistics)
        if not self.polish or reason is Reason.DIVERGED:
            return outcome
        return _polished(outcome, MaximumLikelihood(self.polish).run(outcome.model, session))


def _polished(before: Outcome, after: Outcome) -> Outcome:
    """What both found, one after the other."""
    steps = len(before.rows)
    rows = before.rows + [row | {"step": row["step"] + steps} for row in after.rows]
    statistics = {**after.statistics, "steps": steps + after.statistics["steps"]}
    return Outcome(after.model, rows, after.reason, statistics)


class _Climb:
    """The iterations from one start, and the best met."""

    def __init__(
        self, start: SwitchingLinear, runs: Window, count: float, sticky: float, checkpoint: Checkpoint
    ):
        self.now = self.best = start
        self.runs, self.count, self.sticky, self.checkpoint = runs, count, sticky, checkpoint
        self.rows: list[dict[str, float]] = []
        self.lowest, self.since = math.inf, 0

    def climb(self, steps: int, tolerance: float, patience: int, report: Report) -> Reason:
        """On to `steps` iterations in all."""
        while len(self.rows) < steps:
            step = functools.partial(improved, self.now, self.runs, self.sticky)
            new, likelihood = self.checkpoint.recall((self.now, jnp.zeros(())), step)
            loss = -float(likelihood) / self.count
            self.rows.append({"step": len(self.rows) + 1.0, "loss": loss})
            report(len(self.rows), loss=loss)
            if not math.isfinite(loss):
                return Reason.DIVERGED
            self.since = 0 if loss < self.lowest - tolerance else self.since + 1
            if loss < self.lowest:
                self.best, self.lowest = self.now, loss
            if self.since >= patience:
                return Reason.CONVERGED
            self.now = new
        return Reason.STEPS_DONE
