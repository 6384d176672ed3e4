"""What the analyses refuse, in the words the user gets."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.analysis import (
    basins,
    bifurcation,
    cycles,
    entropy,
    fixed_points,
    kaplan_yorke,
    lyapunov,
    regions,
)
from dynlearn.errors import ArgumentError, DivergedError

from .systems import at, flow_of, henon, logistic, map_of, skew_tent


@pytest.fixture(scope="module")
def given(linear) -> SimpleNamespace:
    """Everything the rows need, made once."""
    ds = linear.isel(time=slice(0, 12))
    fit = SimpleNamespace(model=None, history=None)
    driven = map_of(lambda t, x, u, s: 0.5 * x + u[0] + u[1], control_names=("a", "b"))
    featured = map_of(lambda t, x, u, s: 0.5 * x + s, static_names=("s",))
    return SimpleNamespace(
        ds=ds,
        x=at([0.2]),
        ab=at([0.2], controls={"a": 0.0, "b": 0.0}),
        two=at([0.2], [0.3], static=[[0.0], [1.0]], static_names=["s"]),
        fit=fit,
        map=logistic(3.2),
        driven=driven,
        featured=featured,
        flow=flow_of(lambda t, x, u, s: -x, ("x",)),
        forced=flow_of(lambda t, x, u, s: jnp.cos(t) - x, ("x",)),
        deep=dl.models.DeepStateSpace.from_data(ds, width=4, states=4, layers=1, memory=4, key=0),
        linear=dl.models.LinearStateSpace.from_data(ds, states=2, memory=4),
        switching=dl.models.SwitchingLinear.from_data(ds, regimes=2, states=2, memory=4, key=0),
        ensemble=dl.models.Ensemble.of(
            dl.models.NeuralMap.from_data(ds, hidden=0, memory=1, width=4, key=0), 2, key=0
        ),
        delays=dl.models.Koopman.from_data(ds, lifting="delays", key=0),
        gone=ds.assign(output=ds["output"].where(ds["trajectory"] != 1)),
        still=dl.models.NeuralMap.from_data(
            ds.assign(control=0 * ds["control"] + 2), hidden=0, memory=1, width=4, key=0
        ),
    )


U = {"a": 0.0, "b": 0.0}
ROWS = {
    "an ensemble": (
        lambda g: lyapunov(g.ensemble, g.ds, control=0.0),
        r"lyapunov: expected one model, got Ensemble; pass one member, model\.member\(0\)\.",
    ),
    "the result of a fit": (
        lambda g: cycles(g.fit, g.x),
        r"cycles: expected a dynlearn model, got SimpleNamespace; pass result\.model\.",
    ),
    "no model": (lambda g: regions(3, g.x), r"regions: expected a dynlearn model, got int\."),
    "a state of layers": (
        lambda g: cycles(g.deep, g.ds, control=0.0),
        "cycles: expected a model whose state is one vector, such as ALRNN, NeuralMap, NeuralODE or Koopman, got "
        r"DeepStateSpace\.",
    ),
    "a belief": (
        lambda g: lyapunov(g.linear, g.ds, control=0.0),
        "whose state is one vector.*got LinearStateSpace",
    ),
    "beliefs": (
        lambda g: cycles(g.switching, g.ds, control=0.0),
        "whose state is one vector.*got SwitchingLinear",
    ),
    "a field that reads the time": (
        lambda g: lyapunov(g.forced, g.x),
        "lyapunov: expected dynamics that are the same at every instant, a function in NeuralODE reads the time; make "
        "what depends on it a state, such as a phase, or a control",
    ),
    "a missing control": (
        lambda g: cycles(g.driven, g.ab),
        r"cycles: the model has the controls \['a', 'b'\]; say what is applied all along, control={name: value}",
    ),
    "one control of two": (
        lambda g: lyapunov(g.driven, g.ab, control={"a": 1.0}),
        r"lyapunov: control: expected a value for every control, \['b'\] are missing",
    ),
    "an unknown control": (
        lambda g: lyapunov(g.driven, g.ab, control={"a": 1.0, "c": 1.0}),
        "unknown control 'c'.*Valid: 'a', 'b'",
    ),
    "one number for two": (
        lambda g: lyapunov(g.driven, g.ab, control=1.0),
        r"lyapunov: control: expected one finite number for each of \['a', 'b'\], got 1\.0",
    ),
    "a control that is not finite": (
        lambda g: lyapunov(g.driven, g.ab, control=[1.0, np.nan]),
        r"expected one finite number for each of \['a', 'b'\], got \[1\.0, nan\]",
    ),
    "a word for a control": (
        lambda g: lyapunov(g.driven, g.ab, control="ab"),
        r"expected one finite number for each of \['a', 'b'\], got 'ab'",
    ),
    "a control the model has not": (lambda g: cycles(g.map, g.x, control=1.0), r"for each of \[\], got 1\.0"),
    "a control that never moved": (
        lambda g: cycles(g.still, g.ds, control=1.0),
        "control: control 'force' was 2 throughout the training data",
    ),
    "outputs of another model": (lambda g: cycles(g.map, g.ds), "output_name: the model has"),
    "an unmeasured end": (
        lambda g: lyapunov(g.still, g.gone, control=2.0),
        "lyapunov: the state of run 1 cannot be inferred from its last 1 samples; give runs in which every output was "
        "measured there",
    ),
    "an orbit that leaves": (
        lambda g: lyapunov(map_of(henon, "xy"), at([0.1, 0.1], [3.0, 3.0], names="xy")),
        "lyapunov: the orbit from run 1 is not finite: the model diverges from there",
    ),
    "a code of an orbit that leaves": (
        lambda g: regions(skew_tent(0.4), at([2.0], names=("y",)), steps=3000),
        "regions: the orbit from run 0 is not finite",
    ),
    "period 41": (
        lambda g: cycles(g.map, g.x, periods=[3, 41]),
        r"periods: expected integers from 1 to 40, got \[3, 41\]",
    ),
    "period 0": (
        lambda g: cycles(g.map, g.x, periods=0),
        r"periods: expected integers from 1 to 40, got \[0\]",
    ),
    "a broken period": (lambda g: cycles(g.map, g.x, periods=[1.5]), r"from 1 to 40, got \[1\.5\]"),
    "no period": (lambda g: cycles(g.map, g.x, periods=[]), r"from 1 to 40, got \[\]"),
    "cycles of a flow": (
        lambda g: cycles(g.flow, g.x, periods=[1, 2]),
        r"periods: NeuralODE moves in continuous time, where a cycle takes no whole number of steps; expected 1 \(its "
        r"equilibria\), got \[1, 2\]",
    ),
    "too few steps": (
        lambda g: cycles(g.map, g.x, periods=9, steps=9),
        "steps: expected an integer >= 10, got 9",
    ),
    "no guess": (lambda g: cycles(g.map, g.x, starts=0), "starts: expected an integer >= 1, got 0"),
    "two maps at once": (
        lambda g: cycles(g.featured, g.two),
        r"cycles: expected runs with the same static features, whose map is one, they differ; take the runs of one, "
        r"such as ds\.isel\(trajectory=\[0\]\)",
    ),
    "runs of one sample": (
        lambda g: fixed_points(g.flow, g.x.isel(time=[0])),
        "cycles: interval: expected a time, the runs of one sample do not say how far apart states are; give interval=",
    ),
    "no interval": (
        lambda g: lyapunov(g.flow, g.x, interval=0.0),
        r"interval: expected a time > 0, got 0\.0",
    ),
    "an endless interval": (
        lambda g: lyapunov(g.flow, g.x, interval=np.inf),
        "interval: expected a time > 0, got inf",
    ),
    "another interval": (
        lambda g: lyapunov(g.map, g.x, interval=0.5),
        r"lyapunov: interval: NeuralMap steps over 1 and nothing else, got 0\.5; leave it out",
    ),
    "more exponents than states": (
        lambda g: lyapunov(g.map, g.x, exponents=2),
        "exponents: expected at most 1, the size of the state, got 2",
    ),
    "few steps": (lambda g: lyapunov(g.map, g.x, steps=5), "steps: expected an integer >= 10, got 5"),
    "regions of a smooth map": (
        lambda g: regions(g.map, g.x),
        "regions: expected a piecewise-linear model such as ALRNN, got NeuralMap; a smooth map has no linear regions",
    ),
    "a code of real numbers": (
        lambda g: entropy(np.ones(9)),
        r"entropy: expected integers \(step,\) or \(run, step\), got float64 of shape \(9,\)",
    ),
    "one symbol": (
        lambda g: entropy(np.array([3])),
        r"expected at least 2 symbols in a row, got shape \(1, 1\)",
    ),
    "another dataset": (
        lambda g: entropy(g.x),
        r"expected what dl\.analysis\.regions returns, with 'region', got",
    ),
    "neither control nor feature": (
        lambda g: bifurcation(g.driven, g.ab, "r", [1.0]),
        r"over: expected a control of \['a', 'b'\] or a static feature of \[\], got 'r'",
    ),
    "no value": (
        lambda g: bifurcation(g.driven, g.ab, "a", []),
        r"values: expected finite numbers, got \[\]",
    ),
    "one value": (
        lambda g: bifurcation(g.driven, g.ab, "a", 1.0),
        r"values: expected finite numbers, got 1\.0",
    ),
    "a value that is not finite": (
        lambda g: bifurcation(g.driven, g.ab, "a", [0.0, np.inf]),
        r"values: expected finite numbers, got \[0\.0, inf\]",
    ),
    "several runs": (
        lambda g: bifurcation(g.featured, g.two, "s", [1.0]),
        r"bifurcation: expected one run to begin at the end of, got 2; pick it by ds\.isel\(trajectory=\[0\]\)",
    ),
    "the other control": (
        lambda g: bifurcation(g.driven, g.ab, "a", [1.0]),
        r"bifurcation: control: expected a value for every control, \['b'\] are missing",
    ),
    "a value that was never seen": (
        lambda g: bifurcation(g.still, g.ds.isel(trajectory=[0]), "force", [2.0, 3.0]),
        "values: control 'force' was 2 throughout the training data",
    ),
    "three ranges": (
        lambda g: basins(map_of(lambda t, x, u, s: x, "abc"), dict.fromkeys("abc", (0, 1))),
        "ranges: expected one or two outputs, got 3",
    ),
    "no such output": (lambda g: basins(g.map, {"y": (0, 1)}), "unknown output 'y'.*Valid: 'x'"),
    "a range of no width": (
        lambda g: basins(g.map, {"x": (1, 1)}),
        r"ranges: 'x': expected \(lowest, highest\), got \(1, 1\)",
    ),
    "an endless range": (
        lambda g: basins(g.map, {"x": (0, np.inf)}),
        r"'x': expected \(lowest, highest\), got",
    ),
    "a place for a range": (
        lambda g: basins(g.map, {"x": (0, 1)}, at={"x": 1.0}),
        r"at: 'x': expected an output or static feature that is not in ranges, got 1\.0",
    ),
    "no place": (
        lambda g: basins(map_of(henon, "xy"), {"x": (0, 1)}, at={"y": np.nan}),
        "at: 'y': expected a finite number, got nan",
    ),
    "delays": (
        lambda g: basins(g.delays, {"position": (0, 1)}, control=0.0),
        r"basins: Koopman needs \d+ samples to infer a state, a grid has one of each; take a model without delays",
    ),
    "a grid in continuous time": (
        lambda g: basins(g.flow, {"x": (0, 1)}),
        "basins: interval: expected a time, the runs of one sample do not say",
    ),
    "what is varied said twice": (
        lambda g: bifurcation(g.driven, g.ab, "a", [0.0, 1.0], control={"a": 2.0, "b": 0.0}),
        "control: 'a' takes the values that vary; leave it out",
    ),
    "ranges of no names": (
        lambda g: basins(g.map, "x"),
        r"basins: expected ranges=\{output: \(lowest, highest\)\}",
    ),
    "a grid of no end": (
        lambda g: basins(g.map, {"x": (0, 1)}, points=10**7),
        "points: expected a grid of at most 1000000 states, got 10000000 along each of 1",
    ),
    "a spectrum upside down": (
        lambda g: kaplan_yorke([-1.0, 0.5]),
        "exponents: expected finite numbers, largest",
    ),
    "a spectrum of nothing": (
        lambda g: kaplan_yorke([]),
        "exponents: expected finite numbers, largest",
    ),
    "a key of no kind": (lambda g: cycles(g.map, g.x, key="a"), "key: expected"),
    "no distance": (lambda g: basins(g.map, {"x": (0, 1)}, near=0), "near: expected a distance > 0, got 0"),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_refused_is_said(given, row):
    call, words = ROWS[row]
    with pytest.raises(DivergedError if "leaves" in row else ArgumentError, match=words):
        call(given)


def test_too_many_regions_are_refused(monkeypatch):
    module = __import__("dynlearn.analysis.regions", fromlist=["regions"])
    monkeypatch.setattr(module, "MOST", 1)
    with pytest.raises(
        ArgumentError, match="expected at most 1 regions, the orbits visit 2; ask for fewer steps"
    ):
        regions(skew_tent(0.4), at([0.2], names=("y",)), steps=50)
