"""How well do state-space models simulate a measured plant from its input alone?

Protocol: free run, RMSE of the mean prediction. Cascaded tanks (level in V, 4 s): learned from the estimation
record only, its first 768 of 1024 samples for training and the last 256 for validation; what validation
chose (its error is a free run too, after 50 samples) is fitted again to all 1024 and run over the other
record, whose first 50 outputs set the state and are left out. Gas furnace (CO2 in %, 9 s): the first 148
samples, 111 for training and 37 for validation, fitted again to all 148; the other 148 are the test, the
state set by the 20 samples before them. Sizes, iterations (all listed in the code), and of three seeds the
one marked "chosen", are picked by validation; no number of a test run is used for any choice.

Models: `LinearStateSpace` (a first guess, subspace identification, EM, or maximum likelihood from there);
`NonlinearStateSpace`, linear plus a network, with a negligible process noise (then the marginal likelihood
is that of the simulation error) or a fitted one; on the tanks also with two tanks that overflow as its
transition ("grey-box"), with both kinds of noise, and from the fitted noise on by multi-step error (Adam,
horizon 200).

Peers: ARX by least squares, lags by validation. Published on the tanks, selected without the test record: GRU
0.396 V, P-NARX 0.413 V, ARX 0.63 to 0.73 V (arXiv 2405.10779).

Target: below 0.63 V on the tanks.

Seeds: 0, 1, 2 (networks' weights, the tanks' first parameters).
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ._free_run import Fits, Found, Problem, chosen, likelihood
from ._measure import dataset
from ._rows import Row, below
from ._settings import Settings

SEEDS = (0, 1, 2)
PEER = "ARX"
NEGLIGIBLE = 1e-4
"""Standard deviation of the state's noise per sample, in volts or in scaled units."""


def run(settings: Settings) -> list[Row]:
    return [*_tanks(settings), *_furnace(settings)]


def _tanks(settings: Settings) -> Iterator[Row]:
    problem = tanks()
    arx = chosen(problem, _arx((1, 2, 3, 5, 8, 16)))
    yield _single("tanks: ARX", arx, "V")
    linear = chosen(problem, _linear((2, 3, 4), settings))
    yield _single("tanks: linear", linear, "V", arx)
    families: dict[str, Callable[[int], Any]] = {
        "linear + network": lambda seed: _networks(
            ((2, 8), (2, 16), (3, 8), (3, 16)), negligible, (50, 50, 100, 200), 50, seed, settings
        ),
        "grey-box": lambda seed: [("", likelihood(_grey(seed, negligible), (settings.size(300, 3),)))],
        "grey-box, fitted noise": lambda seed: [
            ("", likelihood(_grey(seed, "constant"), (settings.size(300, 3),)))
        ],
        "grey-box, fitted noise, then multi-step": lambda seed: [("", _multi_step(seed, settings))],
    }
    found = {"linear": linear}
    for name, candidates in families.items():
        seeds = [chosen(problem, candidates(seed)) for seed in SEEDS[: settings.size(3, 1)]]
        yield from _seeds(f"tanks: {name}", seeds, "V", arx)
        found[name] = min(seeds, key=_validation)
    yield _best("tanks", found, "V", arx, below(0.63))


def _furnace(settings: Settings) -> Iterator[Row]:
    problem = furnace()
    scale = float(problem.whole["output"].std())
    arx = chosen(problem, _arx((1, 2, 3, 5, 8)))
    linear = chosen(problem, _linear((1, 2, 3, 4), settings))
    sizes, stages, name = ((2, 4), (2, 8), (3, 4)), (20, 10, 30, 40), "linear + network, fitted noise"
    seeds = [
        chosen(problem, _networks(sizes, "constant", stages, 20, seed, settings))
        for seed in SEEDS[: settings.size(3, 1)]
    ]
    found = {"linear": linear, name: min(seeds, key=_validation)}
    rows = [
        _single("furnace: ARX", arx, "%"),
        _single("furnace: linear", linear, "%", arx),
        *_seeds(f"furnace: {name}", seeds, "%", arx),
        _best("furnace", found, "%", arx),
    ]
    yield from rows
    for row in rows:
        if row.value is not None:
            peer = None if row.peer_value is None else row.peer_value / scale
            note = f"over {scale:.3g} %, the standard deviation of the first half"
            yield Row(f"{row.name}, normalised", row.value / scale, "", row.peer, peer, note=note)


def tanks() -> Problem:
    ds = dataset("cascaded_tanks")
    whole, test = ds.isel(trajectory=[0]), ds.isel(trajectory=[1])
    return Problem(whole.isel(time=slice(0, 768)), whole.isel(time=slice(768, None)), whole, test, 50)


def furnace() -> Problem:
    import dynlearn as dl

    dataset("gas_furnace")
    ds, context = dl.datasets.load("gas_furnace", context=20), 20
    whole, test = ds.isel(trajectory=[0], time=slice(0, 148)), ds.isel(trajectory=[1])
    train, valid = whole.isel(time=slice(0, 111)), whole.isel(time=slice(111 - context, None))
    return Problem(train, valid, whole, test, context)


def negligible(t: Any, x: Any, u: Any, s: Any) -> Any:
    import jax.numpy as jnp

    return jnp.full(x.shape, NEGLIGIBLE)


def _arx(lags: tuple[int, ...]) -> Iterator[tuple[str, Fits]]:
    def fits(ds: Any, delays: int) -> Iterator[Any]:
        import dynlearn as dl

        model = dl.models.ARX.from_data(ds, delays=delays, gap=0)
        yield dl.fit(model, ds, progress=False).model

    for delays in lags:
        yield f"{delays + 1} lags", functools.partial(fits, delays=delays)


def _linear(orders: tuple[int, ...], settings: Settings) -> Iterator[tuple[str, Fits]]:
    def make(ds: Any, states: int, method: str | None) -> Any:
        import dynlearn as dl

        model = dl.models.LinearStateSpace.from_data(ds, states=states, memory=50, key=0)
        if method is None:
            return model.as_fitted()
        return dl.fit(model, ds, method=method, progress=False).model

    def fits(ds: Any, **start: Any) -> Iterator[Any]:
        yield make(ds, **start)
        yield from likelihood(functools.partial(make, **start), (settings.size(300, 3),))(ds)

    for states in orders:
        for method in (None, "subspace", "em"):
            started = f"from {method}" if method else "from a first guess"
            yield f"{states} states {started}", functools.partial(fits, states=states, method=method)


def _networks(
    sizes: tuple[tuple[int, int], ...],
    noise: Any,
    stages: tuple[int, ...],
    memory: int,
    seed: int,
    settings: Settings,
) -> Iterator[tuple[str, Fits]]:
    def make(ds: Any, states: int, width: int) -> Any:
        import dynlearn as dl

        return dl.models.NonlinearStateSpace.from_data(
            ds, states=states, width=width, noise=noise, memory=memory, key=seed
        )

    for states, width in sizes[: settings.size(len(sizes), 1)]:
        steps = stages if not settings.quick else (20,)
        yield (
            f"{states} states, width {width}",
            likelihood(functools.partial(make, states=states, width=width), steps),
        )


def _grey(seed: int, noise: Any) -> Callable[[Any], Any]:
    def make(ds: Any) -> Any:
        import dynlearn as dl

        from ._tanks import Tanks, lower

        return dl.models.NonlinearStateSpace.from_data(
            ds,
            states=2,
            transition=Tanks.drawn(seed),
            observation=lower,
            noise=noise,
            start=([5.0, 5.0], 4 * np.eye(2)),
            memory=50,
            key=seed,
        )

    return make


def _multi_step(seed: int, settings: Settings) -> Fits:
    def fits(ds: Any) -> Iterator[Any]:
        import dynlearn as dl

        (start,) = likelihood(_grey(seed, "constant"), (settings.size(300, 3),))(ds)
        method = dl.fitting.Gradient(
            steps=settings.size(400, 5), horizon=200, batch=8, learning_rate=1e-2, patience=None
        )
        yield dl.fit(start, ds, method=method, objective="multi_step", progress=False, key=seed).model

    return fits


def _single(name: str, one: Found, unit: str, arx: Found | None = None, target: Any = None) -> Row:
    peer, value = (None, None) if arx is None else (PEER, arx.test)
    label = f"{one.name}; " if one.name else ""
    note = f"{label}validation {one.valid:.3g}; test before fitting again {one.held_out:.3g}"
    return Row(name, one.test, unit, peer, value, target, note)


def _best(problem: str, found: dict[str, Found], unit: str, arx: Found, target: Any = None) -> Row:
    """Of all families, by validation."""
    family = min(found, key=lambda name: found[name].valid)
    row = _single(f"{problem}: best by validation", found[family], unit, arx, target)
    return dataclasses.replace(row, note=f"{family}; {row.note}")


def _validation(one: Found) -> float:
    return one.valid


def _seeds(name: str, seeds: list[Found], unit: str, arx: Found) -> Iterator[Row]:
    listed = "; ".join(f"{one.test:.3g} (validation {one.valid:.3g})" for one in seeds)
    tests = [one.test for one in seeds]
    yield Row.repeated(f"{name}, median of seeds", tests, unit, PEER, [arx.test], note=listed)
    yield _single(f"{name}, chosen seed", min(seeds, key=_validation), unit, arx)
