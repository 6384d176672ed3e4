"""Control: plan over any model, and run the plan in closed loop.

A planner sees two callables, the transition and the cost. `MPC` makes a controller of a model, a
cost and a planner; `run` lets a controller act in a Gymnasium environment.
"""

from dynlearn.control.cem import CEM
from dynlearn.control.closed_loop import run
from dynlearn.control.constraint import Constraint
from dynlearn.control.cost import Cost, FunctionCost, Quadratic
from dynlearn.control.decision import Decision
from dynlearn.control.mpc import MPC
from dynlearn.control.planner import AbstractPlanner, Plan, Reason, StageCost

__all__ = [
    "CEM",
    "MPC",
    "AbstractPlanner",
    "Constraint",
    "Cost",
    "Decision",
    "FunctionCost",
    "Plan",
    "Quadratic",
    "Reason",
    "StageCost",
    "run",
]
