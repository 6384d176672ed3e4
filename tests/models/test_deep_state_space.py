"""Deep state space: two modes of running that agree, eigenvalues, and that it learns."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.fitting.objectives.forcing.teacher_forcing import forced_and_free, teacher_forcing
from dynlearn.models.sequence.deep_state_space import DeepStateSpace
from dynlearn.numerics import precision
from dynlearn.numerics.precision import compiled
from dynlearn.trajectories.window import Window, cut

MEMORY, AHEAD = 12, 6
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


def build(ds, **options) -> DeepStateSpace:
    return DeepStateSpace.from_data(
        ds, **{"width": 6, "states": 6, "layers": 2, "memory": MEMORY, "key": 0, **options}
    )


def window_of(ds, run: int = 0, now: int = 15) -> Window:
    return cut(ds.dyn.to_device(), run, jnp.asarray(now), MEMORY, AHEAD)


def lively(model: DeepStateSpace) -> DeepStateSpace:
    """With a decoder whose corrections count."""
    return eqx.tree_at(lambda m: m.stack.decoder.weight, model, 10 * model.stack.decoder.weight)


@compiled
def forced(model, window):
    return model.forced(window)


@compiled
def inferred(model, past):
    return model.infer(past)


@compiled
def streamed(model, window):
    """Outputs forecast one by one, each measured one taken in before the next, and the last state."""

    def body(state, now):
        output, observed, control, time, interval = now
        state = model.update(state, output, observed)
        state = model.step(state, control, time, interval)
        return state, state.output

    rows = (window.output, window.observed, window.control, window.time, window.interval)
    first = model.start(window.static)
    state, found = jax.lax.scan(body, first, jax.tree.map(lambda leaf: leaf[:-1], rows))
    return model.update(state, window.output[-1], window.observed[-1]), found


def textbook(model, window):
    """The recurrence in numpy complex128, sample by sample, layer by layer."""

    def of(leaf):
        return np.asarray(leaf, np.float64)

    scaling, n = model.scaling, window.length
    y = of((window.output - scaling.output_mean) / scaling.output_scale)
    u = of((window.control - scaling.control_mean) / scaling.control_scale)
    s = of((window.static - scaling.static_mean) / scaling.static_scale)
    observed, held = np.asarray(window.observed), np.zeros(y.shape[1])
    x = [np.zeros(layer.modes.count, complex) for layer in model.stack.layers]
    found = []
    for k in range(n - 1):
        held = np.where(observed[k], y[k], held)
        dt = of(window.interval[k]) / model.interval
        v = np.concatenate([held, observed[k], u[k], s, [np.log(dt)]])
        v = of(model.stack.encoder.weight) @ v + of(model.stack.encoder.bias)
        for i, layer in enumerate(model.stack.layers):
            normed = (v - v.mean()) / np.sqrt(v.var() + 1e-5) * of(layer.norm.weight) + of(layer.norm.bias)
            modes = layer.modes
            eigenvalue = of(modes.units.rate) * (-np.exp(of(modes.log_decay)) + 1j * of(modes.frequency))
            w = (of(layer.B.weight) @ normed).reshape(2, -1)
            inflow = (np.exp(eigenvalue * dt) - 1) / eigenvalue * of(modes.units.gain)
            x[i] = np.exp(eigenvalue * dt) * x[i] + inflow * (w[0] + 1j * w[1])
            z = of(layer.C.weight) @ np.concatenate([x[i].real, x[i].imag]) + of(layer.D) * normed
            z = 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
            v = v + z / (1 + np.exp(-(of(layer.gate.weight) @ z + of(layer.gate.bias))))
        found.append(held + of(model.stack.decoder.weight) @ v + of(model.stack.decoder.bias))
    return np.array(found)


@pytest.mark.parametrize("kind", TOLERANCE)
def test_parallel_recurrent_and_textbook_agree(uneven, kind):
    """Uneven intervals, missing outputs, a control, a static feature."""
    if kind == "float64":
        with precision.float64():
            _agree(uneven, TOLERANCE[kind])
    else:
        _agree(uneven, TOLERANCE[kind])


def _agree(ds, tolerance):
    model, window = lively(build(ds)), window_of(ds)
    # From the start of the window on: a never measured output is unknown to one mode and zero to the other.
    first = int(np.argmax(np.asarray(window.observed).cumsum(0).all(1)))
    parallel = np.asarray(model.scaling.output(forced(model, window)))
    state, recurrent = streamed(model, window)
    np.testing.assert_allclose(recurrent[first:], parallel[first:], atol=tolerance)
    np.testing.assert_allclose(parallel, textbook(model, window), atol=tolerance)
    past = window[:MEMORY]
    at_once, (state, _) = inferred(model, past), streamed(model, past)
    for one, other in zip(jax.tree.leaves(at_once), jax.tree.leaves(state), strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance)


def test_samples_before_the_start_of_a_run_change_nothing(linear):
    model = lively(build(linear))
    early = window_of(linear, now=5)[:MEMORY]
    assert not np.asarray(early.valid).all()
    whole = inferred(model, early)
    real = inferred(model, early[MEMORY - 6 :])
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(real), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_window_forecast_in_parallel_is_infer_then_step(make_linear):
    for hold in ("zero", "linear"):
        ds = make_linear(hold=hold)
        model, window = lively(build(ds)), window_of(ds)
        control = window.control[MEMORY - 1 : MEMORY + 1]
        ends = control if hold == "linear" else control[0]
        now = window.time[MEMORY - 1], window.interval[MEMORY - 1]
        state = compiled(model.step)(inferred(model, window[:MEMORY]), ends, *now)
        found = model.scaling.output_inverse(state.output)
        ahead_of = forced(model, window[: MEMORY + 1])[-1]
        # With linear hold the end of the context's last interval is not known to infer.
        np.testing.assert_allclose(found, ahead_of, atol=1e-5 if hold == "zero" else 1.0)


def test_an_interval_can_be_crossed_in_pieces_by_the_recurrence(linear):
    modes = build(linear).stack.layers[0].modes
    factor, gain = modes.discretised(jnp.asarray(0.7))
    half, half_gain = modes.discretised(jnp.asarray(0.35))
    np.testing.assert_allclose(factor, half**2, rtol=1e-5)
    np.testing.assert_allclose(gain, half * half_gain + half_gain, rtol=1e-5, atol=1e-6)


def test_modes_start_on_the_stated_time_scales_and_stay_stable(linear):
    model = build(linear, states=32, memory=20, time_scales=(0.2, 1.6))
    eigenvalues = model.eigenvalues()[0]
    scales = -0.5 / eigenvalues.real
    np.testing.assert_allclose(scales.min(), 0.2, rtol=1e-5)
    np.testing.assert_allclose(scales.max(), 1.6, rtol=1e-5)
    assert np.abs(eigenvalues.imag).max() <= np.pi / 0.1 * (1 + 1e-5)
    moved = eqx.tree_at(lambda m: m.stack.layers[0].modes.log_decay, model, 5.0 * jnp.ones(32))
    assert (moved.eigenvalues().real < 0).all()


@pytest.mark.slow
def test_both_objectives_have_finite_gradients_with_gaps_and_padding(uneven):
    model = build(uneven)
    runs = uneven.dyn.to_device()
    batch = jax.vmap(lambda run, now: cut(runs, run, now, MEMORY, AHEAD))(
        jnp.array([0, 1]), jnp.array([6, 20])
    )
    for objective in (teacher_forcing, forced_and_free):
        (loss, metrics), gradient = eqx.filter_jit(eqx.filter_value_and_grad(objective, has_aux=True))(
            model, batch, jax.random.key(0)
        )
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(gradient.stack)]
        assert np.isfinite(loss)
        assert metrics
        assert all(np.isfinite(leaf).all() for leaf in leaves)
        moved = gradient.stack.layers[0].modes
        assert np.abs(moved.frequency).max() > 0
        assert np.abs(moved.log_decay).max() > 0


@pytest.mark.slow
def test_it_learns(make_linear):
    train, valid = make_linear(seed=0, lengths=(80,) * 4), make_linear(seed=1, lengths=(80,))
    model = build(train, width=12, states=8, layers=1)
    method = dl.fitting.Gradient(steps=150, batch=16, horizon=6, learning_rate=1e-2)
    result = dl.fit(model, train, valid, method, objective=forced_and_free, progress=False)
    test = make_linear(seed=2, lengths=(80,) * 2)
    scores = dl.evaluate(result.model, test, context=MEMORY, horizon=10, train=train, samples=20)
    found = scores.nrmse.mean(["lead", "output_name"])
    assert float(found.sel(model="DeepStateSpace")) < 0.3 * float(found.sel(model="persistence"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width: expected an integer >= 1"),
        ({"states": 0}, "states"),
        ({"layers": 0}, "layers"),
        ({"memory": 1}, "memory: expected an integer >= 2"),
        ({"time_scales": (2.0, 1.0)}, "two positive times in order"),
        ({"time_scales": 3.0}, "expected .shortest, longest."),
        ({"interval": 0.0}, "interval: expected a positive time"),
        ({"hidden": 3}, "unknown option 'hidden'"),
    ],
)
def test_what_is_wrong_is_said(linear, options, message):
    with pytest.raises(ArgumentError, match=message):
        build(linear, **options)


def test_teacher_forcing_needs_a_parallel_pass(linear):
    model = dl.models.NeuralMap.from_data(linear, hidden=0, memory=1, width=4)
    with pytest.raises(ArgumentError, match="expected a model with a parallel pass"):
        dl.fit(model, linear, method=dl.fitting.Gradient(steps=1), objective=teacher_forcing, progress=False)
