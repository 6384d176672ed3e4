"""Changes of dynlearn/evaluation."""

from .._change import Change

CHANGES = [
    Change(
        "baselines are fitted on the test part",
        "dynlearn/evaluation/evaluate.py",
        "reference = test if train is None else train",
        "reference = test",
        ("tests/evaluation/test_closed_forms.py",),
    ),
    Change(
        "mase from the rmse",
        "dynlearn/evaluation/scores.py",
        "mae(f.y, f.mean) / np.where(",
        "rmse(f.y, f.mean) / np.where(",
        ("tests/evaluation/test_closed_forms.py",),
    ),
    Change(
        "coverage of one side of the interval",
        "dynlearn/evaluation/scores.py",
        "(y >= low) & (y <= high)",
        "(y <= high)",
        ("tests/evaluation/test_scores.py", "tests/evaluation/test_closed_forms.py"),
    ),
    Change(
        "intervals of half the level",
        "dynlearn/evaluation/scores.py",
        "[(1 - level) / 2, (1 + level) / 2]",
        "[(1 - level) / 4, (3 + level) / 4]",
        ("tests/evaluation/test_scores.py", "tests/evaluation/test_closed_forms.py"),
    ),
    Change(
        "what was not measured counts in a mean",
        "dynlearn/evaluation/scores.py",
        "count = there.sum(0)",
        "count = np.full(there.shape[1:], len(there))",
        ("tests/evaluation/test_scores.py",),
    ),
    Change(
        "the energy score is not scaled",
        "dynlearn/evaluation/scores.py",
        "y[..., changing] / scale[changing], draws[..., changing] / scale[changing]",
        "y[..., changing], draws[..., changing]",
        ("tests/evaluation/test_scores.py",),
    ),
    Change(
        "the naive step counts neighbours across a gap in time",
        "dynlearn/evaluation/_yardsticks.py",
        "np.where(np.isfinite(np.diff(t, axis=1))[..., None], np.abs(np.diff(y, axis=1)), np.nan)",
        "np.diff(y, axis=1)",
        ("tests/evaluation/test_closed_forms.py",),
    ),
    Change(
        "the spread is about zero",
        "dynlearn/evaluation/_yardsticks.py",
        "(values - mean) ** 2",
        "values ** 2",
        ("tests/evaluation/test_closed_forms.py",),
    ),
    Change(
        "origins one sample apart",
        "dynlearn/evaluation/origins.py",
        "stride = horizon if stride is None else stride",
        "stride = 1 if stride is None else stride",
        ("tests/evaluation/test_closed_forms.py",),
    ),
    Change(
        "a summary of rmse by the mean",
        "dynlearn/evaluation/summary.py",
        "np.sqrt((score**2).mean(over).values)",
        "score.mean(over).values",
        ("tests/evaluation/test_evaluate.py::test_the_summary_condenses_roots_of_mean_squares",),
    ),
    Change(
        "the best coverage is the largest",
        "dynlearn/evaluation/summary.py",
        "(column - nominal).abs()",
        "-column",
        (
            "tests/evaluation/test_scores.py::test_the_best_is_the_smallest_error_and_the_coverage_nearest_to_its_level",
        ),
    ),
    Change(
        "baselines of other data are taken for these",
        "dynlearn/evaluation/baselines.py",
        "None if validation is None else _digest(validation)",
        "None",
        ("tests/evaluation/test_baselines.py::test_another_context_or_validation_is_fitted_anew",),
    ),
]
