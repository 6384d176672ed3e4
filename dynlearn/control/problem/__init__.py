"""The planning problem: costs, constraints, and the two callables a planner is given."""
