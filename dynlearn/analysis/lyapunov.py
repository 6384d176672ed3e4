"""lyapunov: how fast neighbouring states of a fitted model part, in every direction."""

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from dynlearn.analysis._border import Control, check_stays, extrapolating
from dynlearn.analysis._pieces import PiecewiseMap
from dynlearn.analysis.orbit import StateMap, orbits
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_count
from dynlearn.numerics.precision import compiled
from dynlearn.references import cites
from dynlearn.trajectories.once import one_call


@cites("benettin1980lyapunov", "kaplan1979chaotic")
@one_call
def lyapunov(
    model: AbstractModel,
    context: xr.Dataset,
    *,
    control: Control = None,
    steps: int = 5000,
    discard: int = 500,
    exponents: int | None = None,
    interval: float | None = None,
) -> xr.Dataset:
    r"""The Lyapunov spectrum of a model's own dynamics, along the orbit that begins where each run of `context` ends.

        lambda_i = lim 1 / (n dt) sum_k log R_k,ii,    J_k Q_{k-1} = Q_k R_k,    J_k the Jacobian of the step at z_k

    A positive one is chaos, a zero one a flow's own direction; a direction that one step forgets, whose exponent is
    minus infinity, comes out as far below the others as the precision reaches. The Kaplan-Yorke dimension is
    j + (lambda_1 + .. + lambda_j) / |lambda_{j+1}| with j the most exponents whose sum is not negative. Those of a
    linear model (`Koopman`, `ARX`) are the logarithms of the moduli of its eigenvalues, without an error.

    Args:
        model: a fitted model whose state is one vector; noise is left out.
        context: runs, whose ends the orbits begin at.
        control: what is applied all along, for a model with controls.
        steps: of the orbit that count, rounded up to tens.
        discard: steps before that, over which the orbit and the directions settle.
        exponents: how many, the largest ones; all of them if not given.
        interval: of a step, for a model in continuous time; that of `context` if not given.

    Returns:
        `exponent` (trajectory, order) per time unit, largest first; `error`, its standard error by ten parts of the
        orbit; `kaplan_yorke` (trajectory), NaN where the exponents that were asked for do not reach it.

    Raises:
        ArgumentError: a model without such a state, data that do not fit, sizes that are no positive integers.
        DivergedError: an orbit that leaves the finite numbers.

    References: Benettin, Galgani, Giorgilli, Strelcyn, "Lyapunov characteristic exponents for smooth dynamical
    systems", Meccanica 1980; Kaplan, Yorke, "Chaotic behavior of multidimensional difference equations", 1979.

    >>> import dynlearn as dl, numpy as np
    >>> henon = lambda t, x, u, s: jnp.array([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])
    >>> signature = dl.models.Signature(("x", "y"), interval=1.0)
    >>> model = dl.models.NeuralMap(signature, hidden=0, memory=1, map=henon, key=0)
    >>> start = dl.from_arrays([[[0.1, 0.1]]], dt=1.0, output_names=["x", "y"])
    >>> found = lyapunov(model, start, steps=2000)
    >>> bool(abs(found["exponent"][0].sum() - np.log(0.3)) < 1e-3)  # its Jacobian has the determinant -0.3
    True
    """
    check_count("steps", steps, 10)
    check_count("discard", discard, 0)
    map = StateMap.of("lyapunov", model, context, control, interval)
    size = map.starts.shape[1]
    if exponents is not None:
        check_count("exponents", exponents, 1)
    if exponents is not None and exponents > size:
        raise ArgumentError(f"exponents: expected at most {size}, the size of the state, got {exponents}.")
    count = size if exponents is None else exponents
    # A number of steps that ten parts divide.
    steps = 10 * -(-steps // 10)
    exact = PiecewiseMap.of(map)
    if exact is not None and exact.units == 0:
        parts = _of_linear(map, exact, count, int(discard) + steps)
    else:
        logs = np.asarray(growth(map, count, int(discard), steps), float)
        parts = logs.reshape(len(logs), 10, steps // 10, count).mean(2)
    check_stays("lyapunov", context, np.isfinite(parts).all((1, 2)))
    parts = parts / float(map.interval)
    mean = parts.mean(1)
    order = np.argsort(-mean, axis=1)
    mean = np.take_along_axis(mean, order, 1)
    error = np.take_along_axis(parts.std(1, ddof=1) / np.sqrt(10), order, 1)
    dims = ("trajectory", "order")
    unit = per_time(map)
    found = xr.Dataset(
        {
            "exponent": (dims, mean, unit),
            "error": (dims, error, unit),
            "kaplan_yorke": ("trajectory", [kaplan_yorke(row, complete=count == size) for row in mean]),
        },
        {"trajectory": context["trajectory"].values, "order": np.arange(1, count + 1)},
    )
    return extrapolating(found, map.model, np.asarray(map.kept.control))


def _of_linear(
    map: StateMap, exact: PiecewiseMap, count: int, steps: int
) -> Float[np.ndarray, "run part order"]:
    """log |lambda|, the same in every part of every orbit; NaN of one that leaves the finite numbers."""
    modulus = np.sort(np.abs(np.linalg.eigvals(exact.A)))[::-1][:count]
    logs = np.log(np.maximum(modulus, jnp.finfo(map.starts.dtype).tiny))
    end = np.asarray(orbits(map, map.starts, steps - 1, 1)[0])
    return np.where(np.isfinite(end).all(-1)[..., None], np.tile(logs, (len(end), 10, 1)), np.nan)


def per_time(map: StateMap) -> dict[str, str]:
    """The unit of an exponent, as attributes."""
    unit = map.model.signature.time_unit
    return {"units": f"1/{unit}"} if unit not in ("", "1") else {}


def kaplan_yorke(exponents: Float[np.ndarray, " order"], *, complete: bool = True) -> float:
    """The dimension that a spectrum, largest first, stands for.

    Args:
        exponents: largest first.
        complete: whether these are all; if not, and their sum is not negative, the dimension is NaN.

    Returns:
        0 where the largest is negative, the number of exponents where their sum is not negative.

    Raises:
        ArgumentError: what are no finite numbers, largest first.

    >>> round(kaplan_yorke(np.array([0.906, 0.0, -14.57])), 3)
    2.062
    """
    values = np.asarray(exponents)
    fine = values.ndim == 1 and values.size > 0 and np.issubdtype(values.dtype, np.number)
    if not fine or not np.isfinite(values).all() or (np.diff(values) > 0).any():
        raise ArgumentError(f"exponents: expected finite numbers, largest first, got {exponents!r:.80}.")
    exponents, total = values, np.cumsum(values)
    if total[0] < 0:
        return 0.0
    j = int(np.flatnonzero(total >= 0)[-1]) + 1
    if j == len(exponents):
        return float(j) if complete else float("nan")
    return j + float(total[j - 1] / abs(exponents[j]))


@compiled
def growth(map: StateMap, count: int, discard: int, steps: int) -> Float[Array, "run step order"]:
    """log of the diagonal of R at every step that counts; NaN of an orbit that leaves the finite numbers."""
    size = map.starts.shape[1]
    # Directions of no meaning to the model: from its own axes, some exponents could stay out of sight.
    first = np.linalg.qr(np.random.default_rng(0).normal(size=(size, count)))[0]

    def one(run):
        kept, z = run

        def body(carry, _):
            z, Q = map.pushed(kept, *carry)
            Q, R = jnp.linalg.qr(Q)
            return (z, Q), jnp.log(jnp.maximum(jnp.abs(jnp.diagonal(R)), jnp.finfo(R.dtype).tiny))

        begun = jax.lax.fori_loop(
            0, discard, lambda _, carry: body(carry, None)[0], (z, jnp.asarray(first, z.dtype))
        )
        end, log = jax.lax.scan(body, begun, None, length=steps)
        return jnp.where(jnp.isfinite(end[0]).all(), log, jnp.nan)

    return map.each(one, (map.kept, map.starts))
