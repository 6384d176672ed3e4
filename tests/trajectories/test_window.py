"""Windows cut on the device, against a naive version in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import dynlearn as dl
from dynlearn.trajectories.window import Window, cut

jitted = jax.jit(cut, static_argnames=("past", "future"))


def naive(runs: Window, run: int, now: int, past: int, future: int) -> dict[str, np.ndarray]:
    """Sample by sample; outside the run everything is zero, and not valid."""
    length = int(np.asarray(runs.valid[run]).sum())
    rows = {name: [] for name in ("interval", "output", "observed", "control", "valid")}
    for k in range(now - past + 1, now + future + 1):
        inside = 0 <= k < length
        for name, values in rows.items():
            source = np.asarray(getattr(runs, name)[run])
            values.append(source[k] if inside else np.zeros_like(source[0]))
    return {name: np.array(values) for name, values in rows.items()}


@given(st.data())
def test_cut_is_what_the_naive_version_says(data):
    lengths = data.draw(st.lists(st.integers(1, 6), min_size=3, max_size=3).map(lambda n: [*n, 6]))
    past, future = data.draw(st.sampled_from([(1, 0), (1, 3), (4, 0), (4, 3), (8, 8)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    outputs = [np.where(rng.random((n, 2)) < 0.3, np.nan, rng.normal(size=(n, 2))) for n in lengths]
    times = [np.cumsum(rng.uniform(0.1, 1.0, n)) for n in lengths]
    controls = [rng.normal(size=(n, 1)) for n in lengths]
    runs = dl.from_arrays(outputs, controls, times=times).dyn.to_device()
    run = data.draw(st.integers(0, 3))
    now = data.draw(st.integers(-2, 8))
    window = jitted(runs, jnp.asarray(run), jnp.asarray(now), past, future)
    assert window.length == past + future
    for name, expected in naive(runs, run, now, past, future).items():
        np.testing.assert_array_equal(getattr(window, name), expected, err_msg=name)


def test_lag_counts_back_from_the_last_sample_in_exact_intervals():
    """Far from t = 0 the instants are rounded in float32; the lags are not."""
    times = 1e6 + np.array([0.0, 0.01, 0.03, 0.06])
    runs = dl.from_arrays(np.zeros(4), times=times).dyn.to_device()
    window = jitted(runs, jnp.asarray(0), jnp.asarray(3), 6, 0)
    assert window.valid.tolist() == [False, False, True, True, True, True]
    np.testing.assert_allclose(window.lag, [-0.06, -0.06, -0.06, -0.05, -0.03, 0.0], rtol=1e-5, atol=1e-9)
