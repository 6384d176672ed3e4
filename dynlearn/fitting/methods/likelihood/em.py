"""EM: expectation maximisation for linear Gaussian models, every M-step in closed form."""

import dataclasses
from typing import Any, ClassVar

from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, FitError, check_count, check_number
from dynlearn.fitting.methods.likelihood import whole_runs
from dynlearn.fitting.methods.likelihood.em_steps import ascended, iterate
from dynlearn.fitting.result import Reason
from dynlearn.fitting.session import Outcome, Session
from dynlearn.models.linear.linear_state_space import LinearStateSpace
from dynlearn.numerics import precision
from dynlearn.numerics.plain import make_plain


@dataclasses.dataclass(frozen=True)
class EM:
    """Maximum likelihood of A, B, c, C, D, Q, R of a discrete-time `LinearStateSpace`.

    E: smooth all runs with the present matrices. M: the regressions

        (A, B, c) = argmin sum_k E |x_{k+1} - A x_k - B u_k - c|^2,  Q = the mean of its residual E r r^T,
        (C, D)    = argmin sum_k E |y_k - C x_k - D u_k|^2,          R likewise,

    expectations given all measurements of a run. The likelihood never falls. Missing outputs are
    states of their own, so partly missing samples are exact, correlated noise included. Moments are
    kept as square roots (rows whose Gram matrix they are) and solved by QR: Q and R cannot become
    indefinite. Runs in float64.

    Args:
        steps: iterations at most.
        tolerance: stop when the log-likelihood per measured value rises by less in one iteration.
        initial: also fit m0 and P0, the distribution of x at the first sample of a run. Only where
            there are many runs that start alike: from one run P0 shrinks to nothing, and forecasts,
            which start in the middle of a run, would start from that one state.

    Raises:
        ArgumentError: settings out of range; from `dl.fit` for another kind of model.
        FitError: from `dl.fit` where no run has two samples.

    References: Shumway, Stoffer, "An approach to time series smoothing and forecasting using the EM
    algorithm", J. Time Ser. Anal. 1982; Gibson, Ninness, "Robust maximum-likelihood estimation of
    multivariable dynamic systems", Automatica 2005 (square-root form).

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=20, measurement_noise=0.1, key=0)
    >>> model = dl.models.LinearStateSpace.from_data(ds, states=2)
    >>> result = dl.fit(model, ds, method=EM(steps=2), progress=False)
    >>> result.statistics["steps"]
    2
    """

    references: ClassVar[tuple[str, ...]] = (
        "shumway1982approach",
        "gibson2005robust",
        "duffield2026cuthbert",
    )
    steps: int = 500
    tolerance: float = 1e-6
    initial: bool = False
    resumable: ClassVar[bool] = True

    def __post_init__(self):
        make_plain(self)
        check_count("EM: steps", self.steps, 1)
        check_number("EM", "tolerance", self.tolerance)
        if not isinstance(self.initial, bool):
            raise ArgumentError(f"EM: expected initial to be True or False, got {self.initial!r}.")

    def run(self, model: AbstractModel, session: Session) -> Outcome:
        """What `dl.fit` calls: `model` with the matrices EM finds in the runs of `session`, and its log."""
        return whole_runs.on_independent(self._run, model, session)

    def _run(self, model: AbstractModel, session: Session) -> Outcome:
        whole_runs.check("EM", model)
        if not isinstance(model, LinearStateSpace) or model.method != "em":
            raise ArgumentError(
                "EM: its closed form needs a discrete-time LinearStateSpace with free matrices; use "
                "method='maximum_likelihood' for continuous time, stable=True and structural models."
            )
        with precision.float64(), session.progress("EM", self.steps) as report:
            checked, runs = whole_runs.runs_of(model, session)
            now: Any = checked
            count = float(runs.measured)
            if not runs.moves:
                raise FitError("EM: no run has two samples, so no transition was seen; give longer runs.")
            step = lambda m: iterate(m, runs.groups, self.initial)  # noqa: E731
            now, rows, converged = ascended("EM", step, now, count, self, report, session.checkpoint)
        reason = Reason.CONVERGED if converged else Reason.STEPS_DONE
        statistics = {"steps": len(rows), "log_likelihood": -rows[-1]["loss"] * count}
        return Outcome(precision.to_default(now), rows, reason, statistics)
