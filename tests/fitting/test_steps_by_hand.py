"""One step of a fit against the same written out: by the joint Gaussian of the runs, by counts, by loops."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.filtering.processes.switches import Markov
from dynlearn.fitting.methods.likelihood._switching_odds import OTHERS, fitted_switch
from dynlearn.fitting.methods.likelihood._switching_step import improved
from dynlearn.fitting.objectives.forcing.teacher_forcing import teacher_forcing
from dynlearn.identification import subspace
from dynlearn.models import DeepStateSpace, LinearStateSpace, Persistence, Signature, SwitchingLinear
from dynlearn.trajectories.window import cut

from ..inference.reference import Joint, linear

MATRICES = {"A": [[0.8]], "C": [[1.3]], "Q": [[0.5]], "R": [[0.4]], "m0": [0.2], "P0": [[1.5]]}


def gappy():
    """Two runs, 17 samples, 15 transitions, 12 measured samples."""
    rng = np.random.default_rng(3)
    y = [rng.normal(size=(n, 1)) for n in (9, 8)]
    y[0][[1, 4, 5]], y[1][[0, 3]] = np.nan, np.nan
    return dl.from_arrays(y, dt=1.0, output_names=["y"])


def test_a_step_of_em_is_the_regression_of_what_the_joint_gaussian_expects():
    """A, c, Q of the transitions; C and R of the measured samples, and of no others."""
    model, ds = LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), MATRICES), gappy()
    zz, zx, xx, yx, yy, outputs, moved, seen = (0.0,) * 8
    for run in range(2):
        rows, y = linear(model, ds, run)
        m, V, *_ = Joint.of(rows).given(y)
        second = V + np.outer(m, m)
        for k in range(len(m) - 1):
            zz = zz + np.array([[second[k, k], m[k]], [m[k], 1.0]])
            zx = zx + np.array([second[k, k + 1], m[k + 1]])
            xx, moved = xx + second[k + 1, k + 1], moved + 1
        for k in np.flatnonzero(np.isfinite(y[:, 0])):
            yx, yy, outputs = yx + y[k, 0] * m[k], yy + y[k, 0] ** 2, outputs + second[k, k]
            seen += 1
    A, c = np.linalg.solve(zz, zx)
    C = yx / outputs
    wanted = {"A": A, "C": C, "Q": (xx - zx @ [A, c]) / moved, "R": (yy - C * yx) / seen}
    fitted = dl.fit(model, ds, method=dl.fitting.EM(steps=1), progress=False).model
    for name, value in wanted.items():
        np.testing.assert_allclose(fitted.matrices()[name], [[value]], rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(fitted.offsets()["c"], [c], rtol=1e-3)


def test_transitions_are_counted_from_their_row_to_their_column():
    weight = np.array([[5.0, 3.0], [1.0, 2.0]])
    counts = weight + OTHERS + 0.5 * np.eye(2)
    found = fitted_switch(
        Markov(jnp.zeros((2, 2))), jnp.asarray(weight)[None, None], jnp.zeros((1, 1, 2, 2, 1)), 0.5
    )
    np.testing.assert_allclose(np.exp(found.logits), counts / counts.sum(1, keepdims=True), rtol=1e-6)


def test_a_step_of_switching_em_counts_the_regimes_that_the_outputs_show():
    """Outputs at 0 or 10 leave no doubt: 0 0 1 1 1 1 0 0 0 1 has three 0 0, two 0 1, one 1 0 and three 1 1."""
    shown = np.array([0, 0, 1, 1, 1, 1, 0, 0, 0, 1])
    each = [{"A": [[0.0]], "C": [[0.0]], "d": [d], "Q": [[1.0]], "R": [[0.1]]} for d in (0.0, 10.0)]
    signature = Signature(("y",), interval=1.0)
    model = SwitchingLinear.from_matrices(signature, each, transition=[[0.5, 0.5], [0.5, 0.5]])
    noise = 0.1 * np.random.default_rng(0).normal(size=10)
    ds = dl.from_arrays((10.0 * shown + noise)[:, None], dt=1.0, output_names=["y"])
    counts = np.array([[3.0, 2.0], [1.0, 3.0]]) + OTHERS
    found = improved(model, ds.dyn.to_device(), 0.0)[0].transition()["probabilities"]
    np.testing.assert_allclose(found, counts / counts.sum(1, keepdims=True), rtol=1e-3)


def test_the_penalties_of_an_order_are_those_of_its_parameters():
    """aic and bic rest on the same likelihood: their difference is known, by the counts of runs and values."""
    rng = np.random.default_rng(0)
    y = [np.zeros((n, 1)) for n in (60, 50)]
    for run in y:
        for k in range(1, len(run)):
            run[k] = 0.8 * run[k - 1] + rng.normal()
    y[0][7] = np.nan
    found = subspace.OrderScores.of(y, None, [1, 2])
    n, runs, N = np.array([1, 2]), 2, 109
    d = 2 * n
    bic_less_aic = d * np.log(N) + n * runs * np.log(N / runs) - 2 * (d + n * runs)
    np.testing.assert_allclose(found.bic - found.aic, bic_less_aic, rtol=1e-9)


def test_the_error_law_is_that_of_the_validation_data():
    """Random walks of other steps: persistence is off by sqrt(k) steps at lead k."""
    train, valid = (
        dl.from_arrays(size * np.random.default_rng(seed).normal(size=(1500, 1)).cumsum(0), dt=1.0)
        for seed, size in ((0, 1.0), (1, 3.0))
    )
    model = Persistence.from_data(train)
    for held_out, step in ((valid, 3.0), (None, 1.0)):
        result = dl.fit(model, train, held_out, progress=False, calibration_horizon=4)
        scale = dl.forecast(result.model, valid, 4, samples=1)["output_scale"].values.ravel()
        np.testing.assert_allclose(scale, step * np.sqrt(np.arange(1, 5)), rtol=0.1)
        assert result.statistics["calibrated_on"] == ("train" if held_out is None else "validation")


def test_teacher_forcing_counts_what_is_measured_and_has_something_before_it():
    """Of a window that starts before its run, sample by sample."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(10, 2)) * 5
    y[4, 1] = np.nan
    ds = dl.from_arrays(y, dt=0.1)
    model = DeepStateSpace.from_data(ds, width=4, states=4, layers=1, memory=6, key=0)
    window = cut(ds.dyn.to_device(), 0, jnp.asarray(3), 6, 4)  # two samples of padding, then 0 .. 7
    forecast = np.asarray(eqx.filter_jit(model.forced)(window))  # of samples 1 .. 9 of the window
    scale, squares = np.asarray(model.scaling.output_scale), []
    for k in range(1, 8):  # sample 0 of the run has nothing before it
        for j in range(2):
            if np.isfinite(y[k, j]):
                squares.append(((y[k, j] - forecast[k + 1, j]) / scale[j]) ** 2)
    assert len(squares) == 13
    loss, metrics = teacher_forcing(model, jax.tree.map(lambda leaf: leaf[None], window), jax.random.key(0))
    assert float(loss) == pytest.approx(np.mean(squares), rel=1e-4)
    assert float(metrics["rmse"]) == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-4)
