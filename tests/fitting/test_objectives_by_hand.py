"""Objectives against sums written out, over uneven windows with gaps; and the windows they are taken over."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import dynlearn as dl
from dynlearn.fitting.criteria import CRITERIA
from dynlearn.fitting.examples import Examples, lead_times
from dynlearn.fitting.objectives.forcing.teacher_forcing import forced_and_free
from dynlearn.fitting.objectives.likelihood import likelihood
from dynlearn.fitting.objectives.multi_step import multi_step
from dynlearn.fitting.objectives.relative_error import relative_error
from dynlearn.models import ARX, DeepStateSpace, ErrorGrowth, Persistence, Scaling, Signature
from dynlearn.trajectories.window import cut

MEAN, SCALE, TIMES = 2.0, 3.0, np.array([0.0, 0.2, 0.7, 1.0, 1.9, 2.1])
Y = np.array([[1.0, 4.0, 5.0, np.nan, 2.0, 0.5], [3.0, 3.5, np.nan, 1.0, 6.0, 2.5]])


@pytest.fixture(scope="module")
def model() -> ARX:
    """z_{k+1} = 0.8 z_k + 0.1 in scaled units, with an error that grows with time."""
    one = jnp.ones(1)
    scaling = eqx.tree_at(
        lambda s: (s.output_mean, s.output_scale), Scaling.unit(1), (MEAN * one, SCALE * one)
    )
    law = ErrorGrowth(0.3 * one, 0.5 * one, 0.7 * one, one, one)
    return ARX(Signature(("y",), interval=1.0), scaling, jnp.array([[0.8, 0.1]]), law, 0, 0)


@pytest.fixture(scope="module")
def batch():
    runs = dl.from_arrays(list(Y[..., None]), times=TIMES).dyn.to_device()
    return jax.vmap(lambda run: cut(runs, run, 1, 1, 3))(jnp.arange(2))


def forecasts() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scaled mean and spread at samples 2, 3, 4 from sample 1, and what was measured, scaled."""
    z = (Y - MEAN) / SCALE
    now, mean = z[:, 1], []
    for _ in range(3):
        now = 0.8 * now + 0.1
        mean.append(now)
    lead = TIMES[2:5] - TIMES[1]
    spread = np.sqrt(0.3**2 + 0.5**2 * (1 - np.exp(-lead / 0.7)))
    return np.stack(mean, 1), np.broadcast_to(spread, (2, 3)), z[:, 2:5]


def test_multi_step_is_the_mean_square_of_what_was_measured(model, batch):
    mean, _, z = forecasts()
    loss, metrics = multi_step(model, batch, jax.random.key(0))
    assert float(loss) == pytest.approx(np.nanmean((z - mean) ** 2), rel=1e-5)
    assert float(metrics["rmse"]) == pytest.approx(np.sqrt(np.nanmean((z - mean) ** 2)), rel=1e-5)


def test_the_relative_error_is_the_mean_logarithm_of_each_windows_mean_square(model, batch):
    mean, _, z = forecasts()
    each = np.nanmean((z - mean) ** 2, axis=1)
    loss, metrics = relative_error(model, batch, jax.random.key(0))
    assert float(loss) == pytest.approx(np.log(each + 1e-4).mean(), rel=1e-5)
    assert float(metrics["rmse"]) == pytest.approx(np.sqrt(np.nanmean((z - mean) ** 2)), rel=1e-5)
    assert float(CRITERIA["relative"](model, batch, jax.random.key(0))) == float(loss)
    blank = eqx.tree_at(lambda w: w.observed, batch, batch.observed.at[1].set(False))
    one, _ = relative_error(model, blank, jax.random.key(0))
    assert float(one) == pytest.approx(np.log(each[0] + 1e-4), rel=1e-5)


def test_the_likelihood_is_that_of_the_error_law_at_each_lead(model, batch):
    mean, spread, z = forecasts()
    log_p = scipy.stats.norm.logpdf(z, mean, spread) - np.log(SCALE)
    assert float(likelihood(model, batch, jax.random.key(0))[0]) == pytest.approx(
        -np.nanmean(log_p), rel=1e-5
    )


def test_lead_times_count_from_the_last_sample_of_the_past(model, batch):
    np.testing.assert_allclose(
        jax.vmap(lambda w: lead_times(model, w))(batch), [TIMES[2:5] - TIMES[1]] * 2, rtol=1e-5
    )


def test_teacher_forcing_and_free_run_have_their_weights(linear):
    model = DeepStateSpace.from_data(linear, width=4, states=4, layers=1, memory=3, key=0)
    runs = linear.dyn.to_device()
    batch = jax.vmap(lambda now: cut(runs, 0, now, 3, 3))(jnp.array([4, 9]))
    loss, parts = eqx.filter_jit(forced_and_free)(model, batch, jax.random.key(0), 0.2)
    assert float(loss) == pytest.approx(
        0.8 * float(parts["forced"]) ** 2 + 0.2 * float(parts["free"]) ** 2, rel=1e-5
    )
    assert abs(float(parts["forced"]) / float(parts["free"]) - 1) > 0.01


def test_anchors_are_the_instants_with_a_past_and_a_measured_future():
    """Persistence needs one measured value of its last 2 samples; one of the next 2 has to be measured."""
    n = np.nan
    y = [np.array([1.0, n, n, n, 2.0, 3.0, n, n, n]), np.array([n, n, 1.0, 2.0])]
    ds = dl.from_arrays([run[:, None] for run in y], dt=1.0)
    found = Examples.of(Persistence.from_data(ds, memory=2), ds, 2, "test")
    expected = [
        (i, k)
        for i, run in enumerate(y)
        for k in range(len(run))
        if np.isfinite(run[max(0, k - 1) : k + 1]).any() and np.isfinite(run[k + 1 : k + 3]).any()
    ]
    assert list(zip(found.run.tolist(), found.now.tolist(), strict=True)) == expected
    assert expected == [(0, 4), (1, 2)]
