"""Changes of dynlearn/evaluation."""

from .._change import Change

FORMS = "tests/evaluation/test_closed_forms.py"
SCORES = "tests/evaluation/test_scores.py"
EVALUATE = "tests/evaluation/test_evaluate.py"

CHANGES = [
    Change(
        "baselines are fitted on the test part",
        "dynlearn/evaluation/evaluate.py",
        "reference = test if train is None else train",
        "reference = test",
        (FORMS,),
    ),
    Change(
        "mase from the rmse",
        "dynlearn/evaluation/evaluate.py",
        "scores.mae(y, mean) / np.where(",
        "error / np.where(",
        (FORMS,),
    ),
    Change(
        "coverage of one side of the interval",
        "dynlearn/evaluation/scores.py",
        "(y >= low) & (y <= high)",
        "(y <= high)",
        (SCORES, FORMS),
    ),
    Change(
        "intervals of half the level",
        "dynlearn/evaluation/scores.py",
        "[(1 - level) / 2, (1 + level) / 2]",
        "[(1 - level) / 4, (3 + level) / 4]",
        (SCORES, FORMS),
    ),
    Change(
        "what was not measured counts in a mean",
        "dynlearn/evaluation/scores.py",
        "count = there.sum(0)",
        "count = np.full(there.shape[1:], len(there))",
        (SCORES,),
    ),
    Change(
        "the energy score is not scaled",
        "dynlearn/evaluation/scores.py",
        "y[..., changing] / scale[changing], draws[..., changing] / scale[changing]",
        "y[..., changing], draws[..., changing]",
        (SCORES,),
    ),
    Change(
        "the naive step counts neighbours across a gap in time",
        "dynlearn/evaluation/_yardsticks.py",
        "np.where(np.isfinite(np.diff(t, axis=1))[..., None], np.abs(np.diff(y, axis=1)), np.nan)",
        "np.diff(y, axis=1)",
        (FORMS,),
    ),
    Change(
        "the spread is about zero",
        "dynlearn/evaluation/_yardsticks.py",
        "(values - mean) ** 2",
        "values ** 2",
        (FORMS,),
    ),
    Change(
        "origins one sample apart",
        "dynlearn/evaluation/_origins.py",
        "stride = horizon if stride is None else stride",
        "stride = 1 if stride is None else stride",
        (FORMS,),
    ),
    Change(
        "a summary of rmse by the mean",
        "dynlearn/evaluation/summary.py",
        "np.sqrt((score**2).mean(over).values)",
        "score.mean(over).values",
        (f"{EVALUATE}::test_the_summary_condenses_roots_of_mean_squares",),
    ),
    Change(
        "the best coverage is the largest",
        "dynlearn/evaluation/summary.py",
        "(column - nominal).abs()",
        "-column",
        (f"{SCORES}::test_the_best_is_the_smallest_error_and_the_coverage_nearest_to_its_level",),
    ),
]
