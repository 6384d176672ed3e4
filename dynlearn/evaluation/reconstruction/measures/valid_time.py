"""How long a free run follows what was recorded: its error at a lead, and the time until it is lost."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dynlearn.errors import ArgumentError, check_count, is_number
from dynlearn.evaluation.reconstruction.measures._series import as_series
from dynlearn.references import cites

THRESHOLD = 0.4
"""Normalised error up to which a forecast counts as valid."""


def normalised_error(
    generated: ArrayLike, recorded: ArrayLike, scale: ArrayLike | None = None
) -> Float[np.ndarray, " lead"]:
    """e_k = sqrt(mean_j ((y_kj - generated_kj) / scale_j)^2), over the outputs j that were measured at lead k.

    Args:
        generated: forecasts at leads 1, 2, .., `(lead, output)`.
        recorded: what was measured there, `(lead, output)`, NaN where nothing was.
        scale: of every output, `(output,)`; its standard deviation over `recorded` unless given.

    Returns:
        `(lead,)`, without unit: NaN where nothing was measured, infinity where the forecast is not finite.

    Raises:
        ArgumentError: shapes that do not fit, or a scale that is not above 0.

    >>> normalised_error([0.0, 1.0, 5.0], [0.0, 2.0, 1.0], scale=[2.0]).tolist()
    [0.0, 0.5, 2.0]
    """
    x, y = as_series("generated", generated), as_series("recorded", recorded)
    if x.shape != y.shape:
        raise ArgumentError(f"generated: expected the shape of `recorded`, {y.shape}, got {x.shape}.")
    measured = np.isfinite(y)
    if scale is None:
        mean = np.where(measured, y, 0).sum(axis=0) / measured.sum(axis=0).clip(1)
        deviation = np.where(measured, y - mean, 0)
        size = np.sqrt((deviation**2).sum(axis=0) / measured.sum(axis=0).clip(1))
    else:
        size = np.broadcast_to(np.asarray(scale, float), y.shape[1:])
    if not (size > 0).all():
        j = int(np.argmin(size > 0))
        raise ArgumentError(f"scale: expected a number above 0 for every output, output {j} has {size[j]:g}.")
    error = np.abs(np.where(measured, (x - y) / size, 0.0))
    error = np.where(np.isfinite(error), error, np.inf)
    count = measured.sum(axis=1)
    return np.where(count > 0, np.sqrt((error**2).sum(axis=1) / count.clip(1)), np.nan)


@cites("koppe2019identifying")
def prediction_error(
    generated: ArrayLike, recorded: ArrayLike, steps: int, scale: ArrayLike | None = None
) -> float:
    """The normalised error at exactly `steps` samples after the start, e_n of `normalised_error`.

    Public variants (Koppe et al. 2019) give the mean of e_n^2 over every instant of the data as a start, without
    the root, on data that were standardised before.

    Args:
        generated, recorded, scale: as `normalised_error`.
        steps: n, an integer >= 1.

    Returns:
        Without unit: about 1.4 for a forecast that has nothing to do with the data; NaN where nothing was
            measured.

    Raises:
        ArgumentError: as `normalised_error`, or more steps than there are leads.

    Reference: Koppe, Toutounji, Kirsch, Lis, Durstewitz, "Identifying nonlinear dynamical systems via generative
    recurrent neural networks with applications to fMRI", PLoS Comput. Biol. 2019.

    >>> prediction_error([0.0, 1.0, 5.0], [0.0, 2.0, 1.0], steps=3, scale=[2.0])
    2.0
    """
    found = normalised_error(generated, recorded, scale)
    if check_count("steps", steps, 1) > found.size:
        raise ArgumentError(f"steps: expected at most the {found.size} leads of the run, got {steps}.")
    return float(found[steps - 1])


@cites("vlachas2020backpropagation")
def valid_prediction_time(
    generated: ArrayLike,
    recorded: ArrayLike,
    elapsed: ArrayLike,
    *,
    scale: ArrayLike | None = None,
    threshold: float = THRESHOLD,
    lyapunov: float | None = None,
) -> float:
    """The time up to which the normalised error stays at or below `threshold`.

        T = max {t_k : e_i <= threshold for all i <= k},        in Lyapunov times: T times the exponent.

    Leads at which nothing was measured count as valid. A run that never exceeds the threshold has the whole
    `elapsed[-1]`, of which nothing more than "at least" is known.

    Public variants differ in the threshold (0.3, 0.4, 0.5) and in what divides the error: the standard deviation
    of every output, as here (Vlachas et al. 2020), or the root mean square of the whole state; that of dysts is a
    sMAPE of 30.

    Args:
        generated, recorded, scale: as `normalised_error`.
        elapsed: from the start to each lead, `(lead,)`, in the time unit.
        threshold: of the error, above 0.
        lyapunov: the largest Lyapunov exponent of the system, per time unit; None gives the time itself.

    Returns:
        The time in the time unit, or in Lyapunov times; 0 where the first lead is already off.

    Raises:
        ArgumentError: as `normalised_error`; a threshold or an exponent that is not above 0.

    Reference: Vlachas, Pathak, Hunt, Sapsis, Girvan, Ott, Koumoutsakos, "Backpropagation algorithms and reservoir
    computing in recurrent neural networks for the forecasting of complex spatiotemporal dynamics", Neural Networks
    2020.

    >>> t = 0.1 * np.arange(1, 6)
    >>> round(valid_prediction_time(np.exp(t), np.ones(5), t, scale=[1.0], threshold=0.4, lyapunov=1.0), 6)
    0.3
    """
    for name, value in (("threshold", threshold), ("lyapunov", 1.0 if lyapunov is None else lyapunov)):
        if not is_number(value) or not 0 < value < np.inf:
            raise ArgumentError(f"{name}: expected a number above 0, got {value!r}.")
    found, times = normalised_error(generated, recorded, scale), np.asarray(elapsed, float)
    if times.shape != found.shape:
        raise ArgumentError(f"elapsed: expected one instant per lead, {found.shape}, got {times.shape}.")
    off = found > threshold
    valid = int(np.argmax(off)) if off.any() else off.size
    return float(times[valid - 1] if valid else 0.0) * (1.0 if lyapunov is None else float(lyapunov))
