"""Changes of dynlearn/solvers."""

from .._change import Change

CHANGES = [
    Change(
        "additive noise is scaled by 1 / T",
        "dynlearn/solvers/sde/fixed.py",
        "path = drawn(problem.key, jnp.diff(times), problem.noise_size, levy=levy)",
        "path = drawn(problem.key, jnp.diff(times) / (times[-1] - times[0]), problem.noise_size, levy=levy)",
        ("tests/solvers/test_sde_laws.py::test_additive_noise_grows_with_time_and_not_with_anything_else",),
    ),
    Change(
        "an SDE's increments have the length of the interval for their root",
        "dynlearn/solvers/sde/_bridge.py",
        "return _root(lengths) * jnp.concatenate(kinds, 2)",
        "return lengths[:, None, None, None] * jnp.concatenate(kinds, 2)",
        ("tests/solvers/test_sde_laws.py::test_additive_noise_grows_with_time_and_not_with_anything_else",),
    ),
    Change(
        "Milstein's correction in the other calculus",
        "dynlearn/solvers/sde/_schemes.py",
        'W**2 - h if sde.calculus == "ito" else W**2',
        'W**2 if sde.calculus == "ito" else W**2 - h',
        (
            "tests/solvers/test_sde_laws.py::test_geometric_brownian_motion_in_both_calculi",
            "tests/solvers/test_sde_orders.py::test_strong_order_on_geometric_brownian_motion",
        ),
    ),
    Change(
        "a fixed step evaluates every stage at its start",
        "dynlearn/solvers/ode/fixed.py",
        "f(t + c * h, advance",
        "f(t + 0 * c * h, advance",
        ("tests/solvers/test_orders.py",),
    ),
    Change(
        "substeps all begin with the interval",
        "dynlearn/solvers/march.py",
        "x, start + i * h, h), None",
        "x, start + 0 * i * h, h), None",
        ("tests/solvers/test_orders.py", "tests/solvers/test_knots.py"),
    ),
    Change(
        "a held value begins one knot late",
        "dynlearn/solvers/signals.py",
        'jnp.searchsorted(self.times, t, side="right") - 1',
        'jnp.searchsorted(self.times, t, side="left") - 1',
        ("tests/solvers/test_signals.py",),
    ),
    Change(
        "the slope of a signal per piece, not per time",
        "dynlearn/solvers/signals.py",
        "return _over(slope, self.length)",
        "return slope",
        ("tests/solvers/test_signals.py",),
    ),
    Change(
        "Verlet without its second half kick",
        "dynlearn/solvers/ode/symplectic.py",
        '"verlet": ((0.5, 0.5), (1.0,)),',
        '"verlet": ((0.5, 0.0), (1.0,)),',
        ("tests/solvers/test_symplectic.py", "tests/solvers/test_orders.py"),
    ),
    Change(
        "the local error per step, not per time",
        "dynlearn/solvers/ode/local_error.py",
        "embedded_error(scheme, jnp.ones_like(dt), slopes)",
        "embedded_error(scheme, dt, slopes)",
        ("tests/solvers/test_local_error.py",),
    ),
]
