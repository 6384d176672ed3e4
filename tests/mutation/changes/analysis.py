"""Changes of dynlearn/analysis."""

from .._change import Change

CHANGES = [
    Change(
        "a cycle may lie in other regions than it was solved for",
        "dynlearn/analysis/_linear_cycles.py",
        "return inside.all((1, 2)) & returns.all((1, 2))",
        "return inside.any((1, 2)) & np.isfinite(returns).all((1, 2))",
        ("tests/analysis/test_piecewise_cycles.py::test_fixed_points_solve_a_linear_system_in_every_region",),
    ),
    Change(
        "elimination around a cycle forgets its start",
        "dynlearn/analysis/_linear_cycles.py",
        "rights - _times(of_first, points[:, 0]) - _times(of_next, ahead)",
        "rights - _times(of_next, ahead)",
        ("tests/analysis/test_piecewise_cycles.py::test_all_points_at_once_agree_with_one_after_another",),
    ),
    Change(
        "static features are left out of a piecewise-linear map",
        "dynlearn/analysis/_pieces.py",
        "jnp.ravel(model.signature.hold.still(u)), kept.state.static]",
        "jnp.ravel(model.signature.hold.still(u)), 0 * kept.state.static]",
        ("tests/analysis/test_piecewise_cycles.py::test_static_features_and_controls_move_the_fixed_point",),
    ),
    Change(
        "a cycle of a shorter period counts for a longer one",
        "dynlearn/analysis/_cycle.py",
        "for divisor in (m for m in range(1, period) if period % m == 0):",
        "for divisor in (m for m in range(2, period) if period % m == 0):",
        (
            "tests/analysis/test_piecewise_cycles.py::test_a_tent_map_has_as_many_cycles_as_its_code_has_words",
        ),
    ),
    Change(
        "eigenvalues of an equilibrium to first order in the interval",
        "dynlearn/analysis/_smooth_cycles.py",
        "expm(slope) if is_flow else eye + slope",
        "eye + slope",
        ("tests/analysis/test_smooth_cycles.py::test_the_equilibria_of_lorenz",),
    ),
    Change(
        "exponents per step, not per time",
        "dynlearn/analysis/lyapunov.py",
        "parts = parts / float(map.interval)",
        "parts = parts / 1.0",
        (
            "tests/analysis/test_lyapunov.py::test_those_of_a_linear_map_are_the_logarithms_of_its_eigenvalues",
        ),
    ),
    Change(
        "directions begin along the model's axes",
        "dynlearn/analysis/lyapunov.py",
        "first = np.linalg.qr(np.random.default_rng(0).normal(size=(size, count)))[0]",
        "first = np.eye(size, count)",
        (
            "tests/analysis/test_lyapunov.py::test_the_largest_exponents_are_found_whatever_the_axes_of_the_model",
        ),
    ),
    Change(
        "transitions from one run's end to the next one's start",
        "dynlearn/analysis/regions.py",
        "(code[:, :-1].ravel(), code[:, 1:].ravel())",
        "(code.ravel()[:-1], code.ravel()[1:])",
        ("tests/analysis/test_regions.py::test_transitions_are_counted_within_runs_only",),
    ),
    Change(
        "no correction for finite counts",
        "dynlearn/analysis/entropy.py",
        " + (count.size - 1) / (2 * count.sum())",
        "",
        ("tests/analysis/test_regions.py::test_words_by_hand",),
    ),
    Change(
        "an orbit that has left is on the last attractor",
        "dynlearn/analysis/_attractors.py",
        "LEAVES: LEAVES, **{",
        "LEAVES: 0, **{",
        ("tests/analysis/test_basins.py::test_what_runs_away_belongs_to_none",),
    ),
    Change(
        "an orbit that is still on its way is an attractor",
        "dynlearn/analysis/_attractors.py",
        "elif _has_settled(there, near):",
        "else:",
        ("tests/analysis/test_basins.py::test_what_is_still_on_its_way_is_no_attractor",),
    ),
    Change(
        "a bifurcation over the first control, whichever was named",
        "dynlearn/analysis/bifurcation.py",
        "control.at[:, signature.control_names.index(over)]",
        "control.at[:, 0]",
        ("tests/analysis/test_bifurcation.py::test_over_one_of_two_controls",),
    ),
    Change(
        "several steps that cross an interval become one",
        "dynlearn/analysis/orbit.py",
        "self.interval, pieces=self.pieces)",
        "self.interval, pieces=1)",
        ("tests/analysis/test_smooth_cycles.py::test_a_longest_step_is_crossed_in_pieces",),
    ),
]
