"""What inference refuses, in words; and that hard numbers do not break it."""

from types import SimpleNamespace

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.models import LinearStateSpace, Signature

WALK = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]], "P0": [[1.0]]}
VERBS = (dl.filter, dl.smooth, dl.impute, dl.log_likelihood)


@pytest.fixture(scope="module")
def walk():
    return LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), WALK)


@pytest.fixture(scope="module")
def ds():
    return dl.from_arrays(np.arange(5.0)[:, None], dt=1.0, output_names=["y"])


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_other_models_and_other_data(verb, walk, ds, linear):
    with pytest.raises(ArgumentError, match=f"{verb.__name__}: expected a state-space model.*got ARX"):
        verb(dl.models.ARX.from_data(linear, delays=0), linear)
    with pytest.raises(ArgumentError, match=r"got Ensemble; pass one member, model\.member\(0\)"):
        verb(dl.models.Ensemble.of(walk, 2), ds)
    with pytest.raises(ArgumentError, match=r"got SimpleNamespace; pass result\.model"):
        verb(SimpleNamespace(model=walk), ds)
    with pytest.raises(ArgumentError, match=r"output_name: the model has \['y'\]"):
        verb(walk, linear)
    with pytest.raises(ArgumentError, match="this is a discrete-time model with interval 1"):
        verb(walk, dl.from_arrays(np.arange(5.0)[:, None], dt=0.5, output_names=["y"]))


def test_models_before_their_fit(linear):
    model = LinearStateSpace.from_data(linear, states=2)
    for verb in (dl.filter, dl.smooth, dl.impute):
        with pytest.raises(
            ArgumentError, match=rf"{verb.__name__}: this LinearStateSpace has not been fitted"
        ):
            verb(model, linear)
    assert np.isfinite(dl.log_likelihood(model, linear)).all()


@pytest.mark.parametrize("samples", [-1, 0.5, True, None])
def test_counts_of_samples(samples, walk, ds):
    for verb in (dl.smooth, dl.impute):
        with pytest.raises(ArgumentError, match="samples: expected an integer >= 0"):
            verb(walk, ds, samples=samples)


def test_methods(walk, ds):
    with pytest.raises(ArgumentError, match=r"unknown method 'kalman'. Valid: 'exact'"):
        dl.filter(walk, ds, method="kalman")
    with pytest.raises(
        ArgumentError,
        match=r"expected one of \['amortised', .*'unscented'\] or an object such as dl\.inference\.Particle.*got 2",
    ):
        dl.smooth(walk, ds, method=2)
    with pytest.raises(ArgumentError, match="EnsembleKalman: size: expected an integer >= 2, got 1"):
        dl.inference.EnsembleKalman(size=1)
    with pytest.raises(ArgumentError, match="expected inflation to be a number >= 0, got -1"):
        dl.inference.EnsembleKalman(inflation=-1)
    with pytest.raises(ArgumentError, match=r"expected threshold in \(0, 1\], got 0"):
        dl.inference.Particle(threshold=0)
    with pytest.raises(ArgumentError, match="unknown backward 'forward'"):
        dl.inference.Particle(backward="forward")


def test_a_run_without_a_single_measurement_is_the_prior(walk, ds):
    nothing = ds.assign(output=ds["output"] * np.nan)
    found = dl.smooth(walk, nothing)
    np.testing.assert_allclose(found["state_scale"].values.ravel() ** 2, 1.0 + np.arange(5), rtol=1e-6)
    assert float(dl.log_likelihood(walk, nothing)[0]) == 0.0
