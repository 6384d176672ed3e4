"""How fast are the log-likelihood of a linear Gaussian model and its gradient?

Protocol: 4 states, 2 outputs, 1 control (A of spectral radius 0.95), and a local level (1 state, 1 output); 1 000,
10 000 and 100 000 samples; 1 run, and 256 runs of one model; float64. Value, and value and gradient with respect to A,
B, C, the factors of Q, R and P0, and m0 (55 numbers, or 6): `numerics.kalman.run_filter` over a chain built from them,
compiled, compilation excluded. Nothing is missing, and `observed` says so, so that 256 runs share their covariances, as
dynamax's do; once more with gaps of their own in every run (a tenth of the values), which dynamax does not take. The
sides take turns, in an order drawn anew for every repeat; medians. Gradients of 256 runs end at 10 000 samples: at
100 000 either side's residuals exceed 16 GB. Values must agree to 1e-8 relative, the gradient to 1e-8 of its largest
entry with statsmodels' complex step, and to 1e-6 with dynamax's, which adds 1e-9 to every covariance it inverts.

Peers: dynamax (`lgssm_filter`, compiled, `jax.value_and_grad`); statsmodels (`KalmanFilter.loglike`, in Cython, which
stops updating covariances that have converged where nothing varies in time, here in the local level; it has no
derivative: its gradient is a complex step, one filter pass per number, and 256 runs are a loop, of which 8 are
timed and taken 32 times).

Target: not slower than the faster peer.

Seeds: system 1, noise 2, gaps 3.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ._measure import missing, peer, seconds
from ._rows import Row, at_most
from ._settings import Settings

SYSTEMS = {"4 states": (4, 2, 1), "local level": (1, 1, 0)}
"""States, outputs, controls."""
TIMED = 8
"""Of the runs of a batch, for statsmodels."""
Work = Callable[[], Any]
Parameters = dict[str, np.ndarray]


def run(settings: Settings) -> list[Row]:
    from dynlearn.numerics import precision

    runs, lengths = settings.size(256, 8), (1000, 10_000, 100_000)
    rows: list[Row] = []
    with precision.float64():
        for system in SYSTEMS:
            for length in (40, 80) if settings.quick else lengths:
                for batch in (1, runs):
                    rows += _compared(system, length, batch, settings)
            rows += _with_gaps(system, settings.size(1000, 40), runs, settings)
    return rows


def problem(
    system: str, length: int, runs: int, gaps: float = 0.0
) -> tuple[Parameters, np.ndarray, np.ndarray]:
    """The parameters, controls (run, time, control) and outputs (run, time, output)."""
    n, p, m = SYSTEMS[system]
    rng = np.random.default_rng(1)
    A = rng.normal(size=(n, n))
    A = np.eye(1) if n == 1 else A * 0.95 / np.abs(np.linalg.eigvals(A)).max()
    found = {
        "A": A,
        "B": rng.normal(size=(n, m)),
        "C": np.eye(1) if n == 1 else rng.normal(size=(p, n)),
        "Q": 0.3 * (np.tril(rng.normal(size=(n, n))) + np.eye(n)),
        "R": 0.3 * np.tril(rng.normal(size=(p, p))) + 0.5 * np.eye(p),
        "m0": rng.normal(size=n),
        "P0": 0.1 * np.tril(rng.normal(size=(n, n))) + np.eye(n),
    }
    rng = np.random.default_rng(2)
    u, y = rng.normal(size=(runs, length, m)), np.empty((runs, length, p))
    x = found["m0"] + rng.normal(size=(runs, n)) @ found["P0"].T
    for t in range(length):
        y[:, t] = x @ found["C"].T + rng.normal(size=(runs, p)) @ found["R"].T
        x = x @ A.T + u[:, t] @ found["B"].T + rng.normal(size=(runs, n)) @ found["Q"].T
    y[np.random.default_rng(3).random(y.shape) < gaps] = np.nan
    return found, u, y


def _compared(system: str, length: int, runs: int, settings: Settings) -> Iterator[Row]:
    given = problem(system, length, runs)
    sides = {"here": _here, "dynamax": _dynamax}
    if peer("dynamax") is None:
        del sides["dynamax"]
    works = {name: _compiled(side, *given) for name, side in sides.items()}
    works["statsmodels"] = _statsmodels(*given)
    _check(system, works, *given)
    for index, what in enumerate(("value", "value and gradient")):
        title = f"{system}, {length} samples, {runs} run{'s' * (runs > 1)}, {what}"
        if index and runs * length > 2_560_000:
            yield Row(
                title, None, "ms", note="not run: residuals of every sample exceed 16 GB; see 10000 samples"
            )
            continue
        took = _in_turns({name: pair[index] for name, pair in works.items()}, settings)
        scale = runs / min(runs, TIMED)
        took["statsmodels"] = [scale * t for t in took["statsmodels"]]
        yield from _rows(title, took, target=True)


def _rows(title: str, took: dict[str, list[float]], target: bool) -> Iterator[Row]:
    others = {name: float(np.median(times)) for name, times in took.items() if name != "here"}
    fastest = min(others, key=lambda name: others[name])
    for name in ("dynamax", "statsmodels"):
        if name not in took:
            note = "it does not take missing values" if peer(name) else missing(name)
            yield Row(f"{title}, beside {name}", None, "ms", note=note)
            continue
        limit = at_most(1.0, "ratio") if target and name == fastest else None
        yield Row.repeated(f"{title}, beside {name}", took["here"], "ms", peer(name), took[name], limit)


def _with_gaps(system: str, length: int, runs: int, settings: Settings) -> Iterator[Row]:
    given = problem(system, length, runs, gaps=0.1)
    works = {"here": _compiled(_here_with_gaps, *given), "statsmodels": _statsmodels(*given)}
    _agree("values with gaps", works["here"][0](), _statsmodels(*given, exact=True)[0](), 1e-8)
    for index, what in enumerate(("value", "value and gradient")):
        took = _in_turns({name: pair[index] for name, pair in works.items()}, settings)
        took["statsmodels"] = [runs / min(runs, TIMED) * t for t in took["statsmodels"]]
        yield from _rows(f"{system}, {length} samples, {runs} runs, gaps, {what}", took, target=True)


def _in_turns(sides: dict[str, Work], settings: Settings) -> dict[str, list[float]]:
    """Milliseconds of each side, the slow ones less often."""
    took: dict[str, list[float]] = {side: [] for side in sides}
    rng = np.random.default_rng(0)
    for work in sides.values():
        work()
    for repeat in range(settings.times(15)):
        for side, work in rng.permutation(np.array(list(sides.items()), dtype=object)):
            slow = bool(took[side]) and min(took[side]) > 1000
            if not slow or repeat % 7 == 0:
                took[side] += [1e3 * s for s in seconds(work, 1)]
    return took


def _compiled(
    density: Callable[[Any, Any, Any], Any], p: Parameters, u: np.ndarray, y: np.ndarray
) -> tuple[Work, Work]:
    """The value, and value and gradient, of the sum of the runs' log-likelihoods."""
    import jax
    import jax.numpy as jnp

    one = len(y) == 1
    given = jax.tree.map(jnp.asarray, (p, u[0], y[0]) if one else (p, u, y))
    total = density if one else lambda p, u, y: jax.vmap(density, (None, 0, 0))(p, u, y).sum()
    value, both = jax.jit(total), jax.jit(jax.value_and_grad(total))
    return lambda: jax.block_until_ready(value(*given)), lambda: jax.block_until_ready(both(*given))


def _chain(p: Any, u: Any, y: Any) -> Any:
    import jax.numpy as jnp

    from dynlearn.filtering.kalman.chain import Chain

    def every(matrix: Any, first: Any = None) -> Any:
        rows = jnp.broadcast_to(matrix, (len(y), *matrix.shape))
        return rows if first is None else jnp.concatenate([first[None], rows[1:]])

    return Chain(
        F=every(p["A"], jnp.zeros_like(p["A"])),
        c=jnp.concatenate([p["m0"][None], (u[:-1, None] * p["B"]).sum(-1)]),
        chol_Q=every(jnp.tril(p["Q"]), jnp.tril(p["P0"])),
        H=every(p["C"]),
        d=jnp.zeros_like(y),
        chol_R=every(jnp.tril(p["R"])),
        y=y,
    )


def _here(p: Any, u: Any, y: Any) -> Any:
    import jax.numpy as jnp

    from dynlearn.filtering.kalman.recursions import run_filter

    return run_filter(_chain(p, u, y), observed=jnp.ones(y.shape, bool)).log_density.sum()


def _here_with_gaps(p: Any, u: Any, y: Any) -> Any:
    from dynlearn.filtering.kalman.recursions import run_filter

    return run_filter(_chain(p, u, y)).log_density.sum()


def _parallel(p: Any, u: Any, y: Any) -> Any:
    from dynlearn.filtering.kalman.recursions import run_filter

    return run_filter(_chain(p, u, y), parallel=True).log_density.sum()


def _dynamax(p: Any, u: Any, y: Any) -> Any:
    import jax.numpy as jnp
    from dynamax.linear_gaussian_ssm import inference as lgssm

    def covariance(factor: Any) -> Any:
        return jnp.tril(factor) @ jnp.tril(factor).T

    n, outputs = p["A"].shape[0], y.shape[1]
    model = lgssm.ParamsLGSSM(
        lgssm.ParamsLGSSMInitial(p["m0"], covariance(p["P0"])),
        lgssm.ParamsLGSSMDynamics(p["A"], jnp.zeros(n), p["B"], covariance(p["Q"])),
        lgssm.ParamsLGSSMEmissions(
            p["C"], jnp.zeros(outputs), jnp.zeros((outputs, u.shape[1])), covariance(p["R"])
        ),
    )
    # Its control at a sample is the one that led there.
    return lgssm.lgssm_filter(model, y, jnp.concatenate([u[:1], u[:-1]])).marginal_loglik


def _statsmodels(p: Parameters, u: np.ndarray, y: np.ndarray, exact: bool = False) -> tuple[Work, Work]:
    """Of the first runs, the gradient by a complex step in every parameter; `exact`: of all, never converged."""
    from statsmodels.tsa.statespace.kalman_filter import INVERT_UNIVARIATE, SOLVE_LU, KalmanFilter

    n, count = len(p["A"]), len(y) if exact else min(len(y), TIMED)
    filters = [KalmanFilter(y.shape[2], n, k_posdef=n) for _ in range(count)]
    for index, one in enumerate(filters):
        one.bind(np.ascontiguousarray(y[index]))
        one["selection"] = np.eye(n)
        one.tolerance = 0 if exact else one.tolerance

    # The other inversions of complex matrices conjugate, which a complex step must not.
    options = {"complex_step": True, "inversion_method": INVERT_UNIVARIATE | SOLVE_LU}

    def total(p: Parameters, **options: Any) -> Any:
        Q, R, P0 = (np.tril(p[name]) @ np.tril(p[name]).T for name in ("Q", "R", "P0"))
        found = 0
        for index, one in enumerate(filters):
            one["design"], one["transition"], one["state_cov"], one["obs_cov"] = p["C"], p["A"], Q, R
            if u.shape[2]:
                one["state_intercept"] = np.ascontiguousarray((u[index] @ p["B"].T).T)
            one.initialize_known(p["m0"], P0)
            found = found + one.loglike(**options)
        return found

    def both() -> tuple[float, Parameters]:
        slopes = {name: np.zeros(value.shape) for name, value in p.items()}
        moved = {name: value.astype(complex) for name, value in p.items()}
        for name, value in p.items():
            for entry in np.ndindex(value.shape):
                if name in ("Q", "R", "P0") and entry[1] > entry[0]:
                    continue
                moved[name][entry] += 1e-30j
                slopes[name][entry] = np.imag(total(moved, **options)) / 1e-30
                moved[name][entry] = value[entry]
        return total(p), slopes

    return lambda: total(p), both


def _check(
    system: str, works: dict[str, tuple[Work, Work]], p: Parameters, u: np.ndarray, y: np.ndarray
) -> None:
    values, small = {name: pair[0]() for name, pair in works.items()}, y.size <= 2000
    works = {**works, "statsmodels": _statsmodels(p, u, y, exact=True)}
    values["statsmodels"] = works["statsmodels"][0]() if y.size <= 1_000_000 else values["here"]
    for name, value in values.items():
        _agree(f"{system}: value beside {name}", values["here"], value, 1e-8)
    slopes = {name: pair[1]()[1] for name, pair in works.items()} if small else {}
    for name, limit in (("statsmodels", 1e-8), ("dynamax", 1e-6)):
        for entry in slopes["here"] if name in slopes else ():
            _agree(
                f"{system}: slope of {entry} beside {name}", slopes["here"][entry], slopes[name][entry], limit
            )


def _agree(what: str, found: Any, expected: Any, limit: float) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    error = np.abs(found - expected).max(initial=0)
    if not error <= limit * np.abs(expected).max(initial=0):
        raise AssertionError(
            f"{what}: off by {error:.2g} of {np.abs(expected).max():.3g}, expected {limit:g} of it."
        )
