"""Are structural models fitted to gappy series those of statsmodels, and are the gaps filled honestly?

Protocol: both series ship with statsmodels. Nile (1871 to 1970, 100 years): local level. CO2 (Mauna Loa,
2284 weeks from 1958 to 2001, 59 of them not measured): local linear trend and a trigonometric season of 52
weeks with three harmonics. Maximum likelihood; parameters are standard deviations, compared as ratios. The
likelihood is compared at our parameters, from our start of the states, of all samples. Then 200 further
weeks of CO2 and the Nile's years 21 to 40 and 61 to 80 (as in Durbin, Koopman 2012, section 2.7) are hidden,
the models fitted without them, and what `impute` says of them is compared with what was measured. The
figures docs/nile.svg and docs/co2.svg are drawn from these.

Peers: statsmodels' UnobservedComponents (exact diffuse start, BFGS); linear interpolation. Its parameters are
those it finds with our start of the states from 1.3 times our variances (Nelder-Mead), because its own search may
end elsewhere; a row says how much worse.

Target: parameters and likelihood within 1e-4 of statsmodels; 90 % intervals cover 85 to 95 %.

Seeds: 0 (which weeks are hidden).
"""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from statsmodels import datasets
from statsmodels.tsa.statespace.structural import UnobservedComponents

import dynlearn as dl
from dynlearn.models import LinearStateSpace
from dynlearn.models.linear import structural
from dynlearn.models.linear.structural import Level, Seasonal, Trend

from ._measure import seconds
from ._rows import Row, at_most, between
from ._settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
SEASON = {"period": 52, "harmonics": 3}


def run(settings: Settings) -> list[Row]:
    nile = datasets.nile.load_pandas().data["volume"].to_numpy(float)
    co2 = datasets.co2.load_pandas().data["co2"].to_numpy(float)[: settings.size(2284, 400)]
    season = Seasonal(52, "trigonometric", 3)
    hidden = {"nile": np.r_[20:40, 60:80], "co2": _weeks(co2, settings.size(200, 40))}
    cases: dict[str, tuple[np.ndarray, Any, dict[str, Any]]] = {
        "nile": (nile, Level(), {"level": "llevel"}),
        "co2": (co2, Trend() + season, {"level": "lltrend", "freq_seasonal": [SEASON]}),
    }
    rows = []
    for name, (y, pieces, options) in cases.items():
        rows += _fitted(name, y, pieces, options)
        rows += _filled(name, y, pieces, hidden[name], draw=not settings.quick)
    return rows


def series(name: str, y: np.ndarray) -> xr.Dataset:
    units = {"t": "year", "discharge": "1e8 m3"} if name == "nile" else {"t": "week", "co2": "ppm"}
    return dl.from_arrays(
        y[:, None], times=np.arange(len(y), dtype=float), output_names=[list(units)[1]], units=units
    )


def _fitted(name: str, y: np.ndarray, pieces: Any, options: dict[str, Any]) -> list[Row]:
    """Our fit beside theirs."""
    ds, found = series(name, y), {}
    ours = seconds(lambda: found.update(r=dl.fit(LinearStateSpace.of(pieces, ds), ds, progress=False)), 1)[0]
    model = found["r"].model
    components = UnobservedComponents(y, use_exact_diffuse=True, **options)
    theirs = seconds(
        lambda: found.update(own=components.fit(disp=0, method="bfgs", gtol=1e-9, maxiter=500)), 1
    )[0]
    mine = structural.parameters(model)
    order = [key for key in ("noise", "level", "slope", "season 52") if key in mine]
    values = np.array([mine[key] for key in order])
    # Their search from their own start may end elsewhere; their likelihood decides, from near our parameters on.
    same = _same_start(UnobservedComponents(y, **options), model)
    polished = same.fit(1.3 * values**2, disp=0, method="nm", maxiter=4000, xtol=1e-13, ftol=1e-13)
    deviations = np.sqrt(np.abs(polished.params))
    # A deviation that both put at zero has no ratio.
    counts = np.maximum(values, deviations) > 1e-5 * float(np.nanstd(y))
    worst = np.abs(values[counts] / deviations[counts] - 1).max()
    peers = float(same.loglike(values**2))
    likelihood = float(dl.log_likelihood(model, ds)[0])
    note = ", ".join(f"{k} {a:.6g} ({b:.6g})" for k, a, b in zip(order, values, deviations, strict=True))
    behind = float(components.loglike(values**2) - found["own"].llf)
    return [
        Row(f"{name}: largest deviation of a parameter", worst, target=at_most(1e-4), note=note),
        Row(
            f"{name}: |log-likelihood / theirs - 1|", abs(likelihood / peers - 1), target=at_most(1e-4),
            note=f"{likelihood:.6f} and {peers:.6f}",
        ),
        Row(f"{name}: their likelihood at our parameters less that of their own search", behind, "nats"),
        Row(f"{name}: fit", ours, "s", "statsmodels", theirs, note="compilation included"),
    ]  # fmt: skip


def _same_start(theirs: Any, model: LinearStateSpace) -> Any:
    """Their model with our start of the states, moved to their units."""
    M, scale = model.matrices(), float(model.scaling.output_scale[0])
    mean = M["m0"] * scale
    mean[0] += float(model.scaling.output_mean[0])
    theirs.ssm.initialize_known(mean, M["P0"] * scale**2)
    theirs.loglikelihood_burn = 0
    return theirs


def _weeks(y: np.ndarray, count: int) -> np.ndarray:
    measured = np.flatnonzero(np.isfinite(y))
    return np.random.default_rng(0).choice(measured[1:-1], count, replace=False)


def _filled(name: str, y: np.ndarray, pieces: Any, hidden: np.ndarray, *, draw: bool) -> list[Row]:
    """What is said of values that were hidden."""
    known = y.copy()
    known[hidden] = np.nan
    ds = series(name, known)
    model = dl.fit(LinearStateSpace.of(pieces, ds), ds, progress=False).model
    filled = dl.impute(model, ds)
    if draw:
        _draw(name, filled)
    found, scale = filled["output"].values[0, hidden, 0], filled["output_scale"].values[0, hidden, 0]
    inside = np.abs(y[hidden] - found) <= 1.6448536 * scale
    there = np.isfinite(known)
    between_them = np.interp(hidden, np.flatnonzero(there), known[there])
    rmse = [float(np.sqrt(np.mean((v - y[hidden]) ** 2))) for v in (found, between_them)]
    coverage = Row(
        f"{name}: coverage of 90 %", float(inside.mean()), target=between(0.85, 0.95),
        note=f"{len(hidden)} hidden values, strongly dependent within a gap",
    )  # fmt: skip
    return [Row(f"{name}: RMSE of hidden values", rmse[0], "", "interpolation", rmse[1]), coverage]


def _draw(name: str, filled: xr.Dataset) -> None:
    import matplotlib as mpl

    if name == "co2":
        filled = filled.isel(time=slice(0, 260))
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        dl.plot.inferred(filled).savefig(DOCS / f"{name}.svg", metadata={"Date": None})
