# ruff: noqa: E501  (a table reads better with its rows on one line)
"""Bad input to models, fit, forecast, simulate, evaluate, save and load, and the words the user gets."""

import inspect
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import (
    ArgumentError,
    DivergedError,
    DynlearnError,
    FileFormatError,
    FitError,
    SchemaError,
)
from dynlearn.fitting import Gradient, LeastSquares, calibrate
from dynlearn.models import ARX, FAMILIES, Ensemble, Koopman, NeuralODE, Persistence
from dynlearn.parts.liftings import dictionaries
from dynlearn.solvers import Adaptive, FixedStep
from tests.disk.tampering import manifest_changed

NAN = np.nan
QUICK = Gradient(steps=2, batch=2, horizon=2, validate_every=2)


@pytest.fixture(scope="module")
def given(linear, uneven, make_linear, tmp_path_factory) -> SimpleNamespace:
    """Everything the rows need, made once."""
    folder = tmp_path_factory.mktemp("files")
    arx = calibrate(ARX.from_data(linear, delays=1, gap=3), linear)
    node = calibrate(NeuralODE.from_data(linear, hidden=0, memory=1, width=4), linear)
    free = uneven.drop_dims(["control_name", "static_name"])
    dl.save(arx, folder / "good")
    (folder / "truncated").write_bytes((folder / "good").read_bytes()[:400])
    (folder / "text").write_text("t,y\n0,1\n")
    rewritten(folder, "version", lambda m: m.update(version=99))
    rewritten(folder, "class", lambda m: m["content"].update({"class": "elsewhere.Model"}))
    rewritten(folder, "field", lambda m: m["content"]["fields"].pop("gap"))
    rewritten(folder, "kind", lambda m: m.update(kind="dynlearn checkpoint"))
    rewritten(folder, "index", lambda m: m["content"]["fields"].update(weights={"array": 999}))
    rewritten(folder, "count", lambda m: m.update(arrays="many"))
    rewritten(folder, "other", lambda m: m.update(content=[1, 2]))
    with jax.enable_x64(True):
        dl.save(ARX.from_data(linear, delays=1), folder / "double")
    return SimpleNamespace(
        ds=linear,
        context=linear.isel(time=slice(0, 20)),
        short=linear.isel(time=slice(0, 1)),
        u=np.zeros((3, 1)),
        uneven=uneven,
        make=make_linear,
        arx=arx,
        node=node,
        free=calibrate(NeuralODE.from_data(free, hidden=0, memory=1, width=4), free),
        folder=folder,
        empty=linear.assign(output=linear["output"] * NAN),
        interpolated=make_linear(hold="linear"),
    )


def rewritten(folder: Path, name: str, change: Callable) -> None:
    """The good file with its manifest changed."""
    manifest_changed(folder / "good", folder / name, change)


def renamed(ds, kind, names):
    return ds.assign_coords({f"{kind}_name": np.array(names, dtype=object)})


def unit(ds, kind, units):
    return ds.assign_coords({f"{kind}_unit": (f"{kind}_name", np.array(units, dtype=object))})


def slower(g):
    return g.make(dt=0.2)


def forecast(g, model=None, context=None, horizon=3, **options):
    options = {"controls": g.u, "samples": 2, **options}
    return dl.forecast(
        g.arx if model is None else model, g.context if context is None else context, horizon, **options
    )


def fit(g, model=None, train=None, valid=None, method=None, **options):
    return dl.fit(
        g.arx if model is None else model,
        g.ds if train is None else train,
        valid,
        method,
        progress=False,
        **options,
    )


def evaluate(g, **options):
    return dl.evaluate(
        options.pop("model", g.arx),
        options.pop("test", g.ds),
        **{"context": 10, "horizon": 5, "samples": 2, **options},
    )


def unnamed(g):
    net = eqx.nn.MLP(3, 2, 4, 2, activation=lambda x: x**2, key=jax.random.key(0))
    dl.save(eqx.tree_at(lambda m: m.field, g.node, net), g.folder / "lambda")


def exploding(g):
    model = eqx.tree_at(lambda m: m.weights, g.arx, 1e30 * jnp.ones_like(g.arx.weights))
    return forecast(g, model)


ROWS: list[tuple[str, Callable, type[Exception], str]] = [
    # models
    (
        "lifting near miss",
        lambda g: Koopman.from_data(g.ds, lifting="polynomal"),
        ArgumentError,
        r"unknown lifting 'polynomal'; did you mean 'polynomial'\? Valid: 'identity'",
    ),
    (
        "lifting of another type",
        lambda g: Koopman.from_data(g.ds, lifting=3),
        ArgumentError,
        r"lifting: expected a name or an object of dl.models.dictionaries, got 3",
    ),
    (
        "activation near miss",
        lambda g: NeuralODE.from_data(g.ds, activation="tahn"),
        ArgumentError,
        r"unknown activation 'tahn'; did you mean 'tanh'\?",
    ),
    (
        "activation of a dictionary",
        lambda g: dictionaries.Learned(activation="rely"),
        ArgumentError,
        r"unknown activation 'rely'; did you mean 'relu'\?",
    ),
    (
        "fixed scheme near miss",
        lambda g: FixedStep("rk5"),
        ArgumentError,
        r"unknown fixed-step scheme 'rk5'; did you mean 'rk4'\? Valid: 'euler', 'heun', 'midpoint', 'rk4'",
    ),
    (
        "adaptive scheme near miss",
        lambda g: Adaptive("tsit"),
        ArgumentError,
        r"unknown adaptive scheme 'tsit'; did you mean 'tsit5'\?",
    ),
    (
        "no substeps",
        lambda g: FixedStep(substeps=0),
        ArgumentError,
        r"substeps: expected an integer >= 1, got 0",
    ),
    (
        "negative tolerance",
        lambda g: Adaptive(rtol=-1.0),
        ArgumentError,
        r"rtol: expected a number > 0, got -1.0",
    ),
    (
        "solver by name",
        lambda g: NeuralODE.from_data(g.ds, solver="rk4"),
        ArgumentError,
        r"expected a solver such as dl.solvers.FixedStep\('rk4'\).* got 'rk4'",
    ),
    (
        "hidden not whole",
        lambda g: NeuralODE.from_data(g.ds, hidden=1.5),
        ArgumentError,
        r"hidden: expected an integer >= 0, got 1.5",
    ),
    (
        "no memory",
        lambda g: NeuralODE.from_data(g.ds, memory=0),
        ArgumentError,
        r"memory: expected an integer >= 1, got 0",
    ),
    (
        "persistence without memory",
        lambda g: Persistence.from_data(g.ds, memory=0),
        ArgumentError,
        r"memory: expected an integer >= 1, got 0",
    ),
    (
        "negative delays",
        lambda g: ARX.from_data(g.ds, delays=-1),
        ArgumentError,
        r"delays: expected an integer >= 0, got -1",
    ),
    (
        "negative ridge",
        lambda g: Koopman.from_data(g.ds, ridge=-0.1),
        ArgumentError,
        r"ridge: expected a finite number >= 0, got -0.1",
    ),
    (
        "degree 1",
        lambda g: dictionaries.Polynomial(1),
        ArgumentError,
        r"degree: expected an integer >= 2, got 1",
    ),
    (
        "no features",
        lambda g: dictionaries.Fourier(0),
        ArgumentError,
        r"count: expected an integer >= 1, got 0",
    ),
    (
        "bandwidth 0",
        lambda g: dictionaries.Radial(bandwidth=0.0),
        ArgumentError,
        r"bandwidth: expected a number > 0",
    ),
    (
        "more centres than data",
        lambda g: Koopman.from_data(g.ds, lifting=dictionaries.Radial(10_000)),
        ArgumentError,
        r"Radial: needs at least 10000 complete delay vectors in the data, found 87",
    ),
    (
        "delays longer than runs",
        lambda g: Koopman.from_data(g.ds, lifting=dictionaries.Delays(40)),
        FitError,
        r"no run has 42 complete samples in a row, which delays=40 needs; use delays=28 or fewer, or give runs of at least 42",
    ),
    (
        "arx delays longer than runs",
        lambda g: ARX.from_data(g.ds, delays=40),
        FitError,
        r"ARX: .*42 complete samples in a row",
    ),
    (
        "discrete model, uneven data",
        lambda g: Koopman.from_data(g.uneven),
        SchemaError,
        r"a discrete-time model needs regular sampling, got intervals between .*ds.dyn.resample\([0-9.]+\)",
    ),
    (
        "discrete model, samples left out",
        lambda g: ARX.from_data(g.ds.isel(time=[0, 1, 2, 4, 5, 6, 9])),
        SchemaError,
        r"call ds.dyn.regularize\(\) \(--regularize on the command line\) first",
    ),
    (
        "koopman, interpolated controls",
        lambda g: Koopman.from_data(g.interpolated),
        ArgumentError,
        r"expected zero-order-hold controls, got hold='linear'",
    ),
    (
        "ensemble of ensembles",
        lambda g: Ensemble.of(Ensemble.of(g.node, 2), 2),
        ArgumentError,
        r"expected a single model, got Ensemble",
    ),
    (
        "ensemble of nobody",
        lambda g: Ensemble.of(g.node, 0),
        ArgumentError,
        r"Ensemble\.of: size: expected an integer >= 1, got 0",
    ),
    (
        "member that is not there",
        lambda g: Ensemble.of(g.node, 2).member(2),
        ArgumentError,
        r"member: expected an index below 2, got 2",
    ),
    (
        "key of another type",
        lambda g: NeuralODE.from_data(g.ds, key="0"),
        ArgumentError,
        r"key: expected an int or a JAX key, got '0'; pass e.g. key=0",
    ),
    # fit
    (
        "fit what is no model",
        lambda g: fit(g, "arx"),
        ArgumentError,
        r"model: expected a dynlearn model, got str",
    ),
    (
        "method near miss",
        lambda g: fit(g, method="gradiant"),
        ArgumentError,
        r"unknown method 'gradiant'; did you mean 'gradient'\?",
    ),
    (
        "method as a class",
        lambda g: fit(g, method=Gradient),
        ArgumentError,
        r"expected a name or an object such as dl.fitting.Gradient\(steps=1000\)",
    ),
    (
        "objective near miss",
        lambda g: fit(g, g.node, method=QUICK, objective="multistep"),
        ArgumentError,
        r"unknown objective 'multistep'; did you mean 'multi_step'\?",
    ),
    (
        "objective that is no function",
        lambda g: fit(g, g.node, objective=1.0),
        ArgumentError,
        r"expected a name or a function \(model, batch, key\), got 1.0",
    ),
    (
        "objective of another family",
        lambda g: fit(g, g.node, method=QUICK, objective="latent_consistency"),
        ArgumentError,
        r"expected a model with a linear latent state, got NeuralODE; use 'multi_step'",
    ),
    (
        "least squares for a network",
        lambda g: fit(g, g.node, method="least_squares"),
        ArgumentError,
        r"a regression \(Koopman, ARX\), got NeuralODE; use method='gradient'",
    ),
    (
        "gradient for nothing",
        lambda g: fit(g, Persistence.from_data(g.ds, memory=3), method=QUICK),
        ArgumentError,
        r"Persistence has nothing to train",
    ),
    ("steps 0", lambda g: Gradient(steps=0), ArgumentError, r"steps to be an integer >= 1, got 0"),
    (
        "batch not whole",
        lambda g: Gradient(batch=8.0),
        ArgumentError,
        r"batch to be an integer >= 1, got 8.0",
    ),
    (
        "learning rate NaN",
        lambda g: Gradient(learning_rate=NAN),
        ArgumentError,
        r"expected learning_rate > 0.* got nan",
    ),
    ("average 1", lambda g: Gradient(average=1.0), ArgumentError, r"0 <= average < 1"),
    (
        "patience 0",
        lambda g: Gradient(patience=0),
        ArgumentError,
        r"patience to be an integer >= 1 \(blocks\) or None, got 0",
    ),
    (
        "ridge of a word",
        lambda g: LeastSquares(ridge="small"),
        ArgumentError,
        r"expected ridge values >= 0, got 'small'",
    ),
    ("ridge NaN", lambda g: LeastSquares(ridge=(NAN,)), ArgumentError, r"expected ridge values >= 0"),
    (
        "checkpoint of a closed form",
        lambda g: fit(g, checkpoint=g.folder / "c"),
        ArgumentError,
        r"LeastSquares does not iterate, so that there is nothing to go on from",
    ),
    (
        "calibration horizon 0",
        lambda g: fit(g, calibration_horizon=0),
        ArgumentError,
        r"calibration_horizon: expected an integer >= 1 \(steps\), got 0",
    ),
    (
        "validation of other names",
        lambda g: fit(g, valid=renamed(g.ds, "output", ["a", "b"])),
        ArgumentError,
        r"output_name: the model has \['position', 'speed'\], the data \['a', 'b'\]",
    ),
    (
        "training in other units",
        lambda g: fit(g, train=unit(g.ds, "output", ["km", "m/s"])),
        ArgumentError,
        r"output 'position': the model's unit is 'm', the data's 'km'; convert the data",
    ),
    (
        "training on nothing measured",
        lambda g: fit(g, g.node, g.empty, method=QUICK),
        FitError,
        r"train: output 'position' was never measured; give data in which some output is",
    ),
    (
        "closed form on nothing measured",
        lambda g: fit(g, train=g.empty),
        FitError,
        r"train: output 'position' was never measured; give data in which some output is",
    ),
    (
        "runs of one sample",
        lambda g: fit(g, g.node, g.short, method=QUICK),
        FitError,
        r"train: output 'position' was measured 3 times, this model needs 10 values; give more data",
    ),
    ("fit key", lambda g: fit(g, key=None), ArgumentError, r"key: expected an int or a JAX key, got None"),
    # forecast
    (
        "forecast with a result",
        lambda g: forecast(g, SimpleNamespace(model=g.arx)),
        ArgumentError,
        r"forecast: expected a fitted model, got SimpleNamespace; pass result.model",
    ),
    ("forecast from arrays", lambda g: dl.forecast(g.arx, np.zeros((3, 2)), 3), DynlearnError, r"[Dd]ataset"),
    (
        "horizon 0",
        lambda g: forecast(g, horizon=0),
        ArgumentError,
        r"horizon: expected an integer >= 1 \(a number of steps\), got 0",
    ),
    ("horizon negative", lambda g: forecast(g, horizon=-3), ArgumentError, r"horizon: .* got -3"),
    ("horizon not whole", lambda g: forecast(g, horizon=2.5), ArgumentError, r"horizon: .* got 2.5"),
    ("horizon true", lambda g: forecast(g, horizon=True), ArgumentError, r"horizon: .* got True"),
    (
        "horizon and times",
        lambda g: forecast(g, times=[2.0, 2.1, 2.2]),
        ArgumentError,
        r"either horizon .* or times .*, got horizon=3, times=",
    ),
    ("neither", lambda g: forecast(g, horizon=None), ArgumentError, r"either horizon"),
    (
        "times falling",
        lambda g: forecast(g, g.node, horizon=None, times=[2.2, 2.1, 2.3]),
        ArgumentError,
        r"strictly increasing instants after .*run 0 ends at 1\.9, got \[2\.2 2\.1 2\.3\]",
    ),
    (
        "times before the end",
        lambda g: forecast(g, g.node, horizon=None, times=[1.0, 2.1, 2.3]),
        ArgumentError,
        r"strictly increasing instants after",
    ),
    (
        "times NaN",
        lambda g: forecast(g, g.node, horizon=None, times=[2.0, NAN, 2.3]),
        ArgumentError,
        r"expected finite",
    ),
    (
        "times of two runs",
        lambda g: forecast(g, g.node, horizon=None, times=[[2.0], [2.0]]),
        ArgumentError,
        r"times: expected shape \(time,\) or \(3 runs, time\), got \(2, 1\)",
    ),
    (
        "times off the grid",
        lambda g: forecast(g, horizon=None, times=[2.0, 2.15, 2.3]),
        ArgumentError,
        r"discrete-time model with interval 0.1 s, expected instants so far apart .* got intervals from .* pass horizon",
    ),
    (
        "horizon without a step",
        lambda g: dl.forecast(g.free, g.uneven.drop_dims(["control_name", "static_name"]), 3),
        ArgumentError,
        r"unevenly sampled, so a step has no length; pass times",
    ),
    (
        "samples 0",
        lambda g: forecast(g, samples=0),
        ArgumentError,
        r"samples: expected an integer >= 1, got 0",
    ),
    (
        "forecast key",
        lambda g: forecast(g, key=1.5),
        ArgumentError,
        r"key: expected an int or a JAX key, got 1.5",
    ),
    (
        "controls missing",
        lambda g: forecast(g, controls=None),
        ArgumentError,
        r"driven by \['force'\]; pass their values at the 3 forecast instants, shape \(3, 1\) or \(3, 3, 1\)",
    ),
    (
        "controls too short",
        lambda g: forecast(g, controls=np.zeros((2, 1))),
        ArgumentError,
        r"the horizon has 3 steps, the controls 2; pass as many, or shorten it",
    ),
    (
        "controls too long",
        lambda g: forecast(g, controls=np.zeros((4, 1))),
        ArgumentError,
        r"the controls 4; cut them to the horizon",
    ),
    (
        "controls flat",
        lambda g: forecast(g, controls=np.zeros(3)),
        ArgumentError,
        r"expected shape \(3, 1\) or \(3, 3, 1\), got \(3,\)",
    ),
    (
        "controls of two runs",
        lambda g: forecast(g, controls=np.zeros((2, 3, 1))),
        ArgumentError,
        r"got \(2, 3, 1\)",
    ),
    (
        "controls NaN",
        lambda g: forecast(g, controls=[[0.0], [NAN], [0.0]]),
        ArgumentError,
        r"finite numbers at every forecast instant, got NaN or inf",
    ),
    (
        "last control infinite",
        lambda g: forecast(g, controls=[[0.0], [0.0], [np.inf]]),
        ArgumentError,
        r"got NaN or inf",
    ),
    (
        "last control NaN, interpolated",
        lambda g: dl.forecast(
            calibrate(ARX.from_data(g.interpolated, delays=0), g.interpolated),
            g.interpolated,
            3,
            controls=[[0.0], [0.0], [NAN]],
        ),
        ArgumentError,
        r"finite numbers at every forecast instant",
    ),
    (
        "controls as text",
        lambda g: forecast(g, controls=[["a"], ["b"], ["c"]]),
        ArgumentError,
        r"controls: expected numbers, got .*give an array of numbers",
    ),
    (
        "masked controls",
        lambda g: forecast(g, controls=np.ma.masked_array(np.ones((3, 1)), mask=True)),
        ArgumentError,
        r"controls: expected numbers, got a masked array; say what the masked values are",
    ),
    (
        "a key of many bits",
        lambda g: forecast(g, key=2**70),
        ArgumentError,
        r"key: expected an integer of at most 64 bits",
    ),
    (
        "fit in a traced function",
        lambda g: jax.jit(lambda key: fit(g, key=key))(jax.random.key(0)),
        ArgumentError,
        r"fit: expected arrays, got traced ones",
    ),
    (
        "save to nothing",
        lambda g: dl.save(g.arx, None),
        ArgumentError,
        r"path: expected the name of a file, got NoneType",
    ),
    (
        "outputs smaller than float32",
        lambda g: NeuralODE.from_data(g.ds.assign(output=1e-300 * g.ds["output"])),
        ArgumentError,
        r"'position': its values reach .*e-300 .*give it in other units",
    ),
    (
        "one dataset to concatenate",
        lambda g: dl.concatenate(g.ds),
        ArgumentError,
        r"datasets: expected a list of datasets, got one",
    ),
    (
        "controls as objects",
        lambda g: forecast(g, controls=[[None], [0.0], [0.0]]),
        ArgumentError,
        r"controls: expected numbers, got .*give an array of numbers",
    ),
    (
        "controls of another name",
        lambda g: forecast(
            g, controls=renamed(g.ds, "control", ["torque"])["control"].isel(time=slice(20, 23))
        ),
        ArgumentError,
        r"a control_name dimension with \['force'\], got \['torque'\]",
    ),
    (
        "controls of another unit",
        lambda g: forecast(g, controls=unit(g.ds, "control", ["kN"])["control"].isel(time=slice(20, 23))),
        ArgumentError,
        r"the model's unit of 'force' is 'N', got 'kN'",
    ),
    (
        "controls of other runs",
        lambda g: forecast(
            g, controls=g.ds.dyn.rename_runs(["a", "b", "c"])["control"].isel(time=slice(20, 23))
        ),
        ArgumentError,
        r"expected the context's runs \[0, 1, 2\], got \['a', 'b', 'c'\]",
    ),
    (
        "a dataset without controls",
        lambda g: forecast(g, controls=g.ds[["output"]]),
        ArgumentError,
        r"a Dataset with the variable 'control', got \['output'\]",
    ),
    (
        "controls nobody wants",
        lambda g: dl.forecast(
            g.free,
            g.uneven.drop_dims(["control_name", "static_name"]),
            times=[9.0],
            controls=np.zeros((1, 1)),
        ),
        ArgumentError,
        r"this model has none; leave the argument out",
    ),
    (
        "context without its controls",
        lambda g: forecast(g, context=g.context[["output"]]),
        ArgumentError,
        r"control_name: the model has \['force'\], the data \[\]",
    ),
    (
        "context in another order",
        lambda g: forecast(g, context=g.context.isel(output_name=[1, 0])),
        ArgumentError,
        r"the model's order is \['position', 'speed'\], the data's \['speed', 'position'\]; call ds.sel\(output_name=",
    ),
    (
        "context with another control",
        lambda g: forecast(g, context=renamed(g.context, "control", ["torque"])),
        ArgumentError,
        r"control_name: the model has \['force'\], the data \['torque'\]",
    ),
    (
        "context in other units",
        lambda g: forecast(g, context=unit(g.context, "control", ["kN"])),
        ArgumentError,
        r"control 'force': the model's unit is 'N', the data's 'kN'",
    ),
    (
        "context held otherwise",
        lambda g: forecast(g, context=g.interpolated),
        ArgumentError,
        r"made for hold='zero', the data says 'linear'",
    ),
    (
        "context in minutes",
        lambda g: forecast(g, context=g.make(units={"t": "min"})),
        ArgumentError,
        r"the model's time unit is 's', the data's 'min'",
    ),
    (
        "context sampled otherwise",
        lambda g: forecast(g, context=slower(g)),
        ArgumentError,
        r"discrete-time model with interval 0.1 s, the data's is 0.2; call ds.dyn.resample\(0.1\)",
    ),
    (
        "context without its static features",
        lambda g: dl.forecast(
            calibrate(NeuralODE.from_data(g.uneven, memory=2, width=4), g.uneven),
            g.uneven.drop_dims("static_name"),
            3,
        ),
        ArgumentError,
        r"static_name: the model has \['p0'\], the data \[\]",
    ),
    (
        "context too short",
        lambda g: forecast(g, context=g.short),
        ArgumentError,
        r"the model needs 2 samples, run 0 gives 1; give a longer one",
    ),
    (
        "context without a measurement",
        lambda g: forecast(g, context=g.empty),
        ArgumentError,
        r"the state of run 0 cannot be inferred: too many outputs are missing in its last 5 samples",
    ),
    (
        "context with its last control unknown",
        lambda g: forecast(g, context=nan_control(g)),
        ArgumentError,
        r"the control applied from the last sample of run 0 on is not known \(NaN\)",
    ),
    (
        "a rollout that explodes",
        exploding,
        DivergedError,
        r"the rollout of run 0 left the finite numbers after \d+ steps \(t = .*shorten the horizon",
    ),
    # simulate
    (
        "simulate a result",
        lambda g: dl.simulate(SimpleNamespace(model=g.arx), g.ds),
        ArgumentError,
        r"simulate: expected a fitted model, got SimpleNamespace; pass result.model",
    ),
    (
        "warm-up too short",
        lambda g: dl.simulate(g.arx, g.ds, warmup=1),
        ArgumentError,
        r"the model needs at least 2 samples to infer its state, got 1",
    ),
    (
        "warm-up too long",
        lambda g: dl.simulate(g.arx, g.ds, warmup=30),
        ArgumentError,
        r"runs \[0, 1, 2\] have no more than 30; shorten it or drop them",
    ),
    (
        "warm-up not whole",
        lambda g: dl.simulate(g.arx, g.ds, warmup=5.0),
        ArgumentError,
        r"warmup: .* got 5.0",
    ),
    # evaluate
    (
        "evaluate a result",
        lambda g: evaluate(g, model=SimpleNamespace(model=g.arx)),
        ArgumentError,
        r"is a SimpleNamespace; pass result.model",
    ),
    (
        "windows too long",
        lambda g: evaluate(g, context=20, horizon=20),
        ArgumentError,
        r"longest run has 30 samples, context=20 and horizon=20 need 40",
    ),
    (
        "evaluate context 0",
        lambda g: evaluate(g, context=0),
        ArgumentError,
        r"context: expected an integer >= 1 \(samples\), got 0",
    ),
    (
        "stride 0",
        lambda g: evaluate(g, stride=0),
        ArgumentError,
        r"stride: expected an integer >= 1 \(samples\), got 0",
    ),
    (
        "a name of a baseline",
        lambda g: dl.compare({"ARX": g.arx}, g.ds, g.ds, 10, 5),
        ArgumentError,
        r"the name 'ARX' is taken by a baseline",
    ),
    (
        "models in a list",
        lambda g: dl.compare([g.arx], g.ds, g.ds, 10, 5),
        ArgumentError,
        r"expected a mapping from names to fitted models",
    ),
    ("no models", lambda g: dl.compare({}, g.ds, g.ds, 10, 5), ArgumentError, r"expected a mapping"),
    (
        "test of other names",
        lambda g: evaluate(g, test=renamed(g.ds, "output", ["a", "b"])),
        ArgumentError,
        r"output_name: the model has",
    ),
    (
        "context shorter than the model needs",
        lambda g: evaluate(g, context=1, horizon=5),
        ArgumentError,
        r"needs 2 samples \(context has 1\)",
    ),
    (
        "summary of something else",
        lambda g: dl.evaluation.summary(g.ds),
        ArgumentError,
        r"expected what dl.evaluate, dl.compare or dl.evaluation.reconstruction_scores returns",
    ),
    # save and load
    (
        "save a result",
        lambda g: dl.save(SimpleNamespace(model=g.arx), g.folder / "r"),
        ArgumentError,
        r"expected a model, got SimpleNamespace; a fit's model is result.model",
    ),
    (
        "save a lambda",
        unnamed,
        ArgumentError,
        r"model.field.activation is <function .*which has no name to be written by.*an activation is one of",
    ),
    (
        "save into nowhere",
        lambda g: dl.save(g.arx, g.folder / "missing" / "m"),
        ArgumentError,
        r"expected a file in an existing folder, got .*create .*missing first",
    ),
    (
        "load nothing",
        lambda g: dl.load(g.folder / "absent"),
        FileFormatError,
        r"absent: expected a dynlearn model file, found nothing there",
    ),
    (
        "load a truncated file",
        lambda g: dl.load(g.folder / "truncated"),
        FileFormatError,
        r"truncated: expected a dynlearn model file, but it is damaged or of another format",
    ),
    ("load text", lambda g: dl.load(g.folder / "text"), FileFormatError, r"damaged or of another format"),
    (
        "load a checkpoint",
        lambda g: dl.load(g.folder / "kind"),
        FileFormatError,
        r"this one says it is 'dynlearn checkpoint'",
    ),
    (
        "load another version",
        lambda g: dl.load(g.folder / "version"),
        FileFormatError,
        r"format version 4, got 99; open it with the dynlearn release",
    ),
    (
        "load an unknown class",
        lambda g: dl.load(g.folder / "class"),
        FileFormatError,
        r"holds a 'elsewhere.Model', which is not known here; import the module",
    ),
    (
        "load without a field",
        lambda g: dl.load(g.folder / "field"),
        FileFormatError,
        r"has fields .* here and .* in the file",
    ),
    (
        "load without an array",
        lambda g: dl.load(g.folder / "index"),
        FileFormatError,
        r"its description of the model is damaged",
    ),
    (
        "load an odd manifest",
        lambda g: dl.load(g.folder / "count"),
        FileFormatError,
        r"damaged or of another format",
    ),
    (
        "load what is no model",
        lambda g: dl.load(g.folder / "other"),
        FileFormatError,
        r"a list that is not said to be one",
    ),
    (
        "double precision in a single session",
        lambda g: dl.load(g.folder / "double"),
        FileFormatError,
        r"holds float64 arrays, which this session would round to float32; call jax.config.update\('jax_enable_x64', True\)",
    ),
]


def nan_control(g):
    ds = g.context.copy(deep=True)
    ds["control"].values[0, -1] = NAN
    return ds


@pytest.mark.parametrize(("call", "error", "text"), [pytest.param(*row[1:], id=row[0]) for row in ROWS])
def test_bad_input_is_answered_in_words(call, error, text, given):
    with pytest.raises(error, match=text):
        call(given)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_past_that_nothing_could_compute_is_refused_by_every_family(family, given):
    """By name, before anything of that size is made; the same bound that a file is held to."""
    cls = FAMILIES[family]
    taken = inspect.signature(cls.from_data).parameters
    known = {*taken, *inspect.signature(cls).parameters}
    asked = known & {"memory", "unforced", "delays", "gap", "longest"}
    sized = {"weights": "random"} if "weights" in taken else {}  # the shipped ones have their size
    assert asked
    for name in asked:
        with pytest.raises(
            ArgumentError, match=rf"^{name}: expected at most 10000000 samples, got 1000000000\.$"
        ):
            cls.from_data(given.ds, **sized, **{name: 10**9})


def test_constructors_and_liftings_refuse_it_too():
    signature = dl.models.Signature(("y",), interval=1.0)
    text = "expected at most 10000000 samples, got 1000000000"
    for family in (dl.models.ALRNN, dl.models.PLRNN):
        for name in ("memory", "unforced"):
            with pytest.raises(ArgumentError, match=f"{name}: {text}"):
                family(signature, latent=3, **{name: 10**9}, key=0)
    with pytest.raises(ArgumentError, match=f"delays: {text}"):
        dictionaries.Polynomial(2, delays=10**9)


def test_row_names_are_unique():
    assert len({row[0] for row in ROWS}) == len(ROWS)
