"""Subspace identification: exact without noise, near the bound with it, and in words where it cannot work."""

import numpy as np
import pytest
import scipy.linalg
from scipy.optimize import linear_sum_assignment
from scipy.stats import multivariate_normal

from dynlearn.errors import ArgumentError, FitError
from dynlearn.identification import _innovations
from dynlearn.identification import _states as _subspace_states
from dynlearn.identification._data import DENSE, gather
from dynlearn.identification._states import stabilised
from dynlearn.identification.subspace import METHODS, OrderScores, identify

A = scipy.linalg.block_diag(
    [[0.9 * np.cos(0.6), -0.9 * np.sin(0.6)], [0.9 * np.sin(0.6), 0.9 * np.cos(0.6)]], 0.6
)
B = np.array([[1.0, 0.2], [0.0, 1.0], [0.8, -0.5]])
C = np.array([[1.0, 0.0, 1.0], [0.3, 1.0, -0.5]])
D = np.array([[0.4, 0.0], [-0.2, 0.7]])
K = np.array([[0.3, 0.1], [0.0, 0.2], [0.1, -0.2]])


def simulated(lengths, *, seed=0, B=B, C=C, D=0 * D, K=K, noise=0.0, process=0.0, gaps=0.0):
    """Outputs and controls; `noise` on the outputs, `process` innovations through K."""
    rng = np.random.default_rng(seed)
    outputs, controls = [], []
    for length in lengths:
        u, x = rng.normal(size=(length, B.shape[1])), rng.normal(size=len(A))
        y = np.empty((length, len(C)))
        for t in range(length):
            e = process * rng.normal(size=len(C))
            y[t] = C @ x + D @ u[t] + e
            x = A @ x + B @ u[t] + K @ e
        y += noise * rng.normal(size=y.shape)
        y[rng.random(y.shape) < gaps] = np.nan
        outputs.append(y)
        controls.append(u)
    return outputs, controls


def impulse(count, B=B, C=C, D=0 * D):
    return np.stack([D, *(C @ np.linalg.matrix_power(A, k) @ B for k in range(count - 1))])


def error(found, true=A):
    apart = np.abs(found.poles[:, None] - np.linalg.eigvals(true))
    return apart[linear_sum_assignment(apart)].max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_without_noise_the_system_is_recovered(method, gaps):
    outputs, controls = simulated((60, 35, 80), gaps=gaps)
    for refine in (0, 5):
        found = identify(outputs, controls, 3, method=method, refine=refine)
        assert error(found) < 1e-8
        np.testing.assert_allclose(found.markov(8), impulse(8), atol=1e-8)


def test_more_gaps_than_the_dense_solution_takes():
    outputs, controls = simulated((2500,), gaps=0.1)
    assert np.isnan(outputs[0]).sum() > DENSE
    assert error(identify(outputs, controls, 3, refine=0)) < 1e-8


def test_states_are_those_of_the_runs():
    outputs, controls = simulated((60, 35), gaps=0.1)
    found = identify(outputs, controls, 3)
    for y, u, x in zip(outputs, controls, found.x0, strict=True):
        for t in range(len(y)):
            seen = ~np.isnan(y[t])
            np.testing.assert_allclose((found.C @ x)[seen], y[t][seen], atol=1e-8)
            x = found.A @ x + found.B @ u[t]


def test_feedthrough():
    outputs, controls = simulated((60, 80), D=D, gaps=0.1)
    for method in METHODS:
        found = identify(outputs, controls, 3, feedthrough=True, method=method)
        np.testing.assert_allclose(found.markov(6), impulse(6, D=D), atol=1e-8)
    assert not identify(*simulated((60, 80)), 3).D.any()


def test_one_control_and_one_output():
    outputs, controls = simulated((80, 50), B=B[:, :1], C=C[:1], D=D[:1, :1], K=K[:, :1])
    found = identify(outputs, controls, 3, feedthrough=True)
    np.testing.assert_allclose(found.markov(6), impulse(6, B[:, :1], C[:1], D[:1, :1]), atol=1e-8)


def test_units_do_not_matter():
    outputs, controls = simulated((150, 90), noise=0.02, gaps=0.1)
    y_unit, u_unit = np.array([1e6, 1e-5]), np.array([1e-4, 1e3])
    one = identify(outputs, controls, 3)
    two = identify([y * y_unit for y in outputs], [u * u_unit for u in controls], 3)
    np.testing.assert_allclose(two.markov(6) * u_unit / y_unit[:, None], one.markov(6), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        two.log_likelihood + sum((~np.isnan(y) * np.log(y_unit)).sum() for y in outputs), one.log_likelihood
    )


def test_cut_into_pieces_the_same_system_comes_out():
    (y,), (u,) = simulated((240,))
    cuts = [40, 110, 150]
    pieces = identify(np.split(y, cuts), np.split(u, cuts), 3)
    np.testing.assert_allclose(pieces.markov(8), identify([y], [u], 3).markov(8), atol=1e-8)
    assert pieces.x0.shape == (4, 3)


def test_a_run_too_short_for_a_window_still_counts():
    outputs, controls = simulated((200, 200, 4, 3), noise=0.02)
    found = identify(outputs, controls, 3)
    assert found.x0.shape == (4, 3)
    assert error(found) < 0.01


@pytest.mark.parametrize("gaps", [0.1, 0.2, 0.4])
def test_noisy_gappy_ragged_runs(gaps):
    lengths = np.random.default_rng(0).integers(50, 120, 24)
    outputs, controls = simulated(lengths, noise=0.02, gaps=gaps)
    refined, closed = (identify(outputs, controls, 3, refine=steps) for steps in (10, 0))
    assert error(refined) < 2e-3
    assert error(closed) < 6e-3
    assert refined.log_likelihood > closed.log_likelihood
    np.testing.assert_allclose(refined.R, 0.02**2 * np.eye(2), atol=1e-4)


def test_innovations_of_a_stochastic_system():
    outputs, controls = simulated([150] * 20, process=0.3, gaps=0.1)
    found = identify(outputs, controls, 3)
    assert error(found) < 0.01
    np.testing.assert_allclose(found.R, 0.09 * np.eye(2), atol=0.01)
    np.testing.assert_allclose(found.C @ found.K, C @ K, atol=0.05)
    np.testing.assert_allclose(found.Q, found.K @ found.S.T)


def test_without_controls():
    outputs, _ = simulated(
        [150] * 20, B=np.zeros((3, 0)), D=np.zeros((2, 0)), K=K + 0.3, process=1.0, gaps=0.1
    )
    found = identify(outputs, None, 3)
    assert found.B.shape == (3, 0)
    assert error(found) < 0.05


def test_feedback_from_outputs_to_controls():
    rng, (outputs, controls) = np.random.default_rng(0), simulated([400] * 10)
    for y, u in zip(outputs, controls, strict=True):
        x = np.zeros(3)
        for t in range(len(y)):
            e = rng.normal(size=2)
            y[t] = C @ x + e
            u[t] = -0.3 * y[t] + 0.3 * rng.normal(size=2)
            x = A @ x + B @ u[t] + K @ e
    ssarx, cva = (identify(outputs, controls, 3, method=method, refine=0) for method in ("ssarx", "cva"))
    assert error(ssarx) < 0.7 * error(cva)
    refined = identify(outputs, controls, 3, method="ssarx", refine=8)
    assert error(refined) < 0.05 < 0.1 < error(ssarx)
    same = identify(outputs, controls, 3, method="cva", refine=8)
    np.testing.assert_allclose(same.log_likelihood, refined.log_likelihood, rtol=1e-5)


def test_derivatives_are_those_of_the_prediction():
    runs = gather(*simulated((40, 25), process=0.1))
    rng = np.random.default_rng(0)
    system = _innovations.Innovations(A, B, C, 0 * D, K, 0.01 * np.eye(2))
    start, moves = rng.normal(size=(2, 3)), _innovations.coordinates(system, feedthrough=True)
    found = _innovations.predict(system, start, runs, moves)
    h = 1e-6  # central differences of O(1) numbers: error about h^2 + eps / h
    for move, slope in zip(moves, np.moveaxis(found.jacobian, 2, 0), strict=True):
        up, down = (_innovations.predict(system.moved(s * move), start, runs).white for s in (h, -h))
        np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=1e-5, atol=1e-5)
    assert len(moves) == 3 * (2 + 2 + 2) + 4


def test_the_likelihood_is_that_of_the_joint_distribution():
    """Against the brute-force covariance of everything measured, gaps and all."""
    outputs, controls = simulated((9,), process=0.5, gaps=0.3)
    runs = gather(outputs, controls)
    R = np.array([[0.3, 0.1], [0.1, 0.2]])
    system = _innovations.Innovations(A, B, C, 0 * D, K, R)
    x0 = np.array([0.3, -0.2, 0.5])
    effect = np.eye(18).reshape(9, 2, 9, 2)
    mean, x = np.empty((9, 2)), x0
    for t in range(9):
        mean[t], x = C @ x, A @ x + B @ runs.u[0, t]
        for later in range(t + 1, 9):
            effect[later, :, t] = C @ np.linalg.matrix_power(A, later - t - 1) @ K
    effect = effect.reshape(18, 18)
    seen = runs.observed[0].ravel()
    covariance = (effect @ np.kron(np.eye(9), R) @ effect.T)[np.ix_(seen, seen)]
    expected = multivariate_normal(mean.ravel()[seen], covariance).logpdf(runs.y[0].ravel()[seen])
    np.testing.assert_allclose(_innovations.predict(system, x0[None], runs).log_likelihood, expected)


def test_stable_keeps_the_poles_inside():
    drift = 1.02 ** np.arange(200)[:, None] + 0.01 * np.random.default_rng(0).normal(size=(200, 1))
    free, kept = (identify([drift], None, 1, stable=stable) for stable in (False, True))
    assert np.abs(free.poles).max() > 1
    assert np.abs(kept.poles).max() < 1
    inside = stabilised(np.array([[0.0, -1.44, 5.0], [1.0, 0.0, 3.0], [0.0, 0.0, 0.5]]), 0.99)
    np.testing.assert_allclose(np.sort(np.abs(np.linalg.eigvals(inside))), [0.5, 0.99, 0.99])


@pytest.mark.parametrize("seed", range(3))
def test_the_order_is_found(seed):
    outputs, controls = simulated((120, 200, 150), seed=seed, noise=0.03, gaps=0.1)
    assert OrderScores.of(outputs, controls, range(1, 7)).best() == 3
    train, held_out = (outputs[:2], controls[:2]), (outputs[2:], controls[2:])
    scores = OrderScores.of(*train, range(1, 6), validation=held_out)
    assert scores.orders == (1, 2, 3, 4, 5)
    assert scores.best("bic") == 3
    assert scores.best("svc") in (3, 4)
    assert (scores.validation[2:] < scores.validation[1] - 0.3).all()
    assert scores.best("validation") == 3


def test_orders_that_the_data_do_not_carry():
    scores = OrderScores.of(*simulated((100, 100)), range(1, 6))
    assert np.isinf(scores.bic[3:]).all()
    assert scores.best() == 3


RUNS = simulated((60, 40), noise=0.01)


@pytest.mark.parametrize(
    ("outputs", "controls", "options", "kind", "text"),
    [
        (RUNS[0][0], RUNS[1], {}, ArgumentError, r"outputs: expected a list of arrays.*pass \[array\]"),
        ([], [], {}, ArgumentError, "outputs: expected a list"),
        (RUNS[0], RUNS[1][:1], {}, ArgumentError, r"one array per run \(2\), got 1"),
        ([RUNS[0][0][:, 0]], None, {}, ArgumentError, r"outputs\[0\]: expected an array \(time, channel\)"),
        (RUNS[0], [u[:-1] for u in RUNS[1]], {}, ArgumentError, r"controls\[0\]: expected 60 rows"),
        (RUNS[0], [u * np.nan for u in RUNS[1]], {}, ArgumentError, r"controls\[0\]: expected every value"),
        ([y * np.inf for y in RUNS[0]], RUNS[1], {}, ArgumentError, "expected finite values"),
        ([RUNS[0][0], RUNS[0][1][:, :1]], RUNS[1], {}, ArgumentError, "the same channels in every run"),
        ([y * [1, np.nan] for y in RUNS[0]], RUNS[1], {}, FitError, "output 1 was never measured"),
        (*RUNS, {"order": 0}, ArgumentError, "order: expected an integer >= 1"),
        (*RUNS, {"method": "n4sd"}, ArgumentError, "did you mean 'n4sid'"),
        (*RUNS, {"future": 1}, ArgumentError, r"at most future \* outputs = 2, got 3; pass future=3"),
        (*RUNS, {"order": 30}, FitError, r"order 30 with past=16.*the longest has 60.*lower order"),
        ([y[:8] for y in RUNS[0]], [u[:8] for u in RUNS[1]], {}, FitError, "give longer or more runs"),
        (*simulated((80, 80)), {"order": 4}, FitError, "order: expected at most 3.*use order=3"),
        (
            RUNS[0],
            [u[:, [0, 0]] for u in RUNS[1]],
            {},
            FitError,
            r"persistent excitation of order 4 for 3 states \(rank 8 .*found order 0 \(rank 4\).*copies another",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_words(outputs, controls, options, kind, text):
    with pytest.raises(kind, match=text):
        identify(outputs, controls, **{"order": 3, **options})


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("rounded", [False, True])
def test_a_sine_excites_in_two_directions_whatever_the_cut_of_its_record(noise, rounded):
    """The mean of a record that ends within a period is no excitation, and neither is float32's rounding."""
    rng = np.random.default_rng(0)
    u = 5 * np.sin(0.3 * np.arange(217))[:, None]
    y = np.zeros((217, 1))
    for k in range(2, 217):
        y[k] = 1.5 * y[k - 1] - 0.7 * y[k - 2] + u[k - 1] + noise * rng.normal()
    controls = (u - u.mean()) / u.std()
    controls = controls.astype(np.float32) if rounded else controls
    text = r"excitation of order 3 for 2 states .*found order 2 .*a sine has order 2.*at most 1 states"
    with pytest.raises(FitError, match=text):
        identify([y], [controls], 2, offset=True)
    rich = rng.choice([-1.0, 1.0], (217, 1))
    for k in range(2, 217):
        y[k] = 1.5 * y[k - 1] - 0.7 * y[k - 2] + rich[k - 1] + noise * rng.normal()
    poles = np.sort_complex(identify([y], [rich], 2, offset=True).poles)
    np.testing.assert_allclose(poles, np.sort_complex(np.roots([1, -1.5, 0.7])), atol=0.02)


def test_rich_controls_are_known_by_one_decomposition(monkeypatch):
    asked, rank = [], _subspace_states._rank
    monkeypatch.setattr(
        _subspace_states, "_rank", lambda us, span, offset: asked.append(span) or rank(us, span, offset)
    )
    u = np.random.default_rng(0).choice([-1.0, 1.0], (100, 1))
    assert _subspace_states.excitation([u], 7, False) == 7
    assert asked == [7]
    sine = np.sqrt(2) * np.sin(0.3 * np.arange(100))[:, None]
    assert _subspace_states.excitation([sine], 7, False) == 2


def test_an_order_that_the_controls_put_an_end_to_is_not_the_best():
    """A sine lets one order be tried; the system has three."""
    u = 5 * np.sin(0.3 * np.arange(300))[:, None]
    third = np.zeros((300, 3))
    A, B = np.array([[0.9, 0.3, 0], [-0.3, 0.9, 0.2], [0, 0, 0.7]]), np.array([0, 0.3, 1])
    for k in range(299):
        third[k + 1] = A @ third[k] + B * u[k]
    noise = 0.01 * np.random.default_rng(0).normal(size=(300, 1))
    y = third @ [[1.0], [0.0], [0.5]] + noise
    with pytest.raises(FitError, match=r"found order 2: 1 is the best .* orders=range\(1, 2\)\.$"):
        OrderScores.of([y], [u], [1, 2, 3]).best()
    assert OrderScores.of([y], [u], range(1, 2)).best() == 1
    k = np.arange(300)
    assert OrderScores.of([np.sin(0.3 * k)[:, None]], None, [1, 2, 3, 4]).best() == 2


def test_order_selection_refuses_in_words():
    scores = OrderScores.of(*RUNS, [1, 2])
    with pytest.raises(ArgumentError, match="did you mean 'bic'"):
        scores.best("bci")
    with pytest.raises(
        ArgumentError, match=r"criterion='validation': expected validation=\(outputs, controls\)"
    ):
        scores.best("validation")
    with pytest.raises(ArgumentError, match="orders: expected distinct"):
        OrderScores.of(*RUNS, [2, 2])
    with pytest.raises(ArgumentError, match=r"validation: expected \(outputs, controls\) = \(2, 2\)"):
        OrderScores.of(*RUNS, [1], validation=([RUNS[0][0]], None))
