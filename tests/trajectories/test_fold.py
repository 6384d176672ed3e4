"""Runs of very unequal length: pieces that hold the same samples, and checks that look at some runs at a time."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import SchemaError
from dynlearn.trajectories.device import blocks, fold
from dynlearn.trajectories.device import ragged as ragged_
from dynlearn.trajectories.sampling import agrees

LENGTHS = [70, 3, 2, 5, 1, 4, 3, 2, 4]


@pytest.fixture
def ragged(monkeypatch):
    """One long run beside short ones, in which every value says where it stands."""
    monkeypatch.setattr(ragged_, "SMALL", 0)
    values = [1000.0 * i + np.arange(float(n)) for i, n in enumerate(LENGTHS)]
    times = [np.cumsum(1 + 0.5 * np.cos(v)) for v in values]
    controls = [np.append(v[:-1], np.nan) for v in values]
    ds = dl.from_arrays(values, controls, times=times, static=np.arange(9.0)[:, None])
    assert ragged_.is_ragged(ds.dyn.lengths)
    return ds


def stretches(ds, length):
    """Every so many samples in a row, run after run."""
    y = ds["output"].values[..., 0]
    cut = [
        row[k : k + length] for row, n in zip(y, ds.dyn.lengths, strict=True) for k in range(n - length + 1)
    ]
    return np.array(cut)


@pytest.mark.parametrize("overlap", [0, 1, 4, 30])
def test_every_stretch_is_in_one_piece_in_the_same_order(ragged, overlap):
    pieces = fold.folded(ragged, overlap)
    np.testing.assert_array_equal(stretches(pieces.ds, overlap + 1), stretches(ragged, overlap + 1))
    assert pieces.first.sum() == pieces.last.sum() == len(LENGTHS)
    run = np.cumsum(pieces.first) - 1
    np.testing.assert_array_equal(pieces.ds["static"].values[:, 0], run)
    begins = pieces.ds["output"].values[:, 0, 0]
    np.testing.assert_array_equal(begins[pieces.first], 1000.0 * np.arange(9))


def test_pieces_take_little_more_than_the_samples(ragged):
    assert ragged["output"].size == 630
    assert fold.compact(ragged)["output"].size <= 2 * sum(LENGTHS)
    assert fold.folded(ragged, 3).ds["output"].size <= 3 * sum(LENGTHS)


def test_runs_that_waste_little_stay_as_they_are(monkeypatch):
    ds = dl.from_arrays([np.arange(70.0), np.arange(30.0)], dt=1.0)
    monkeypatch.setattr(ragged_, "SMALL", 0)
    assert fold.folded(ds, 3).ds is ds
    assert fold.recent(ds, 3) is ds


def test_the_last_samples(ragged):
    cut = fold.recent(ragged, 3)
    assert cut.dyn.lengths.tolist() == [3, 3, 2, 3, 1, 3, 3, 2, 3]
    assert cut["output"].values[0, :, 0].tolist() == [67.0, 68.0, 69.0]
    assert cut["trajectory"].values.tolist() == ragged["trajectory"].values.tolist()


def test_blocks_of_runs_say_what_all_of_them_do(ragged, monkeypatch):
    t = ragged["t"].values
    whole = ragged.dyn.sampling(), blocks.intervals(t), ragged.dyn.lengths
    monkeypatch.setattr(blocks, "AT_ONCE", 140)
    assert len(blocks.blocks(*t.shape)) == 5
    again = ragged.copy()
    assert again.dyn.sampling() == whole[0]
    np.testing.assert_array_equal(blocks.intervals(t), whole[1])
    assert again.dyn.lengths.tolist() == whole[2].tolist() == LENGTHS
    assert agrees(np.arange(9.0)[:, None] + np.arange(70), 1.0)


def test_what_is_wrong_in_some_runs_is_counted_over_all(ragged, monkeypatch):
    monkeypatch.setattr(blocks, "AT_ONCE", 140)
    bad = ragged.copy(deep=True)
    bad["output"].values[[1, 8], 0] = np.inf
    with pytest.raises(SchemaError, match=r"output: .* run 1, sample 0, .*\(2 such samples\)"):
        dl.validate(bad)
    bad["t"].values[7, 1] = 0.0  # of several faults, instants come first, whichever run they are in
    with pytest.raises(SchemaError, match=r"strictly increasing .* run 7, sample 1"):
        dl.validate(bad)


def test_a_clock_is_read_off_ragged_runs(monkeypatch):
    monkeypatch.setattr(ragged_, "SMALL", 0)
    lengths = np.array([500, *range(2, 32)])
    assert len(ragged_.groups(lengths)) == 2
    times = [i + np.round(np.arange(n) / 60, 3) for i, n in enumerate(lengths)]
    ds = dl.from_arrays([np.zeros(n) for n in lengths], times=times)
    in_groups = ds.dyn.sampling()
    assert in_groups.interval == pytest.approx(1 / 60, rel=1e-5)
    assert agrees(ds["t"].values, 1 / 60)
    assert not agrees(ds["t"].values, 1 / 61)
    monkeypatch.setattr(ragged_, "SMALL", 2**62)
    assert ds.copy().dyn.sampling() == in_groups
