"""Subspace identification as a way of fitting, and the choice of an order, on datasets."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, FitError, SchemaError
from dynlearn.fitting import EM, Subspace, order_scores, select_order
from dynlearn.models import LinearStateSpace

A = np.array([[0.8, 0.3, 0.0], [-0.3, 0.8, 0.1], [0.0, 0.0, 0.6]])
B = np.array([[0.0, 0.3], [0.5, 0.0], [1.0, 0.0]])
C = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.2]])
D = np.array([[0.5, 0.0], [0.0, -0.5]])


def runs(seed, *, controls=2, feedthrough=False, lengths=(120, 200, 90)):
    """Three states, two outputs around 5, controls around 2, a tenth of the values missing, lengths of their own."""
    rng = np.random.default_rng(seed)
    outputs, inputs = [], []
    for length in lengths:
        x, u, y = rng.normal(size=3), rng.normal(size=(length, 2)) + 2, np.empty((length, 2))
        u = u * (np.arange(2) < controls)
        for k in range(length):
            y[k] = 5 + C @ x + (D @ u[k] if feedthrough else 0) + 0.1 * rng.normal(size=2)
            x = A @ x + B @ u[k] + 0.1 * rng.normal(size=3)
        y[rng.random(y.shape) < 0.1] = np.nan
        outputs.append(y)
        inputs.append(u[:, :controls])
    return dl.from_arrays(outputs, inputs if controls else None, dt=0.1)


@pytest.fixture(scope="module")
def driven():
    return runs(0)


@pytest.fixture(scope="module")
def identified(driven):
    return dl.fit(LinearStateSpace.from_data(driven, states=3), driven, method="subspace", progress=False)


@pytest.mark.slow
def test_it_finds_the_poles_from_ragged_gappy_runs(identified):
    poles = np.sort_complex(identified.model.eigenvalues())
    np.testing.assert_allclose(poles, np.sort_complex(np.linalg.eigvals(A)), atol=0.03)
    assert identified.reason.name == "SOLVED"


@pytest.mark.slow
def test_em_finds_little_left_to_gain(driven, identified):
    """What EM takes 100 iterations for from a first guess is there from the start."""
    guess = LinearStateSpace.from_data(driven, states=3)
    on = dl.fit(identified.model, driven, method=EM(steps=100), progress=False).statistics["log_likelihood"]
    anew = dl.fit(guess, driven, method=EM(steps=100), progress=False).statistics["log_likelihood"]
    found = identified.statistics["log_likelihood"]
    assert found > on - 2
    assert on > anew - 2
    assert found > float(dl.log_likelihood(guess, driven).sum()) + 100


@pytest.mark.slow
def test_its_intervals_hold_on_other_runs(identified):
    other = runs(5, lengths=(60,) * 120)
    now, later = other.isel(time=slice(0, 40)), other.isel(time=slice(40, None))
    forecast = dl.forecast(
        identified.model, now, times=later["t"].values[0], controls=later["control"], key=0
    )
    low, high = forecast["output"].quantile([0.05, 0.95], "sample").values
    y = later["output"].values
    measured = np.isfinite(y)
    assert 0.85 < ((low < y) & (y < high))[measured].mean() < 0.95


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"feedthrough": True}, {"stable": True}], ids=str)
def test_feedthrough_and_stability_are_kept(options):
    ds = runs(1, feedthrough="feedthrough" in options)
    model = LinearStateSpace.from_data(ds, states=3, **options)
    result = dl.fit(model, ds, method=Subspace(steps=30), progress=False)
    np.testing.assert_allclose(
        np.sort_complex(result.model.eigenvalues()), np.sort_complex(np.linalg.eigvals(A)), atol=0.05
    )
    if "feedthrough" in options:
        np.testing.assert_allclose(result.model.matrices()["D"], D, atol=0.05)
    else:
        assert type(result.model.system.A_of) is type(model.system.A_of)


@pytest.mark.slow
def test_without_controls():
    ds = runs(2, controls=0, lengths=(400, 300))
    result = dl.fit(LinearStateSpace.from_data(ds, states=3), ds, method="subspace", progress=False)
    assert np.abs(result.model.eigenvalues()).max() < 1
    oscillation = result.model.eigenvalues()[np.argmax(result.model.eigenvalues().imag)]
    assert abs(oscillation - (0.8 + 0.3j)) < 0.1


@pytest.mark.slow
def test_the_order_is_found_in_two_ways(driven):
    assert select_order(driven, range(1, 6)) == 3
    scores = order_scores(driven, range(1, 6), runs(1))
    assert set(scores) == {"aic", "bic", "svc", "nic", "validation"}
    held_out = scores["validation"].sel(order=[2, 3, 4]).values
    assert held_out[0] > held_out[1] + 0.2
    assert abs(held_out[2] - held_out[1]) < 0.05
    assert select_order(driven, [2, 3], validation=runs(1)) == 3
    assert select_order(driven, range(1, 6), criterion="svc") == 3


def test_refusals(driven):
    uneven = dl.from_arrays(driven["output"].values[0], times=np.cumsum(np.random.default_rng(0).random(200)))
    continuous = LinearStateSpace.from_data(driven, states=2, continuous=True)
    with pytest.raises(
        ArgumentError,
        match=r"Subspace: expected a discrete-time LinearStateSpace with matrices, got a continuous-time one",
    ):
        dl.fit(continuous, driven, method="subspace", progress=False)
    arx = dl.models.ARX.from_data(driven, delays=1)
    with pytest.raises(ArgumentError, match=r"Subspace: expected a state-space model.*got ARX"):
        dl.fit(arx, driven, method="subspace", progress=False)
    with pytest.raises(SchemaError, match="regular sampling"):
        select_order(uneven)
    with pytest.raises(ArgumentError, match=r"criterion='validation': expected validation=runs"):
        select_order(driven, [1, 2], criterion="validation")
    with pytest.raises(ArgumentError, match="unknown criterion 'bics'"):
        select_order(driven, [1, 2], criterion="bics")
    with pytest.raises(ArgumentError, match="unknown Subspace: variant 'pca'"):
        Subspace(variant="pca")
    with pytest.raises(ArgumentError, match="Subspace: past: expected an integer >= 1, got 0"):
        Subspace(past=0)
    with pytest.raises(ArgumentError, match="Subspace: expected tolerance to be a number >= 0, got 'a'"):
        Subspace(tolerance="a")
    with pytest.raises(ArgumentError, match="Subspace: expected tolerance to be a number >= 0, got nan"):
        Subspace(tolerance=float("nan"))
    with pytest.raises(ArgumentError, match=r"orders: expected several numbers of states.*got 5"):
        select_order(driven, 5)
    with pytest.raises(ArgumentError, match=r"unknown option 'feedtrough'.*feedthrough"):
        select_order(driven, [1, 2], feedtrough=True)
    flat = driven.assign(output=driven["output"].where(driven["output"].isnull(), 3.0))
    with pytest.raises(FitError, match=r"outputs: \['y0', 'y1'\] never change"):
        select_order(flat, [1, 2])
    blind = driven.assign(output=driven["output"].where(driven["output_name"] == "y0"))
    with pytest.raises(FitError, match=r"outputs: \['y1'\] were never measured"):
        select_order(blind, [1, 2])
    short = driven.isel(time=slice(0, 8))
    with pytest.raises(
        FitError, match="4 states need runs of at least 12 samples, the longest has 8; use method='em'"
    ):
        dl.fit(LinearStateSpace.from_data(short, states=4), short, method="subspace", progress=False)


def test_what_the_gaps_do_not_let_it_see_is_an_error():
    """Four fifths of the values missing: EM finds the system, the regressions another or none."""
    ds = runs(3)
    scarce = ds.assign(output=ds["output"].where(np.random.default_rng(0).random(ds["output"].shape) < 0.25))
    with pytest.raises(FitError, match=r"Subspace: .*missing.*Use method='em'"):
        dl.fit(LinearStateSpace.from_data(scarce, states=3), scarce, method="subspace", progress=False)


@pytest.mark.slow
def test_data_without_noise_from_several_starts():
    """Nothing varies around the outputs' means there: the offset is estimated with the system."""
    rng = np.random.default_rng(0)
    outputs, inputs = [], []
    for length in (120, 80, 60):
        x, u, y = np.zeros(3), rng.normal(size=(length, 2)), np.empty((length, 2))
        for k in range(length):
            y[k], x = C @ x, A @ x + B @ u[k]
        outputs.append(y)
        inputs.append(u)
    ds = dl.from_arrays(outputs, inputs, dt=0.1)
    result = dl.fit(LinearStateSpace.from_data(ds, states=3), ds, method=Subspace(steps=5), progress=False)
    np.testing.assert_allclose(
        np.sort_complex(result.model.eigenvalues()), np.sort_complex(np.linalg.eigvals(A)), atol=1e-4
    )
    assert select_order(ds, range(1, 6)) == 3
