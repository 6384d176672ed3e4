"""Decision: what a controller did at one instant, and why."""

import dataclasses
import time

import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from dynlearn.contract.signature import Signature
from dynlearn.control.planners.contract import Plan, name_of, sentence


@dataclasses.dataclass(frozen=True)
class Decision:
    """The plan behind an action, in physical units.

    Args:
        controls: `(horizon, control)`; the first row is the action.
        outputs: `(instants, output)`, one more instant than controls.
        times: of the outputs, in the model's time unit.
        cost: expected of the plan.
        reason: a sentence.
        name: of the reason.
        stats: numbers of the planner's own.
        seconds: that planning took, on the host's clock.
        signature: names and units.

    >>> from dynlearn.control import CEM, MPC
    >>> from dynlearn.rl import PendulumCost, PendulumTruth
    >>> planner = CEM(samples=16, iterations=1, elites=4)
    >>> mpc = MPC(PendulumTruth(), PendulumCost(), horizon=5, planner=planner, bounds=(-2.0, 2.0))
    >>> decision = mpc.act(mpc.init(key=0), [1.0, 0.0, 0.0])[2]
    >>> decision.planned, decision.controls.shape, decision.trajectory().sizes["time"]
    (True, (5, 1), 6)
    """

    controls: Float[np.ndarray, "horizon control"]
    outputs: Float[np.ndarray, "instants output"]
    """Predicted at instants 0..horizon (the mean over the members of an ensemble)."""
    times: Float[np.ndarray, " instants"]
    cost: float
    """Expected cost of the plan; inf where none was found."""
    reason: str
    """How the plan came about, as a sentence."""
    name: str
    """The name of the reason: "planned", "infeasible", "diverged" or "bad_state"."""
    stats: dict[str, float]
    seconds: float
    signature: Signature = dataclasses.field(repr=False)

    @classmethod
    def of(
        cls,
        plan: Plan,
        controls: Float[np.ndarray, "horizon control"],
        outputs: Float[Array, "instants output"],
        times: Float[Array, " instants"],
        signature: Signature,
        started: float,
    ) -> "Decision":
        """Collect a finished plan on the host.

        Args:
            plan: of the planner.
            controls: of the plan in float64, `(horizon, control)`.
            outputs: that the model predicts along it, `(instants, output)`.
            times: of the outputs.
            signature: names and units.
            started: when planning began, by `time.perf_counter`.
        """
        return cls(
            controls=controls,
            outputs=np.asarray(outputs, np.float64),
            times=np.asarray(times, np.float64),
            cost=float(plan.cost),
            reason=sentence(plan.reason),
            name=name_of(plan.reason),
            stats={name: float(value) for name, value in plan.stats.items()},
            seconds=time.perf_counter() - started,
            signature=signature,
        )

    @property
    def planned(self) -> bool:
        """Whether the planner found what it was asked for."""
        return self.name == "planned"

    def trajectory(self) -> xr.Dataset:
        """The plan under the trajectory schema; its last control is NaN, since none follows.

        Returns:
            A dataset with one run of horizon + 1 samples, in physical units.
        """
        from dynlearn.trajectories.build.arrays import from_arrays

        names = (*self.signature.output_names, *self.signature.control_names, "t")
        units = (*self.signature.output_units, *self.signature.control_units, self.signature.time_unit)
        known = dict(zip(names, units, strict=True)) if len(names) == len(units) else {}
        return from_arrays(
            np.where(np.isfinite(self.outputs), self.outputs, np.nan),
            np.concatenate([self.controls, np.full_like(self.controls[:1], np.nan)]),
            times=self.times,
            output_names=self.signature.output_names,
            control_names=self.signature.control_names,
            units={name: unit for name, unit in known.items() if unit},
        )
