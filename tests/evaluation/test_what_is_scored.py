"""Which windows a row of the table rests on, and why a score has no value."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.evaluation import rich_table
from dynlearn.models import LinearStateSpace, Signature

WALKS = {"A": np.eye(2), "C": np.eye(2), "Q": 0.1 * np.eye(2), "R": 0.01 * np.eye(2)}


def walks(length: int = 60, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.cumsum(np.sqrt(0.1) * rng.normal(size=(length, 2)), axis=0)


def dataset(y: np.ndarray):
    return dl.from_arrays(y, dt=1.0, output_names=["a", "b"])


def model() -> LinearStateSpace:
    return LinearStateSpace.from_matrices(Signature(("a", "b"), interval=1.0), WALKS)


def scored(y: np.ndarray, **options):
    return dl.evaluate(model(), dataset(y), train=dataset(walks(200, 1)), samples=20, **options)


def test_outputs_measured_in_turn_are_scored():
    """No window starts with a whole sample after another one: ARX cannot, persistence and the model can."""
    y = walks()
    y[::2, 0], y[1::2, 1] = np.nan, np.nan
    found = scored(y, context=10, horizon=10)
    assert found["windows"].to_series().to_dict() == {
        "LinearStateSpace": 5,
        "persistence": 5,
        "context tiling": 5,
    }
    assert "no window of the test data lets this model infer its state" in found.attrs["missing ARX"]
    for name in ("energy", "crps", "rmse", "coverage90"):
        assert np.isfinite(found[name]).sum() > 0
    assert np.isfinite(found["energy"]).all()
    in_turn = dl.evaluate(model(), dataset(y), context=10, horizon=10, samples=5)
    assert "it has no two neighbouring measured samples in the reference" in str(rich_table(in_turn).caption)
    assert "ARX is missing" in str(rich_table(found).caption)


def test_a_baseline_is_scored_on_the_windows_it_can_do_and_the_table_counts_them():
    """Output a is away for 12 samples: nothing of it in the second of five contexts."""
    y = walks()
    y[8:21, 0] = np.nan
    found = scored(y, context=10, horizon=10)
    assert found["windows"].sel(model=["LinearStateSpace", "persistence"]).values.tolist() == [5, 4]
    assert found.attrs["windows"] == 5
    assert "persistence can start from 4 of the 5 windows" in str(rich_table(found).caption)

    kept = [0, 2, 3, 4]
    truth = np.stack([y[10 * (k + 1) : 10 * (k + 2)] for k in kept])
    last = np.stack([y[10 * (k + 1) - 1] for k in kept])
    last[0] = [y[7, 0], y[9, 1]]
    expected = np.sqrt(np.nanmean((truth - last[:, None]) ** 2, axis=0))
    got = found["rmse"].sel(model="persistence").transpose("lead", "output_name")
    np.testing.assert_allclose(got[1:], expected[1:], rtol=1e-5)


def test_a_complete_record_gives_every_row_every_window():
    found = scored(walks(), context=10, horizon=10)
    assert set(found["windows"].values.tolist()) == {5}
    assert not any(name.startswith("unscored") for name in found.attrs)


def test_nothing_to_score_is_refused():
    y = walks()
    y[10:] = np.nan
    with pytest.raises(ArgumentError, match=r"nothing to score: no output was measured in the 10 samples"):
        scored(y, context=10, horizon=10)


def test_windows_after_which_nothing_was_measured_do_not_count():
    y = walks()
    y[25:30] = np.nan
    found = scored(y, context=10, horizon=5, stride=15)
    assert (found.attrs["windows"], found.attrs["windows_left_out"]) == (3, 1)


def test_every_score_without_a_value_is_explained():
    """Targets are the samples 10 to 14, 20 to 24 and 30 to 34."""
    y = walks(40)
    y[:, 0] = 7.0
    y[[10, 20, 30, 13, 23], 1] = np.nan
    found = scored(y, context=10, horizon=5, stride=10)
    assert np.isnan(found["nrmse"].sel(output_name="a")).all()
    assert np.isnan(found["rmse"].sel(output_name="b")).transpose("lead", "model")[:, 0].values.tolist() == [
        True,
        *[False] * 4,
    ]
    text = " ".join(str(rich_table(found).caption).split())
    assert "output 'a' never changes in the scored windows: no nrmse, no part in the energy score." in text
    assert "output 'b' was measured at no window's lead 1: no scores there." in text
    assert "output 'a'" not in str(rich_table(found, "b").caption)


def test_a_reference_that_never_changes_gives_no_mase_and_says_so():
    constant = dataset(np.full((30, 2), 7.0))
    found = dl.evaluate(model(), dataset(walks(40)), 10, 5, train=constant, samples=20)
    assert np.isnan(found["mase"]).all()
    assert "does not change from sample to sample of the reference data: no mase" in str(
        rich_table(found).caption
    )


def test_a_baseline_that_is_refused_the_test_controls_is_missing_and_says_why():
    """The control never moved in the training data: ARX cannot know what it does, persistence need not."""
    rng = np.random.default_rng(0)
    y, u = walks(60), rng.normal(size=(60, 1))
    still = dl.from_arrays(walks(200, 1), np.zeros((200, 1)), dt=1.0)
    moved = dl.from_arrays(y, u, dt=1.0)
    mine = dl.fit(dl.models.Persistence.from_data(still), still, progress=False).model
    found = dl.compare({"mine": mine}, still, moved, 10, 10, samples=20)
    assert found["model"].values.tolist() == ["mine", "persistence", "context tiling"]
    assert "'u0'" in found.attrs["missing ARX"]
