"""Changes of dynlearn/control."""

from .._change import Change

CHANGES = [
    Change(
        "a constraint is read one instant early",
        "dynlearn/control/problem/stage.py",
        "start + (k + 1) * dt",
        "start + k * dt",
        ("tests/control/test_composition.py::test_a_constraint_reads_what_each_control_leads_to",),
    ),
    Change(
        "a constraint reads the outputs acted on",
        "dynlearn/control/planners/paths.py",
        (
            "        total = total + cost.running(state, u, k)\n"
            "        state = transition(state, u, k, key)\n"
            "        if cost.limits is not None:\n"
            "            penalty, broken = cost.limits(state, u, k)\n"
            "            total, violation = total + penalty, violation + broken\n"
        ),
        (
            "        total = total + cost.running(state, u, k)\n"
            "        if cost.limits is not None:\n"
            "            penalty, broken = cost.limits(state, u, k)\n"
            "            total, violation = total + penalty, violation + broken\n"
            "        state = transition(state, u, k, key)\n"
        ),
        ("tests/control/test_composition.py::test_a_constraint_reads_what_each_control_leads_to",),
    ),
    Change(
        "the same planning key at every step",
        "dynlearn/control/controllers/mpc.py",
        "planner, next_key, memory.start",
        "planner, memory.key, memory.start",
        ("tests/control/test_composition.py::test_every_plan_has_a_key_of_its_own",),
    ),
    Change(
        "no floor under the spread of CEM",
        "dynlearn/control/planners/cem.py",
        "floor = self.minimum_std * half",
        "floor = 0 * half",
        ("tests/control/test_composition.py::test_the_spread_of_cem_never_falls_below_its_floor",),
    ),
    Change(
        "the running cost is that of the instant arrived at",
        "dynlearn/control/problem/stage.py",
        "cost.running(y, control, start + k * dt)",
        "cost.running(y, control, start + (k + 1) * dt)",
        ("tests/control/test_composition.py::test_the_cost_of_a_path_is_its_sum",),
    ),
    Change(
        "transitions of a plan all happen at its start",
        "dynlearn/control/problem/stage.py",
        "return cross(model, state, model.signature.hold.still(control), start + k * dt, dt, pieces=pieces)",
        "return cross(model, state, model.signature.hold.still(control), start, dt, pieces=pieces)",
        ("tests/control/test_composition.py::test_a_transition_is_taken_at_its_own_instant",),
    ),
    Change(
        "a soft penalty is summed over members",
        "dynlearn/control/problem/stage.py",
        "sum(p.mean() for p, _ in each)",
        "sum(p.sum() for p, _ in each)",
        ("tests/control/test_composition.py::test_a_soft_penalty_is_averaged_over_members",),
    ),
    Change(
        "a hard constraint is averaged over members",
        "dynlearn/control/problem/stage.py",
        "sum(v.sum() for _, v in each)",
        "sum(v.mean() for _, v in each)",
        (
            (
                "tests/control/test_composition.py::test_members_of_an_ensemble_are_averaged_in_the_cost_and_each_is_held_to_hard_limits"
            ),
        ),
    ),
    Change(
        "the target counts twice at the end",
        "dynlearn/control/problem/cost.py",
        "self.end_weighs(outputs - self.target)",
        "self.end_weighs(outputs - 2 * self.target)",
        ("tests/control/test_values.py",),
    ),
    Change(
        "controls are weighed without their target",
        "dynlearn/control/problem/cost.py",
        "outputs - self.target, control - self.control_target",
        "outputs - self.target, control",
        ("tests/control/test_values.py",),
    ),
    Change(
        "a plan is not shifted between steps",
        "dynlearn/control/planners/paths.py",
        "jnp.concatenate([controls[..., 1:, :], controls[..., -1:, :]], axis=-2)",
        "jnp.concatenate([controls[..., :-1, :], controls[..., -1:, :]], axis=-2)",
        ("dynlearn/control/planners/paths.py",),
    ),
    Change(
        "the interval before the present sample is missing from the past",
        "dynlearn/control/controllers/past.py",
        "jnp.where(past.valid[-1], interval, 0)",
        "jnp.where(past.valid[-1], 0, interval)",
        ("tests/control/test_values.py",),
    ),
    Change(
        "the first observation after a context comes at its last instant",
        "dynlearn/control/controllers/past.py",
        'float(np.nanmax(context["t"].values)) + interval',
        'float(np.nanmax(context["t"].values))',
        ("tests/control/test_mpc.py::test_context_and_record_remember_the_same",),
    ),
    Change(
        "an episode ends one step late",
        "dynlearn/control/loop.py",
        "len(episode.controls) + 1 == max_steps",
        "len(episode.controls) == max_steps",
        ("tests/control/test_closed_loop.py::test_runs_are_trajectories",),
    ),
    Change(
        "every episode has the same seed",
        "dynlearn/control/loop.py",
        "int(seed) + i, max_steps",
        "int(seed), max_steps",
        ("tests/control/test_closed_loop.py::test_runs_are_trajectories",),
    ),
    Change(
        "elites are the worst",
        "dynlearn/control/planners/cem.py",
        "jax.lax.top_k(-pooled.rank, self.elites)",
        "jax.lax.top_k(pooled.rank, self.elites)",
        ("tests/control/test_planners.py::test_finds_the_lqr_optimum",),
    ),
]
