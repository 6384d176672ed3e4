"""The fewest rectified units: the rule, the members that are trained, and what is refused."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn import plot
from dynlearn.fitting import TeacherForcing, select_nonlinear

QUICK = TeacherForcing(
    steps=300, validate_every=100, batch=8, horizon=24, free_run=100, free_runs=4, learning_rate=1e-2
)


@pytest.fixture(scope="module")
def folded():
    """Two wings, which no linear model has."""
    ds = dl.datasets.load("lorenz63", runs=1, length=500, key=0)
    options = {"latent": 6, "memory": 6, "unforced": 6}
    return select_nonlinear(ds, candidates=(2, 0, 1), seeds=3, method=QUICK, progress=False, **options)


def test_the_rule_is_the_smallest_number_as_good_as_the_best(folded):
    table = folded.table
    assert table["nonlinear"].values.tolist() == [0, 1, 2]
    score = table["score"].transpose("nonlinear", "seed").values
    np.testing.assert_allclose(table["median"], np.median(score, axis=1))
    best = int(np.argmin(np.median(score, axis=1)))
    limit = np.quantile(score[best], 0.75)
    expected = min(n for n in range(3) if np.median(score[n]) <= limit)
    assert folded.nonlinear == expected == table.attrs["chosen"]


def test_two_wings_need_a_rectified_unit(folded):
    assert folded.nonlinear >= 1
    assert float(folded.table["median"][0]) > 1.2 * float(folded.table["median"].min())


def test_the_model_is_the_best_of_that_number_and_forecasts(folded):
    assert folded.model.nonlinear == folded.nonlinear
    assert folded.model.noise.fitted


def test_it_is_drawn_as_it_was_made(folded):
    figure = plot.nonlinear_units(folded)
    (ring,) = [line for line in figure.axes[0].lines if line.get_gid() == "chosen"]
    assert ring.get_xdata()[0] == folded.nonlinear
    assert figure.axes[0].get_xlabel() == "rectified units"
    with pytest.raises(
        dl.errors.ArgumentError, match=r"expected what dl\.fitting\.select_nonlinear returns, got int"
    ):
        plot.nonlinear_units(3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": (1, 1)}, "candidates: expected distinct numbers of units"),
        ({"candidates": 3}, "candidates: expected distinct numbers of units"),
        (
            {"method": "gradient"},
            "method: expected a TeacherForcing, whose scores are compared, got 'gradient'",
        ),
        ({"candidates": ()}, "candidates: expected distinct numbers of units"),
        ({"nonlinear": 3}, "nonlinear: is what is to be found"),
        ({"candidates": (0, 9), "latent": 4}, "expected nonlinear <= latent = 4, got 9"),
        ({"seeds": 0}, "seeds: expected an integer >= 1"),
    ],
)
def test_refused(options, message):
    ds = dl.from_arrays(np.sin(np.arange(30.0)), dt=1.0)
    with pytest.raises(dl.errors.ArgumentError, match=message):
        select_nonlinear(ds, progress=False, **options)
