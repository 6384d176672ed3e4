"""Every remedy works: what an error tells the user to do is done, and succeeds.

A row: a name, what goes wrong, the remedy in the words of the error, and the remedy applied.
"""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from typer.testing import CliRunner

import dynlearn as dl
from dynlearn.cli import app
from dynlearn.control import CEM, MPC, Quadratic
from dynlearn.errors import DynlearnError
from dynlearn.fitting import LeastSquares
from dynlearn.models import ARX, Ensemble, Koopman, LinearStateSpace, NeuralODE, Persistence, Signature
from dynlearn.parts.liftings.delay_coordinates import Delays
from dynlearn.parts.liftings.fourier import Fourier
from dynlearn.parts.liftings.radial import Radial
from dynlearn.trajectories import to_frame

WALK = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[0.01]], "P0": [[9.0]]}


def fit(*arguments, **options):
    return dl.fit(*arguments, progress=False, **options).model


def command(*arguments):
    """The command line; what it refuses raises, with its line as text."""
    done = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if done.exit_code:
        raise DynlearnError(done.stderr)
    return done.output


def walk(ds):
    return fit(
        LinearStateSpace.from_matrices(Signature.of(ds, discrete=True), WALK), ds, method="calibration"
    )


@pytest.fixture(scope="module")
def g(make_linear, tmp_path_factory):
    """Small data of several kinds, and models of them."""
    rng = np.random.default_rng(0)
    ds = make_linear(lengths=(40, 40, 40))
    dates = np.datetime64("2024-01-01") + np.arange(140)
    dates = dates[np.is_busday(dates)]
    level = np.sin(0.1 * np.arange(dates.size)) + 0.02 * rng.normal(size=dates.size)
    business = dl.from_arrays(level[:, None], times=dates, output_names=["level"], units={"t": "d"})
    every_other = np.sin(0.1 * np.arange(60)) + 0.1 * rng.normal(size=60)
    every_other[1::2] = np.nan
    sine = dl.from_arrays(np.sin(0.1 * np.arange(60.0)), dt=0.5, output_names=["y"])
    uneven = dl.from_arrays(np.sin(t := np.cumsum(rng.uniform(0.1, 1, 40))), times=t, output_names=["y"])
    never = ds.copy(deep=True)
    never["output"][..., 1] = np.nan
    folder = tmp_path_factory.mktemp("remedies")
    (folder / "two.csv").write_text("t;y,z\n0;1,2\n1;2,3\n")
    dl.write(sine, folder / "sine.nc")
    dl.write(ds, folder / "driven.nc")
    found = SimpleNamespace(
        ds=ds,
        few=ds.isel(time=slice(0, 8)),
        table=pd.DataFrame({"t": np.arange(9) / 10, "y": np.arange(9.0), "z": [str(k) for k in range(9)]}),
        dates=pd.date_range("2024-01-30", periods=3, freq="7D").to_numpy(),
        weekends=business.dyn.regularize(),
        every_other=dl.from_arrays(every_other, dt=1.0, output_names=["y"]),
        sine=sine,
        uneven=uneven,
        never=never,
        folder=folder,
        arx=fit(ARX.from_data(ds, delays=1), ds),
        free=fit(ARX.from_data(sine, delays=1), sine),
        walk=walk(sine),
        clocked=fit(Persistence.from_data(uneven), uneven),
        node=NeuralODE.from_data(ds, hidden=0, memory=1, width=4),
        cost=Quadratic([0.0, 0.0], [1.0, 1.0], [0.1]),
    )
    dl.save(found.free, folder / "free.dyn")
    dl.save(found.arx, folder / "arx.dyn")
    dl.save(found.walk, folder / "walk.dyn")
    return found


def past(g):
    return g.ds.isel(time=slice(0, 20))


def ahead(g):
    return g.ds["control"].isel(time=slice(20, 25))


def far(g):
    return g.sine.assign(output=g.sine["output"] + 1e8)


def unknown_last(g):
    cut = past(g).copy(deep=True)
    cut["control"][:, -1] = np.nan
    return cut


ROWS = {
    # trajectories
    "outputs as text": (
        lambda g: dl.from_frame(g.table, time="t", outputs="y"),
        r"pass \['y'\]",
        lambda g: dl.from_frame(g.table, time="t", outputs=["y"]),
    ),
    "a lazy table": (
        lambda g: dl.from_frame(pl.LazyFrame({"t": [0.0, 1.0], "y": [1.0, 2.0]}), time="t", outputs=["y"]),
        r"call \.collect\(\)",
        lambda g: dl.from_frame(
            pl.LazyFrame({"t": [0.0, 1.0], "y": [1.0, 2.0]}).collect(), time="t", outputs=["y"]
        ),
    ),
    "text among numbers": (
        lambda g: dl.from_frame(g.table, time="t", outputs=["z"]),
        r"frame\['z'\] = pandas.to_numeric\(frame\['z'\]\)",
        lambda g: dl.from_frame(g.table.assign(z=pd.to_numeric(g.table["z"])), time="t", outputs=["z"]),
    ),
    "weeks counted in months": (
        lambda g: dl.from_arrays(np.zeros(3), times=g.dates, units={"t": "month"}),
        r'pass units={"t": "d"}',
        lambda g: dl.from_arrays(np.zeros(3), times=g.dates, units={"t": "d"}),
    ),
    "two separators": (
        lambda g: dl.from_csv(g.folder / "two.csv", time="t", outputs=["y,z"]),
        r"sep=",
        lambda g: dl.from_csv(g.folder / "two.csv", time="t", outputs=["y,z"], sep=";"),
    ),
    "runs with nothing before": (
        lambda g: dl.concatenate(
            [g.sine, g.sine.assign_coords(t=g.sine["t"] + 50)], prefixes=["a", "b"]
        ).dyn.before(10.0),
        r'short="drop"',
        lambda g: dl.concatenate(
            [g.sine, g.sine.assign_coords(t=g.sine["t"] + 50)], prefixes=["a", "b"]
        ).dyn.before(10.0, short="drop"),
    ),
    "runs of one name": (
        lambda g: dl.concatenate([g.sine, g.sine]),
        r"prefixes=",
        lambda g: dl.concatenate([g.sine, g.sine], prefixes=["a", "b"]),
    ),
    "draws in a table": (
        lambda g: to_frame(dl.forecast(g.free, g.sine, 3, samples=4)),
        r'reduce it, e\.g\. ds\.mean\("sample"\)',
        lambda g: to_frame(dl.forecast(g.free, g.sine, 3, samples=4).mean("sample", keep_attrs=True)),
    ),
    "too few runs to draw from": (
        lambda g: g.ds.dyn.split(0.7, 0.15, by="trajectory"),
        r'use at least 6 runs, other fractions, or by="time"',
        lambda g: (
            g.ds.dyn.split(0.7, 0.15, by="time"),
            g.ds.dyn.split(0.4, 0.3, by="trajectory"),
            dl.concatenate([g.ds, g.ds], prefixes=["a", "b"]).dyn.split(0.7, 0.15, by="trajectory"),
        ),
    ),
    # models
    "Koopman across weekends: fewer delays": (
        lambda g: Koopman.from_data(g.weekends),
        r"use delays=3 or fewer",
        lambda g: dl.forecast(fit(Koopman.from_data(g.weekends, lifting=Delays(3)), g.weekends), g.weekends, 5),
    ),
    "Koopman across weekends: filled first": (
        lambda g: Koopman.from_data(g.weekends),
        r"fill the gaps first by dl\.impute with a fitted state-space model",
        lambda g: (full := dl.impute(walk(g.weekends), g.weekends)) and fit(Koopman.from_data(full), full),
    ),
    "Koopman across weekends: another model": (
        lambda g: Koopman.from_data(g.weekends),
        r"take a model that needs no complete samples, such as LinearStateSpace",
        lambda g: dl.forecast(
            fit(LinearStateSpace.from_data(g.weekends, states=1), g.weekends), g.weekends, 5
        ),
    ),
    "Koopman with long delays": (
        lambda g: Koopman.from_data(g.few, lifting=Delays(10)),
        r"use delays=6 or fewer, or give runs of at least 12 samples",
        lambda g: (Koopman.from_data(g.few, lifting=Delays(6)), Koopman.from_data(g.ds, lifting=Delays(10))),
    ),
    "ARX without two samples in a row": (
        lambda g: ARX.from_data(g.every_other),
        r"delays=0 needs; fill the gaps first by dl\.impute",
        lambda g: fit(ARX.from_data(full := dl.impute(walk(g.every_other), g.every_other), delays=1), full),
    ),
    "ARX with more coefficients than data": (
        lambda g: ARX.from_data(g.few, delays=5),
        r"too few stretches of 7 complete samples .*; use fewer delays",
        lambda g: ARX.from_data(g.few, delays=1),
    ),
    "a regression on other data with gaps": (
        lambda g: fit(Koopman.from_data(g.ds.isel(output_name=[0])), _holes(g)),
        r"build the model with fewer delays",
        lambda g: fit(Koopman.from_data(g.ds.isel(output_name=[0]), lifting=Delays(1)), _holes(g)),
    ),
    "uneven sampling in discrete time": (
        lambda g: ARX.from_data(g.uneven),
        r"ds\.dyn\.resample\(",
        lambda g: ARX.from_data(_as_told(g.uneven, lambda: ARX.from_data(g.uneven))),
    ),
    "uneven sampling of a linear model": (
        lambda g: LinearStateSpace.from_data(g.uneven, states=1),
        r"pass continuous=True",
        lambda g: LinearStateSpace.from_data(g.uneven, states=1, continuous=True),
    ),
    "an offset that float32 cannot carry": (
        lambda g: fit(ARX.from_data(far(g)), far(g)),
        r"subtract an offset",
        lambda g: fit(ARX.from_data(near := far(g).assign(output=far(g)["output"] - 1e8)), near),
    ),
    "more centres than data": (
        lambda g: Koopman.from_data(g.sine, lifting=Radial(500)),
        r"use count=59 or fewer",
        lambda g: Koopman.from_data(g.sine, lifting=Radial(59)),
    ),
    "an output that was never measured": (
        lambda g: ARX.from_data(g.never),
        r"leave out by ds\.sel\(output_name=\['position'\]\)",
        lambda g: ARX.from_data(g.never.sel(output_name=["position"])),
    ),
    "more states than the runs are long": (
        lambda g: LinearStateSpace.from_data(g.few.isel(time=slice(0, 3)), states=5),
        r"use fewer states",
        lambda g: LinearStateSpace.from_data(g.few.isel(time=slice(0, 3)), states=2),
    ),
    "a structural model of two outputs": (
        lambda g: LinearStateSpace.of(dl.models.structural.Level(), g.ds),
        r"select one, e\.g\. ds\.sel\(output_name=\['position'\]\)",
        lambda g: LinearStateSpace.of(dl.models.structural.Level(), g.ds.sel(output_name=["position"])),
    ),
    "outputs in another order": (
        lambda g: dl.forecast(g.arx, past(g).isel(output_name=[1, 0]), 5, ahead(g)),
        r"call ds\.sel\(output_name=\['position', 'speed'\]\)",
        lambda g: dl.forecast(
            g.arx, past(g).isel(output_name=[1, 0]).sel(output_name=["position", "speed"]), 5, ahead(g)
        ),
    ),
    # fitting
    "more features than data: a ridge": (
        lambda g: fit(Koopman.from_data(g.few, lifting=Fourier(count=60)), g.few),
        r"set a ridge, LeastSquares\(ridge=1e-3\)",
        lambda g: fit(
            Koopman.from_data(g.few, lifting=Fourier(count=60)), g.few, method=LeastSquares(ridge=1e-3)
        ),
    ),
    "more features than data: validation": (
        lambda g: fit(Koopman.from_data(g.few, lifting=Fourier(count=60)), g.few),
        r"give validation data",
        lambda g: fit(Koopman.from_data(g.few, lifting=Fourier(count=60)), g.few, g.ds),
    ),
    "more features than data: fewer": (
        lambda g: fit(Koopman.from_data(g.few, lifting=Fourier(count=60)), g.few),
        r"take fewer features",
        lambda g: fit(Koopman.from_data(g.few, lifting=Fourier(count=6)), g.few),
    ),
    "too little to calibrate on": (
        lambda g: fit(ARX.from_data(g.ds, delays=3), g.ds, g.ds.isel(time=slice(0, 4))),
        r"leave validation out to calibrate on the training data",
        lambda g: fit(ARX.from_data(g.ds, delays=3), g.ds),
    ),
    "gradient of nothing": (
        lambda g: fit(Persistence.from_data(g.sine), g.sine, method="gradient"),
        r"leave out method, or use 'calibration'",
        lambda g: (
            fit(Persistence.from_data(g.sine), g.sine),
            fit(Persistence.from_data(g.sine), g.sine, method="calibration"),
        ),
    ),
    "an objective for a closed form": (
        lambda g: fit(ARX.from_data(g.sine), g.sine, objective="multi_step"),
        r"leave it out",
        lambda g: fit(ARX.from_data(g.sine), g.sine),
    ),
    "a checkpoint of a closed form": (
        lambda g: fit(ARX.from_data(g.sine), g.sine, checkpoint=g.folder / "a.ckpt"),
        r"leave it out",
        lambda g: fit(ARX.from_data(g.sine), g.sine),
    ),
    "identification of short runs": (
        lambda g: fit(LinearStateSpace.from_data(g.few, states=4), g.few, method="subspace"),
        r"use method='em'",
        lambda g: fit(LinearStateSpace.from_data(g.few, states=4), g.few, method=dl.fitting.EM(steps=2)),
    ),
    "held-out runs that were not given": (
        lambda g: dl.fitting.select_order(g.sine, [1, 2], criterion="validation"),
        r"expected validation=runs held out",
        lambda g: dl.fitting.select_order(g.sine, [1, 2], g.sine, criterion="validation", refine=0),
    ),
    # forecasting
    "a model that was not fitted": (
        lambda g: dl.forecast(ARX.from_data(g.sine), g.sine, 3),
        r"with method='calibration' where its dynamics are to stay",
        lambda g: dl.forecast(fit(ARX.from_data(g.sine), g.sine, method="calibration"), g.sine, 3),
    ),
    "a result in place of a model": (
        lambda g: dl.forecast(dl.fit(ARX.from_data(g.sine), g.sine, progress=False), g.sine, 3),
        r"pass result\.model",
        lambda g: dl.forecast(dl.fit(ARX.from_data(g.sine), g.sine, progress=False).model, g.sine, 3),
    ),
    "steps of no length": (
        lambda g: dl.forecast(g.clocked, g.uneven, 3),
        r"pass times=\[\.\.\.\]",
        lambda g: dl.forecast(g.clocked, g.uneven, times=[100.0, 101.0]),
    ),
    "instants off the grid": (
        lambda g: dl.forecast(g.free, g.sine, times=[29.6, 30.0]),
        r"pass horizon=",
        lambda g: dl.forecast(g.free, g.sine, horizon=2),
    ),
    "a context without its last control": (
        lambda g: dl.forecast(g.arx, unknown_last(g), 5, ahead(g)),
        r"end the context one sample earlier",
        lambda g: dl.forecast(
            g.arx, unknown_last(g).isel(time=slice(0, 19)), 5, g.ds["control"].isel(time=slice(19, 24))
        ),
    ),
    "controls of other runs": (
        lambda g: dl.forecast(g.arx, past(g).isel(trajectory=[0]), 5, ahead(g)),
        r"select the same runs",
        lambda g: dl.forecast(g.arx, past(g).isel(trajectory=[0]), 5, ahead(g).isel(trajectory=[0])),
    ),
    "a context that is too short": (
        lambda g: dl.forecast(g.free, g.sine.isel(time=slice(0, 1)), 3),
        r"give a longer one",
        lambda g: dl.forecast(g.free, g.sine.isel(time=slice(0, 2)), 3),
    ),
    "a warm-up longer than a run": (
        lambda g: dl.simulate(g.arx, g.ds, warmup=40),
        r"shorten it",
        lambda g: dl.simulate(g.arx, g.ds, warmup=20),
    ),
    # inference
    "a filter for a model without a state": (
        lambda g: dl.filter(g.free, g.sine),
        r"expected a state-space model such as dl\.models\.LinearStateSpace",
        lambda g: dl.filter(g.walk, g.sine),
    ),
    "an ensemble to filter with": (
        lambda g: dl.filter(Ensemble.of(g.walk, 2, key=0), g.sine),
        r"pass one member, model\.member\(0\)",
        lambda g: dl.filter(Ensemble.of(g.walk, 2, key=0).member(0), g.sine),
    ),
    "a method of another model": (
        lambda g: dl.smooth(g.walk, g.sine, method="collapsed"),
        r"leave method out for Exact",
        lambda g: dl.smooth(g.walk, g.sine),
    ),
    "a filter that was not fitted": (
        lambda g: dl.impute(LinearStateSpace.from_data(g.every_other, states=1), g.every_other),
        r"with method='calibration' where its dynamics are to stay as they are",
        lambda g: dl.impute(
            fit(LinearStateSpace.from_data(g.every_other, states=1), g.every_other, method="calibration"),
            g.every_other,
        ),
    ),
    # evaluation
    "windows longer than the runs": (
        lambda g: dl.evaluate(g.free, g.sine, samples=5),
        r"shorten one of them",
        lambda g: dl.evaluate(g.free, g.sine, context=20, samples=5, horizon=10),
    ),
    "a context shorter than the model needs": (
        lambda g: dl.evaluate(g.free, g.sine, context=1, horizon=10, samples=5),
        r"it needs 2 samples \(context has 1\)",
        lambda g: dl.evaluate(g.free, g.sine, context=2, horizon=10, samples=5),
    ),
    "a model by the name of a baseline": (
        lambda g: dl.compare({"ARX": g.free}, None, g.sine, 20, 10, samples=5),
        r"is taken by a baseline; choose another",
        lambda g: dl.compare({"mine": g.free}, None, g.sine, 20, 10, samples=5),
    ),
    # control
    "no interval": (
        lambda g: MPC(g.node, g.cost, 3, bounds=(-1.0, 1.0)),
        r"pass interval=",
        lambda g: MPC(g.node, g.cost, 3, bounds=(-1.0, 1.0), interval=0.1),
    ),
    "another interval": (
        lambda g: MPC(g.arx, g.cost, 3, bounds=(-1.0, 1.0), interval=0.3),
        r"leave interval out",
        lambda g: MPC(g.arx, g.cost, 3, bounds=(-1.0, 1.0)),
    ),
    "a planner between no bounds": (
        lambda g: planned(small(g, np.inf), g),
        r"pass the largest values that make sense",
        lambda g: planned(small(g, 5.0), g),
    ),
    "a plan before anything was seen": (
        lambda g: (mpc := small(g)).act(mpc.init(key=0), [0.0, 0.0]),
        r"pass init\(context\) with a past trajectory",
        lambda g: planned(small(g), g),
    ),
    # the command line
    "no horizon": (
        lambda g: command("forecast", g.folder / "free.dyn", g.folder / "sine.nc"),
        r"--horizon: expected a number of steps, or --context",
        lambda g: (
            command("forecast", g.folder / "free.dyn", g.folder / "sine.nc", "--horizon", 3),
            command("forecast", g.folder / "free.dyn", g.folder / "sine.nc", "--context", 50),
        ),
    ),
    "no controls to come": (
        lambda g: command("forecast", g.folder / "arx.dyn", g.folder / "driven.nc", "--horizon", 3),
        r"or --context, after which the record's own are applied",
        lambda g: command(
            "forecast", g.folder / "arx.dyn", g.folder / "driven.nc", "--horizon", 3, "--context", 20
        ),
    ),
    "held-out runs that are too short": (
        lambda g: command("fit", g.folder / "sine.nc", "-o", g.folder / "m.dyn", "-m", "Koopman"),
        r"to fit: a smaller --split",
        lambda g: command(
            "fit", g.folder / "sine.nc", "-o", g.folder / "m.dyn", "-m", "Koopman", "--split", "0.4,0.3",
            "--samples", 5,
        ),
    ),
    "a method's setting without the method": (
        lambda g: command(
            "filter", g.folder / "walk.dyn", g.folder / "sine.nc", "--method-set", "size=50"
        ),
        r"name the method, one of .*particle",
        lambda g: command(
            "filter", g.folder / "walk.dyn", g.folder / "sine.nc", "--method", "particle", "--method-set", "size=50"
        ),
    ),
}  # fmt: skip


def _holes(g):
    """One output, of which every fourth sample was not measured."""
    holes = g.ds.isel(output_name=[0]).copy(deep=True)
    holes["output"][:, ::4] = np.nan
    return holes


def _as_told(ds, refused):
    """The call that the error names, done to `ds`."""
    with pytest.raises(DynlearnError) as error:
        refused()
    call = re.search(r"ds\.dyn\.\w+\([^)]*\)", str(error.value))
    assert call is not None
    return eval(call[0], {"ds": ds})


def small(g, bound=1.0):
    planner = CEM(samples=24, iterations=1)
    return MPC(g.arx, g.cost, 3, bounds=(-bound, bound), planner=planner)


def planned(mpc, g):
    return mpc.act(mpc.init(past(g).isel(trajectory=[0]), key=0), [0.0, 0.0])


@pytest.mark.parametrize("case", ROWS)
def test_the_remedy_is_named_and_works(g, case):
    wrong, remedy, applied = ROWS[case]
    with pytest.raises(DynlearnError, match=remedy):
        wrong(g)
    applied(g)
