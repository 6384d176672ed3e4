"""Data and models that no inference can be made of, in words; and long gaps that it can."""

import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, DivergedError, FitError
from dynlearn.models import LinearStateSpace, NonlinearStateSpace, Signature

STEP = Signature(("y",), interval=1.0)
WALK = {"A": [[1.0]], "C": [[1.0]], "Q": [[0.1]], "R": [[1.0]], "P0": [[1.0]]}
VERBS = (dl.filter, dl.smooth, dl.impute, dl.log_likelihood)


def series(y):
    return dl.from_arrays(np.asarray(y, float)[:, None], dt=1.0, output_names=["y"])


def model(transition=lambda t, x, u, s: 0.9 * x, observation=lambda x, s: x, **options):
    known = {"states": 1, "inference": "unscented", "key": 0, **options}
    return NonlinearStateSpace(STEP, transition=transition, observation=observation, **known).as_fitted()


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
@pytest.mark.parametrize(
    "broken",
    [
        model(transition=lambda t, x, u, s: jnp.log(x - 100)),
        model(observation=lambda x, s: jnp.sqrt(-1 - x**2)),
        model(observation=lambda x, s: x, outputs="poisson", start=([-5.0], [[1.0]])),
    ],
    ids=["transition", "observation", "rate"],
)
def test_a_law_that_is_not_finite_is_an_error_that_says_where(verb, broken):
    ds = series([1.0, 2.0, np.nan, 3.0, 1.0])
    with pytest.raises(DivergedError, match=rf"{verb.__name__}: run 0 is not finite from t = \d on"):
        verb(broken, ds)


@pytest.mark.parametrize(
    ("law", "value", "words"),
    [
        ("poisson", 2.5, "expected whole numbers >= 0 for the law 'poisson', got 2.5 in run 0 at sample 3"),
        ("negative_binomial", -1, "expected whole numbers >= 0"),
        ("bernoulli", 2, "expected 0 or 1 for the law 'bernoulli', got 2"),
    ],
)
def test_outputs_that_are_not_of_their_law(law, value, words):
    ds = series([0, 1, 1, value, 0, 1])
    chosen = model(observation=lambda x, s: 0.5 + 0 * x, outputs=law)
    for verb in (
        *VERBS,
        lambda m, ds: dl.fit(m, ds, progress=False),
        lambda m, ds: dl.forecast(m, ds, horizon=1),
    ):
        with pytest.raises(ArgumentError, match=words):
            verb(chosen, ds)
    with pytest.raises(ArgumentError, match=words):
        NonlinearStateSpace.from_data(ds, outputs=law)


def raising():
    raise NotImplementedError


@pytest.mark.parametrize(
    ("transition", "words"),
    [
        (
            lambda t, x, u, s: x if x[0] > 0 else -x,
            r"calling it failed: TracerBool.*jnp\.where instead of if",
        ),
        (lambda t, x, u, s: raising(), r"calling it failed: NotImplementedError\. It is compiled by JAX"),
        (lambda t, x, u, s: np.sin(x), "use jax.numpy instead of numpy"),
        (lambda t, x, u, s: x * 1j, "of real floating numbers, got complex64 back"),
        (lambda t, x, u, s: x > 0, "of real floating numbers, got bool back"),
        (lambda t, x, u, s: 0.5, r"got 0\.5 back"),
    ],
)
def test_functions_that_cannot_be_compiled(transition, words):
    with pytest.raises(ArgumentError, match=words):
        model(transition=transition)


@pytest.mark.parametrize(
    ("matrices", "words"),
    [
        ({"A": [[1j]]}, "A: expected a matrix of real numbers"),
        ({"A": "a"}, "A: expected a matrix of real numbers, got 'a'"),
        ({"R": [[np.nan]]}, r"R: expected finite numbers, got \[\[nan\]\]"),
    ],
)
def test_matrices(matrices, words):
    with pytest.raises(ArgumentError, match=words):
        LinearStateSpace.from_matrices(STEP, WALK | matrices)


def test_em_does_not_hand_back_what_is_not_finite():
    ds = series(np.random.default_rng(0).normal(size=20))
    silent = LinearStateSpace.from_matrices(STEP, WALK | {"Q": [[0.0]], "R": [[0.0]], "P0": [[0.0]]})
    with pytest.raises(
        FitError, match="EM: the likelihood is not finite in step 1; give every noise a variance"
    ):
        dl.fit(silent, ds, progress=False)
    single = dl.from_arrays([[[float(k)]] for k in range(12)], dt=1.0, output_names=["y"])
    with pytest.raises(FitError, match="EM: no run has two samples"):
        dl.fit(LinearStateSpace.from_matrices(STEP, WALK), single, progress=False)
    with pytest.raises(ArgumentError, match="objective: expected None, EM has its own"):
        dl.fit(
            LinearStateSpace.from_matrices(STEP, WALK),
            ds,
            method="em",
            objective="expectation",
            progress=False,
        )
    with pytest.raises(ArgumentError, match="interval: expected a time > 0, or None, got -1"):
        Signature(("y",), interval=-1.0)


@pytest.mark.parametrize("gap", [1e3, 1e5, 1e9])
def test_across_a_long_gap_a_stable_model_returns_to_its_stationary_law(gap):
    stable = {"A": [[-0.5, 1.0], [-1.0, -0.5]], "C": [[1.0, 0.0]], "Q": np.eye(2), "R": [[0.1]]}
    known = LinearStateSpace.from_matrices(Signature(("y",)), stable)
    ds = dl.from_arrays(np.array([[0.3], [5.0], [np.nan]]), times=[0.0, 1.0, 1.0 + gap], output_names=["y"])
    found = dl.filter(known, ds).isel(trajectory=0, time=2)
    np.testing.assert_allclose(found["state_mean"], 0.0, atol=1e-9)
    np.testing.assert_allclose(found["state_scale"], 1.0, rtol=1e-9)  # A P + P A' + Q = 0 has P = I


def test_particles_say_how_many_of_them_count():
    """Measured where the model expects nothing, a few points hold all the weight; where nothing was, all count."""
    matrices = {"A": [[0.9]], "C": [[1.0]], "Q": [[0.1]], "R": [[0.01]], "P0": [[1.0]]}
    model = dl.models.LinearStateSpace.from_matrices(dl.models.Signature(("y",), interval=1.0), matrices)
    y = np.array([0.0, np.nan, 0.1, 9.0, np.nan])
    ds = dl.from_arrays([y[:, None], y[:2, None]], dt=1.0, output_names=["y"])
    found = dl.filter(model, ds, method=dl.inference.Particle(size=200, threshold=1.0))["effective_size"]
    assert found.dims == ("trajectory", "time")
    sizes = found.values
    assert sizes[0, 1] == pytest.approx(200)
    assert 10 < sizes[0, 2] < 190
    assert sizes[0, 3] < 3
    assert np.isnan(sizes[1, 2:]).all()
    assert "effective_size" not in dl.filter(model, ds)


@pytest.mark.parametrize("form", ["linear", "nonlinear"])
def test_a_run_of_one_sample_is_a_run(form):
    ds = dl.from_arrays([[[0.3]], [[0.1]]], times=[[0.0], [2.0]])
    signature = Signature(ds.dyn.outputs, longest_step=0.1)
    build = dl.models.ContinuousDiscrete
    one = build(signature, form=form, states=2, decoder="identity", width=4, memory=4, key=0).as_fitted()
    assert np.isfinite(dl.smooth(one, ds)["state_mean"]).all()
    assert np.isfinite(dl.log_likelihood(one, ds)).all()
    with pytest.raises(ArgumentError, match="the context has one sample per run, so a step has no length"):
        dl.forecast(one, ds, horizon=2)
