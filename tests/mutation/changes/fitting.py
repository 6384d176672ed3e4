"""Changes of dynlearn/fitting."""

from .._change import Change

CHANGES = [
    Change(
        "moments of weights in other units are kept",
        "dynlearn/fitting/fit.py",
        "None if earlier is None or scaling != KEEP else earlier.carried",
        "None if earlier is None else earlier.carried",
        ("tests/fitting/test_going_on.py::test_scaling_is_refreshed_by_an_exact_change",),
    ),
    Change(
        "the error law is that of the training data though validation was given",
        "dynlearn/fitting/fit.py",
        'return calibrate(model, validation, horizon=horizon), "validation"',
        'return calibrate(model, train, horizon=horizon), "validation"',
        ("tests/fitting/test_steps_by_hand.py::test_the_error_law_is_that_of_the_validation_data",),
    ),
    Change(
        "R of EM is divided by transitions",
        "dynlearn/fitting/methods/likelihood/em_steps.py",
        "V, chol_R = regression(now.outputs, n + (m if model.feedthrough else 0), now.seen)",
        "V, chol_R = regression(now.outputs, n + (m if model.feedthrough else 0), now.moved)",
        (
            "tests/fitting/test_steps_by_hand.py::test_a_step_of_em_is_the_regression_of_what_the_joint_gaussian_expects",
        ),
    ),
    Change(
        "Q of EM is divided by samples",
        "dynlearn/fitting/methods/likelihood/em_steps.py",
        "W, chol_Q = regression(now.moves, n + m + 1, now.moved)",
        "W, chol_Q = regression(now.moves, n + m + 1, now.moved + 2)",
        (
            "tests/fitting/test_steps_by_hand.py::test_a_step_of_em_is_the_regression_of_what_the_joint_gaussian_expects",
        ),
    ),
    Change(
        "EM leaves the covariance of neighbours out",
        "dynlearn/fitting/methods/likelihood/_moments.py",
        "shared = jnp.concatenate([(G @ chol_next).T, blank, chol_next.T], axis=1)",
        "shared = jnp.concatenate([0 * (G @ chol_next).T, blank, chol_next.T], axis=1)",
        (
            "tests/fitting/test_steps_by_hand.py::test_a_step_of_em_is_the_regression_of_what_the_joint_gaussian_expects",
        ),
    ),
    Change(
        "samples at which nothing was measured are outputs of EM",
        "dynlearn/fitting/methods/likelihood/_moments.py",
        "return jnp.where(run.observed.any(-1)[:, None, None], rows, 0)",
        "return jnp.where(run.valid[:, None, None], rows, 0)",
        (
            "tests/fitting/test_steps_by_hand.py::test_a_step_of_em_is_the_regression_of_what_the_joint_gaussian_expects",
        ),
    ),
    Change(
        "transitions of switching EM are counted from column to row",
        "dynlearn/fitting/methods/likelihood/_switching_odds.py",
        "counts = weight.sum((0, 1)) + prior",
        "counts = weight.sum((0, 1)).T + prior",
        ("tests/fitting/test_steps_by_hand.py::test_transitions_are_counted_from_their_row_to_their_column",),
    ),
    Change(
        "pairs of regimes are handed on transposed",
        "dynlearn/fitting/methods/likelihood/_switching_moments.py",
        "jnp.where(moved[:, None, None], jnp.exp(back.log_pair), 0)",
        "jnp.where(moved[:, None, None], jnp.exp(back.log_pair), 0).mT",
        (
            "tests/fitting/test_steps_by_hand.py::test_a_step_of_switching_em_counts_the_regimes_that_the_outputs_show",
        ),
    ),
    Change(
        "the first sample of a run counts in teacher forcing",
        "dynlearn/fitting/objectives/forcing/teacher_forcing.py",
        "known = batch.observed[:, 1:] & batch.valid[:, :-1, None]",
        "known = batch.observed[:, 1:]",
        (
            "tests/fitting/test_steps_by_hand.py::test_teacher_forcing_counts_what_is_measured_and_has_something_before_it",
        ),
    ),
    Change(
        "teacher forcing and free run are swapped",
        "dynlearn/fitting/objectives/forcing/teacher_forcing.py",
        "(1 - weight) * forced + weight * free",
        "weight * forced + (1 - weight) * free",
        ("tests/fitting/test_objectives_by_hand.py",),
    ),
    Change(
        "a squared error of what was not measured",
        "dynlearn/fitting/objectives/errors.py",
        "jnp.sum(jnp.where(measured, error, 0) ** 2)",
        "jnp.sum(error**2)",
        ("tests/fitting/test_objectives_by_hand.py",),
    ),
    Change(
        "a squared error in physical units",
        "dynlearn/fitting/objectives/errors.py",
        "error = (batch.output[:, model.memory :] - forecast) / model.scaling.output_scale",
        "error = batch.output[:, model.memory :] - forecast",
        ("tests/fitting/test_objectives_by_hand.py",),
    ),
    Change(
        "the likelihood is divided by the windows",
        "dynlearn/fitting/objectives/likelihood.py",
        "loss = -jnp.sum(jnp.where(measured, log_p, 0)) / jnp.maximum(measured.sum(), 1)",
        "loss = -jnp.sum(jnp.where(measured, log_p, 0)) / measured.shape[0]",
        ("tests/fitting/test_objectives_by_hand.py",),
    ),
    Change(
        "the energy score counts a path against itself",
        "dynlearn/fitting/objectives/energy.py",
        "(PATHS * (PATHS - 1))",
        "PATHS**2",
        ("tests/models/test_neural_sde.py::test_the_energy_score_is_that_of_a_textbook",),
    ),
    Change(
        "a window of the past that ends one sample late",
        "dynlearn/fitting/examples.py",
        "ahead = window.control[k - 1 :], window.time[k - 1 :], window.interval[k - 1 : -1]",
        "ahead = window.control[k - 1 :], window.time[k - 1 :], window.interval[k:]",
        ("tests/fitting/test_objectives_by_hand.py",),
    ),
    Change(
        "lead times without the first interval",
        "dynlearn/fitting/examples.py",
        "jnp.cumsum(window.interval[model.memory - 1 : -1])",
        "jnp.cumsum(window.interval[model.memory :])",
        (
            "tests/fitting/test_steps_by_hand.py::test_the_error_law_is_that_of_the_validation_data",
            "tests/fitting/test_objectives_by_hand.py",
        ),
    ),
    Change(
        "anchors from which nothing is measured ahead",
        "dynlearn/fitting/examples.py",
        "return total[:, end] - total > 0",
        "return total[:, end] - total >= 0",
        ("tests/fitting/test_objectives_by_hand.py",),
    ),
    Change(
        "the worst ridge wins",
        "dynlearn/fitting/methods/least_squares.py",
        "min(found, key=lambda item: item[0])",
        "max(found, key=lambda item: item[0])",
        ("tests/fitting/test_closed_form.py",),
    ),
    Change(
        "maximum likelihood maximises the loss",
        "dynlearn/fitting/methods/likelihood/maximum_likelihood.py",
        "return -sum(jnp.sum(found) for found in each) / count",
        "return sum(jnp.sum(found) for found in each) / count",
        (
            "tests/fitting/test_exact_likelihood.py::test_maximum_likelihood_of_a_stable_system_in_continuous_time",
        ),
    ),
    Change(
        "one complete sample is enough to start from",
        "dynlearn/fitting/examples.py",
        "known = in_a_row(complete)[run, now] >= model.required",
        "known = in_a_row(complete)[run, now] >= 1",
        ("tests/fitting/test_examples.py::test_an_instant_after_a_gap_counts_where_the_model_can_bridge_it",),
    ),
    Change(
        "time goes on behind the horizon",
        "dynlearn/fitting/examples.py",
        "real = (np.arange(rows.size) < index.size)[:, None] & (sample < self.past + self.horizon)",
        "real = (np.arange(rows.size) < index.size)[:, None] & (sample >= 0)",
        ("tests/fitting/test_examples.py::test_windows_filled_up_on_the_host_are_those_cut_on_the_device",),
    ),
    Change(
        "runs of padding have a start",
        "dynlearn/fitting/methods/likelihood/_moments.py",
        "jnp.where(valid.any(), jnp.concatenate([centre, spread]), 0)[None]",
        "jnp.concatenate([centre, spread])[None]",
        ("tests/fitting/test_initial_rows.py::test_rows_are_the_expected_square_of_one_and_the_first_state",),
    ),
    Change(
        "data are forced in one sample late",
        "dynlearn/fitting/objectives/forcing/sparse.py",
        "since_begun(window) % every == 0",
        "since_begun(window) % every == 1",
        ("tests/fitting/test_teacher_forcing.py::test_sparse_by_hand",),
    ),
    Change(
        "the first sample of a window counts as forecast",
        "dynlearn/fitting/objectives/forcing/error.py",
        "batch.observed[:, 1:] & batch.valid[:, :-1, None]",
        "batch.observed[:, 1:]",
        ("tests/fitting/test_teacher_forcing.py::test_padding_before_a_run_does_not_count",),
    ),
    Change(
        "the adaptive strength lets errors grow",
        "dynlearn/fitting/objectives/forcing/generalized.py",
        "jnp.clip(1 - 1 / g, 0, 1)",
        "jnp.clip(1 / g, 0, 1)",
        ("tests/fitting/test_teacher_forcing.py::test_adaptive_alpha_holds_the_growth_at_one",),
    ),
    Change(
        "long runs are judged by where they are alone",
        "dynlearn/fitting/criteria.py",
        "x[:, :-lag] @ w[: x.shape[-1]] + ((x[:, lag:] - x[:, :-lag]) / size) @ w[x.shape[-1] :]",
        "x[:, :-lag] @ w[: x.shape[-1]]",
        (
            "tests/fitting/test_teacher_forcing.py::test_the_same_places_visited_backwards_are_another_distribution",
        ),
    ),
    Change(
        "the worst member of a population is kept",
        "dynlearn/fitting/methods/teacher_forcing.py",
        'members.best(outcome.statistics["score"], outcome.statistics["diverged"])',
        'int(np.argmax(outcome.statistics["score"]))',
        ("tests/fitting/test_teacher_forcing.py::test_the_best_of_the_population_is_returned",),
    ),
    Change(
        "a member that diverged is kept for its score",
        "dynlearn/fitting/methods/members.py",
        "stayed = [i for i in candidates if i not in diverged] or candidates",
        "stayed = candidates",
        (
            "tests/fitting/test_teacher_forcing.py::test_a_member_that_diverged_is_not_the_one_that_is_returned",
        ),
    ),
    Change(
        "a member that diverged goes on from its last good weights",
        "dynlearn/fitting/methods/gradient.py",
        "goes_on = ~training.diverged & there",
        "goes_on = there",
        ("tests/fitting/test_gradient.py::test_a_member_that_diverged_once_does_not_go_on",),
    ),
    Change(
        "small steps to data of any size",
        "dynlearn/fitting/going_on.py",
        "np.abs(offset) + factor > FAR",
        "np.abs(offset) > FAR",
        ("tests/fitting/test_going_on.py::test_weights_are_not_taken_to_data_far_from_those_they_know",),
    ),
    Change(
        "what stands still now is taken for what always did",
        "dynlearn/fitting/methods/steady.py",
        "known &= np.abs(constant) < ROUNDING",
        "known &= np.isfinite(constant)",
        (
            "tests/models/test_constants.py::"
            "test_a_fit_that_goes_on_keeps_what_it_knows_of_an_output_that_stands_still_now",
        ),
    ),
    Change(
        "gaps between segments do not count",
        "dynlearn/fitting/objectives/multiple_shooting.py",
        "return data + weight * gap,",
        "return data,",
        ("tests/fitting/test_teacher_forcing.py::test_multiple_shooting_by_hand",),
    ),
]
