"""Changes of dynlearn/identification."""

from .._change import Change

CHANGES = [
    Change(
        "the ridge is not per sample",
        "dynlearn/identification/ridge.py",
        "s**2 + self.samples * ridge",
        "s**2 + ridge",
        ("tests/models/test_regression.py::test_a_ridge_is_a_penalty_per_sample_that_spares_the_offset",),
    ),
    Change(
        "the ridge shrinks the offset",
        "dynlearn/identification/ridge.py",
        "self.y_mean - self.x_mean @ weights",
        "-self.x_mean @ weights",
        ("tests/models/test_regression.py::test_a_ridge_is_a_penalty_per_sample_that_spares_the_offset",),
    ),
    Change(
        "half the penalty of BIC",
        "dynlearn/identification/_order.py",
        "deviance + d * np.log(N) + n * count * np.log(N / count)",
        "deviance + (d * np.log(N) + n * count * np.log(N / count)) / 2",
        ("tests/fitting/test_steps_by_hand.py::test_the_penalties_of_an_order_are_those_of_its_parameters",),
    ),
    Change(
        "AIC without the initial states",
        "dynlearn/identification/_order.py",
        "deviance + 2 * (d + n * count)",
        "deviance + 2 * d",
        ("tests/fitting/test_steps_by_hand.py::test_the_penalties_of_an_order_are_those_of_its_parameters",),
    ),
    Change(
        "a random walk passes for noise",
        "dynlearn/identification/smoothing.py",
        "white = left <= TOO_MUCH * square * (1 - own)",
        "white = True",
        ("tests/identification/test_smoothing.py::test_what_the_sampling_does_not_resolve_is_no_noise",),
    ),
]
