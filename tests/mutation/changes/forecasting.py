"""Changes of dynlearn/forecasting."""

from .._change import Change

CHANGES = [
    Change(
        "path noise and measurement noise share one key",
        "dynlearn/forecasting/_draws.py",
        "jax.random.split(for_outputs, ahead[-1].shape[0])",
        "jax.random.split(for_steps, ahead[-1].shape[0])",
        ("tests/forecasting/test_draws.py",),
    ),
    Change(
        "the present control is that of the sample before",
        "dynlearn/forecasting/_controls.py",
        "values[np.arange(index.size), index]",
        "values[np.arange(index.size), index - 1]",
        ("tests/forecasting/test_by_hand.py",),
    ),
    Change(
        "a forecast starts one step late",
        "dynlearn/forecasting/border.py",
        "interval * np.arange(1, horizon + 1)",
        "interval * np.arange(2, horizon + 2)",
        ("tests/forecasting/test_by_hand.py",),
    ),
    Change(
        "runs of named controls keep the order they came in",
        "dynlearn/forecasting/_controls.py",
        "array = array.sel(trajectory=ids)",
        "array = array.sel(trajectory=array['trajectory'].values)",
        ("tests/forecasting/test_by_hand.py",),
    ),
    Change(
        "named controls keep the order they came in",
        "dynlearn/forecasting/_controls.py",
        "array = array.sel(control_name=list(names))",
        "array = array.sel(control_name=array['control_name'].values)",
        ("tests/forecasting/test_by_hand.py",),
    ),
    Change(
        "a free run starts one sample early",
        "dynlearn/forecasting/simulate.py",
        "now = np.full(t.shape[0], warmup - 1)",
        "now = np.full(t.shape[0], warmup - 2)",
        ("tests/forecasting/test_by_hand.py",),
    ),
    Change(
        "a free run is driven by the controls of the next sample",
        "dynlearn/forecasting/simulate.py",
        "_controls(model, ds)[:, warmup - 1 :]",
        "np.roll(_controls(model, ds), -1, 1)[:, warmup - 1 :]",
        ("tests/forecasting/test_by_hand.py",),
    ),
    Change(
        "further draws count in the mean of the paths",
        "dynlearn/forecasting/_paths.py",
        "counts = jnp.arange(drawn)[:, None, None] < samples",
        "counts = jnp.arange(drawn)[:, None, None] < drawn",
        ("tests/properties/test_buckets.py::test_padding_changes_no_result",),
    ),
]
