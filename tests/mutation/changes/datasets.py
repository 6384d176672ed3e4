"""Changes of dynlearn/datasets."""

from .._change import Change

CHANGES = [
    Change(
        "process noise per step, whatever its length",
        "dynlearn/datasets/systems/_simulate.py",
        "sigma * jnp.sqrt(h) * jax.random",
        "sigma * h * jax.random",
        ("tests/datasets/test_systems.py::TestOptions::test_process_noise_gives_the_stationary_variance",),
    ),
    Change(
        "measurement noise also moves the outputs that are missing",
        "dynlearn/datasets/systems/_simulate.py",
        "np.where(rng.random(outputs.shape) < missing, np.nan, outputs)",
        "np.where(rng.random(outputs.shape[:2])[..., None] < missing, np.nan, outputs)",
        ("tests/datasets/test_systems.py::TestOptions::test_missing_entries",),
    ),
    Change(
        "controls act one sample late",
        "dynlearn/datasets/systems/_simulate.py",
        "(u[:-1], t[:-1], intervals, noise)",
        "(u[1:], t[:-1], intervals, noise)",
        ("tests/datasets/test_systems.py::TestTruth::test_linear_spectrum_and_exact_transition",),
    ),
    Change(
        "measurement noise of twice the deviation",
        "dynlearn/datasets/systems/_simulate.py",
        "outputs + spread * rng",
        "outputs + 2 * spread * rng",
        (
            "tests/datasets/test_systems.py::TestOptions::test_measurement_noise_has_the_stated_spread_and_leaves_the_state_alone",
        ),
    ),
    Change(
        "the damping of van der Pol with the wrong sign",
        "dynlearn/datasets/systems/van_der_pol.py",
        "self.mu * (1 - x**2) * v - x",
        "self.mu * (x**2 - 1) * v - x",
        ("tests/datasets/test_systems.py::TestTruth::test_van_der_pol_amplitude_and_period",),
    ),
    Change(
        "eigenvalues of a transition in continuous time",
        "dynlearn/datasets/systems/linear.py",
        "np.exp(values * interval)",
        "1 + values * interval",
        ("tests/datasets/test_systems.py::TestTruth::test_linear_spectrum_and_exact_transition",),
    ),
    Change(
        "inputs of a folder end one sample early",
        "dynlearn/datasets/benchmarks/_common.py",
        "((0, 1), (0, 0))",
        "((1, 0), (0, 0))",
        ("tests/datasets/test_benchmarks.py",),
    ),
]
