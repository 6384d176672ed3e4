"""Control: plan over any model, and run the plan in closed loop.

A planner sees two callables, the transition and the cost. `MPC` makes a controller of a model, a
cost and a planner; `run` lets a controller act in a Gymnasium environment.
"""

from dynlearn.control.controllers.decision import Decision
from dynlearn.control.controllers.mpc import MPC
from dynlearn.control.loop import run
from dynlearn.control.planners.cem import CEM
from dynlearn.control.planners.contract import AbstractPlanner, Plan, Reason, StageCost
from dynlearn.control.problem.constraint import Constraint
from dynlearn.control.problem.cost import Cost, FunctionCost, Quadratic

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
