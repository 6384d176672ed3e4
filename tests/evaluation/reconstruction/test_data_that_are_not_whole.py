"""reconstruction_scores on maps, driven and random systems, gaps, uneven instants, outputs that never change; and
what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.evaluation.reconstruction import reconstruction_scores

from .systems import henon

QUICK = {"starts": 3, "length": 200, "discard": 0, "context": 5}


def persistence(ds):
    return dl.fit(dl.models.Persistence.from_data(ds, memory=3), ds, progress=False).model


def henon_map(t, x, u, s):
    return jnp.stack([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])


@pytest.fixture(scope="module")
def maps():
    return dl.from_arrays(henon(1500), dt=1.0, output_names=["a", "b"])


@pytest.fixture(scope="module")
def true_map(maps):
    model = dl.models.NeuralMap.from_data(maps, map=henon_map, hidden=0, memory=1, width=4)
    return dl.fit(model, maps, method="calibration", progress=False, calibration_horizon=4).model


@pytest.mark.parametrize("x64", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_map_in_both_precisions(maps, x64):
    with jax.enable_x64(x64):
        model = dl.models.NeuralMap.from_data(maps, map=henon_map, hidden=0, memory=1, width=4)
        model = dl.fit(model, maps, method="calibration", progress=False, calibration_horizon=4).model
        found = reconstruction_scores({"true": model}, maps, starts=4)
    value = found["value"].sel(model="true").median(["seed", "start"])
    assert float(value.sel(invariant="lyapunov")) == pytest.approx(0.419, abs=0.06)
    assert found.attrs["copies"] == 3  # of two outputs, to be 5 coordinates and more
    for metric in ("D_stsp", "D_H", "autocorrelation"):
        one = found["median"].sel(metric=metric)
        assert float(one.sel(model="true")) < 1.6 * float(one.sel(model="data")), metric
        assert float(one.sel(model="true")) < float(one.sel(model="persistence")), metric


def test_an_embedding_can_be_given(maps, true_map):
    options = {**QUICK, "metrics": ["dimension"]}
    found = reconstruction_scores(true_map, maps, embedding=(1, 1), **options)
    assert (found.attrs["copies"], found.attrs["delay"]) == (1, 1)
    assert "the outputs as states" in found["definition"].item()
    with pytest.raises(ArgumentError, match=r"embedding: expected \(copies, delay in samples\), got 3\."):
        reconstruction_scores(true_map, maps, embedding=3, **options)


def test_an_ensemble_is_scored_member_by_member(maps, true_map):
    ensemble = dl.models.Ensemble.of(
        dl.models.NeuralMap.from_data(maps, hidden=0, memory=1, width=4, key=0), 3, key=0
    )
    few = maps.isel(time=slice(0, 100))
    fitted = dl.fit(ensemble, few, method="calibration", progress=False, calibration_horizon=4).model
    found = reconstruction_scores({"three": fitted, "one": true_map}, maps, **QUICK, metrics=["D_stsp"])
    members = [fitted.member(i) for i in range(3)]
    alone = reconstruction_scores({"three": members, "one": true_map}, maps, **QUICK, metrics=["D_stsp"])
    np.testing.assert_allclose(found["score"], alone["score"])
    assert found["runs"].sel(model="three") == 9
    assert found["score"].sel(model="three").std("seed").max() > 0


def test_a_model_that_moves_at_random_is_drawn(maps):
    """A mean path would stand still: y_{k+1} = 0.9 y_k + noise has the spectrum of its draws."""
    signature = dl.models.Signature(("y",), interval=1.0)
    one = np.eye(1)
    matrices = {"A": 0.9 * one, "C": one, "Q": one, "R": 0.01 * one}
    model = dl.models.LinearStateSpace.from_matrices(signature, matrices)
    rng, y = np.random.default_rng(0), np.zeros(2001)
    for k in range(2000):
        y[k + 1] = 0.9 * y[k] + rng.normal()
    ds = dl.from_arrays(y[1:, None], dt=1.0, output_names=["y"])
    options = {"starts": 4, "metrics": ["D_stsp", "D_H", "autocorrelation"]}
    found = reconstruction_scores({"drawn": model}, ds, **options)
    for metric in options["metrics"]:
        one = found["median"].sel(metric=metric)
        assert float(one.sel(model="drawn")) < 2.5 * float(one.sel(model="data")), metric
    again = reconstruction_scores({"drawn": model}, ds, **options)
    other = reconstruction_scores({"drawn": model}, ds, **options, key=1)
    assert again["score"].equals(found["score"])
    assert not other["score"].equals(found["score"])


def test_recorded_controls_drive_the_run():
    """y follows the control: a model that does reproduces the spectrum that the control puts there."""
    t = np.arange(1200)
    u = np.sin(2 * np.pi * t / 30)[:, None]
    y = np.concatenate([[[0.0]], u[:-1]])
    ds = dl.from_arrays(y, u, dt=1.0)
    model = dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, progress=False).model
    options = {**QUICK, "context": model.memory, "length": 180}  # whole periods
    found = reconstruction_scores({"driven": model}, ds, **options, metrics=["D_H", "prediction_error"])
    assert float(found["median"].sel(model="driven", metric="D_H")) < 1e-3
    assert float(found["score"].sel(model="driven", metric="prediction_error").max()) < 1e-3
    far = ds.assign(control=(10 * ds["control"]).assign_attrs(ds["control"].attrs))
    found = reconstruction_scores({"driven": model}, far, **options, metrics=["D_H"])
    assert "control 'u0' reaches" in found.attrs["extrapolates driven"]


def test_gaps(maps, true_map):
    """Samples that are not complete do not count; windows without gaps are taken where there are enough."""
    y = henon(1500)
    y[700:720, 1] = np.nan
    ds = dl.from_arrays(y, dt=1.0, output_names=["a", "b"])
    found = reconstruction_scores({"true": true_map}, ds, **QUICK)
    assert found["metric"].size == 7
    assert np.isfinite(found["score"].sel(model="data")).all()
    start = found["instant"].values.astype(int)
    assert not [k for k in start if not np.isfinite(y[k : k + 201]).all()]


def test_gaps_everywhere_leave_out_by_name_what_takes_whole_windows(maps, true_map):
    y = henon(1500)
    y[::50, 1] = np.nan
    ds = dl.from_arrays(y, dt=1.0, output_names=["a", "b"])
    found = reconstruction_scores({"true": true_map}, ds, **QUICK)
    assert found["metric"].values.tolist() == ["D_stsp", "prediction_error", "valid_time"]
    why = (
        "no window of 200 samples after a start is without gaps in every output; shorten length=, or impute the "
        "missing values (dl.impute)."
    )
    for name in ("D_H", "lyapunov", "dimension", "autocorrelation"):
        assert found.attrs[f"unscored {name}"] == why
    assert np.isfinite(found["score"]).all()
    assert f"unscored D_H: {why}" in str(dl.evaluation.rich_table(found).caption)
    with pytest.raises(ArgumentError) as error:
        reconstruction_scores({"true": true_map}, ds, **QUICK, metrics=["D_stsp", "D_H"])
    assert str(error.value) == f"metrics: 'D_H' cannot be computed: {why}"


def test_a_floor_with_gaps(maps, true_map):
    y = henon(1500)
    y[::50, 1] = np.nan
    gappy = dl.from_arrays(y, dt=1.0, output_names=["a", "b"])
    found = reconstruction_scores({"true": true_map}, maps, train=gappy, **QUICK)
    data = found["score"].sel(model="data")
    assert np.isfinite(data.sel(metric=["D_stsp", "valid_time"])).all()
    assert np.isnan(data.sel(metric=["D_H", "dimension"])).all()
    assert found["diverged"].sel(model="data") == 0


def test_uneven_instants():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.5, 1.5, 1500))
    ds = dl.from_arrays(np.stack([np.sin(times), np.cos(times), np.sin(2 * times)], 1), times=times)
    found = reconstruction_scores({"last": persistence(ds)}, ds, **QUICK)
    assert found["metric"].values.tolist() == ["D_stsp", "prediction_error", "valid_time", "dimension"]
    assert found.attrs["unscored D_H"].startswith("the test set is not regularly sampled")
    assert "interval" not in found.attrs
    dl.plot.reconstruction(found)


def test_outputs_that_never_change_are_left_out_by_name(maps):
    y = np.concatenate([henon(1500), np.full((1500, 1), 3.0)], axis=1)
    ds = dl.from_arrays(y, dt=1.0, output_names=["a", "b", "still"])
    found = reconstruction_scores({"last": persistence(ds)}, ds, **QUICK, metrics=["D_stsp", "D_H"])
    without = ds.sel(output_name=["a", "b"])
    alone = reconstruction_scores({"last": persistence(without)}, without, **QUICK, metrics=["D_stsp", "D_H"])
    np.testing.assert_allclose(found["score"], alone["score"])
    assert found.attrs["left_out"] == "still"
    assert found["output_name"].values.tolist() == ["a", "b"]
    constant = ds.sel(output_name=["still"])
    with pytest.raises(
        ArgumentError, match="test: no output ever changes, so there is nothing to reconstruct"
    ):
        reconstruction_scores({"last": persistence(constant)}, constant, **QUICK)


def nothing_in(ds, run=slice(None), output=slice(None)):
    """The data without these measurements."""
    ds = ds.copy(deep=True)
    ds["output"].transpose("trajectory", "time", "output_name").values[run, :, output] = np.nan
    return ds


def test_what_was_never_measured_is_not_called_constant(maps):
    """Nor is training data that say nothing taken for a floor of NaN."""
    model = persistence(maps)
    both = dl.concatenate([maps, maps], prefixes=["a", "b"])
    with pytest.raises(ArgumentError, match="test: nothing was measured, every output is NaN throughout"):
        reconstruction_scores(model, nothing_in(maps), **QUICK)
    with pytest.raises(ArgumentError, match="train: nothing was measured, so that no floor can be taken"):
        reconstruction_scores(model, maps, train=nothing_in(maps), **QUICK)
    with pytest.raises(ArgumentError, match=r"train: \['b'\] were never measured, so that no floor"):
        reconstruction_scores(model, maps, train=nothing_in(maps, output=1), **QUICK)
    # Of a run without measurements beside one that has them nothing is said, and nothing is lost.
    found = reconstruction_scores(model, nothing_in(both, run=0), **QUICK, metrics=["D_stsp"])
    assert set(found["run"].values) == {"b0"}
    assert not {"left_out", "never_measured"} & set(found.attrs)


def test_an_output_that_was_never_measured_is_left_out_as_such(capsys):
    angle = 0.3 * np.arange(600)
    ds = dl.from_arrays(np.stack([np.sin(angle), np.cos(angle)], 1), dt=1.0, output_names=["a", "gone"])
    # A state-space model knows an output that was not measured from the others.
    model = dl.models.LinearStateSpace.from_data(ds, states=2, memory=5)
    model = dl.fit(model, ds, method="calibration", progress=False).model
    found = reconstruction_scores(
        {"linear": model}, nothing_in(ds, output=1), **QUICK, metrics=["prediction_error"]
    )
    assert (found.attrs.get("left_out"), found.attrs["never_measured"]) == (None, "gone")
    assert found["output_name"].values.tolist() == ["a"]
    assert np.isfinite(found["score"].sel(model="linear")).all()
    assert found.attrs["missing persistence"].startswith("outputs: ['gone'] were never measured")
    dl.evaluation.show(found)
    assert "left out, because they were never measured" in " ".join(capsys.readouterr().out.split())


def test_several_runs_of_unequal_length():
    pieces = np.split(henon(1500), [300, 700])
    ds = dl.from_arrays(pieces, dt=1.0, output_names=["a", "b"])
    found = reconstruction_scores({"last": persistence(ds)}, ds, starts=6, metrics=["D_stsp", "D_H"])
    # Windows of 300 samples can begin at 1, 101 and 501 instants of the runs, more than twice as many.
    assert found.attrs["length"] == 250
    assert found["run"].values.tolist() == ["0", "2", "2", "2", "2", "2"]


def test_far_away_counts_as_diverged(maps):
    def escape(t, x, u, s):
        return jnp.clip(4 * x, -1e4, 1e4)

    model = dl.models.NeuralMap.from_data(maps, map=escape, hidden=0, memory=1, width=4)
    few = maps.isel(time=slice(0, 100))
    model = dl.fit(model, few, method="calibration", progress=False, calibration_horizon=2).model
    found = reconstruction_scores({"far": model}, maps, **QUICK)
    assert found["diverged"].sel(model="far") == 3
    assert (found["score"].sel(metric="D_H", model="far") == 1).all()
    assert np.isfinite(found["score"].sel(metric="prediction_error", model="far")).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metrics": "D_H"}, "metrics: expected a list of names such as ['D_stsp', 'D_H'], got 'D_H'."),
        ({"metrics": []}, "metrics: expected a list of names"),
        ({"metrics": ["D_KL"]}, "unknown metric 'D_KL'; did you mean"),
        ({"starts": 0}, "starts: expected an integer >= 1, got 0."),
        ({"length": 1}, "length: expected an integer >= 2, got 1."),
        ({"discard": -1}, "discard: expected an integer >= 0, got -1."),
        ({"steps": 300}, "steps: expected at most the 200 samples of a free run, got 300."),
        ({"threshold": 0.0}, "threshold: expected a number above 0, got 0.0."),
        ({"lyapunov": 0.0}, "lyapunov: expected a number above 0, got 0.0."),
        (
            {"context": 2},
            "context: the models look back 3 samples, got 2; give at least as many, or leave it out.",
        ),
        (
            {"length": 1496},
            "test: no run holds the 5 + 1496 samples of a context and a free run (discard and length), the "
            "longest has 1500; shorten length= or context=, or give longer runs.",
        ),
        (
            {"length": 1494},
            "test: 3 starts were asked for, there are 2 instants with 5 samples before and 1494 after them; ask "
            "for fewer starts=, or shorten length= or context=.",
        ),
    ],
)
def test_arguments_that_do_not_fit(maps, options, words):
    with pytest.raises(ArgumentError) as error:
        reconstruction_scores({"last": persistence(maps)}, maps, **{**QUICK, **options})
    assert str(error.value).startswith(words)


def test_the_floor_is_taken_from_data_of_the_same_outputs(maps):
    other = maps.assign_coords(output_name=[f"other {i}" for i in range(maps.sizes["output_name"])])
    with pytest.raises(ArgumentError, match=r"train: expected the outputs of test, .* got \['other 0'"):
        reconstruction_scores({"last": persistence(maps)}, maps, train=other, **QUICK)


def test_models_that_are_none(maps):
    for models, words in (
        ({}, "models: expected a fitted model, or a mapping from names to them, got an empty mapping."),
        ({"mine": []}, "models: expected fitted models under 'mine', got an empty list."),
        (
            {"data": persistence(maps)},
            "models: the name 'data' is taken by a row beside the models; choose another.",
        ),
        (3, "reconstruction_scores: expected a fitted model, got int."),
        (
            dl.fit(dl.models.Persistence.from_data(maps), maps, progress=False),
            "reconstruction_scores: expected a fitted model, got FitResult; pass result.model.",
        ),
    ):
        with pytest.raises(ArgumentError) as error:
            reconstruction_scores(models, maps)
        assert str(error.value) == words


def test_data_that_do_not_fit(maps):
    model = persistence(maps)
    with pytest.raises(
        ArgumentError, match=r"test: the longest of 1 runs has 6 samples, too few for free runs"
    ):
        reconstruction_scores(model, maps.isel(time=slice(0, 6)))
    with pytest.raises(ArgumentError, match="output_name: the model has"):
        reconstruction_scores(model, maps.sel(output_name=["a"]))
    slow = dl.from_arrays(henon(1000), dt=2.0, output_names=["a", "b"])
    with pytest.raises(ArgumentError) as error:
        reconstruction_scores(model, maps, train=slow, **QUICK)
    assert str(error.value) == (
        "train: expected the sampling interval of the test set, 1, because spectra depend on it, got 2; call "
        "ds.dyn.resample(1) first."
    )
    short = reconstruction_scores(model, maps, train=maps.isel(time=slice(0, 100)), **QUICK, metrics=["D_H"])
    assert short.attrs["missing data"].startswith("train: no run holds the 5 + 200 samples")


def test_the_sources_are_entries_of_the_file(maps):
    from dynlearn.evaluation.reconstruction import METRICS
    from dynlearn.references import bibtex

    for metric in METRICS.values():
        assert "@" in bibtex(metric.references)
