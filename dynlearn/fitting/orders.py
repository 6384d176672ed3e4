"""How many states a linear model should have."""

import inspect
from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, FitError, check_known
from dynlearn.fitting.methods.series import check_varied, series
from dynlearn.identification import subspace
from dynlearn.inference import border
from dynlearn.models.linear.independent import Independent
from dynlearn.numerics import precision
from dynlearn.trajectories.once import one_call


@one_call
def order_scores(
    ds: xr.Dataset,
    orders: Sequence[int] | None = None,
    validation: xr.Dataset | None = None,
    *,
    feedthrough: bool = False,
    past: int | None = None,
    future: int | None = None,
    variant: str = "cva",
    refine: int = 5,
) -> xr.Dataset:
    """How well linear systems of several orders describe `ds`: one number per criterion, the smaller the better.

    Args:
        ds: trajectories under the schema, regularly sampled.
        orders: numbers of states; None: 1 to 10, as far as the runs are long enough.
        validation: other runs, for the criterion of that name: negative log density per held-out value.
        feedthrough, past, future, variant, refine: as in `Subspace`; unrefined estimates, `refine=0`, are quicker
            and take too many states where a fifth of the values is missing. From two fifths on no criterion
            here is to be trusted: compare fits by EM on held-out runs.

    Returns:
        A Dataset over `order` with "aic", "bic", "svc" and "nic" (`dynlearn.identification.subspace.OrderScores`), and
        with `validation` one of that name, and the attribute `excited`, the largest order that the controls excite;
        infinite for larger ones and for an order that says less than the outputs' variance does.

    Raises:
        ArgumentError: orders that are no distinct positive integers; an unknown variant.
        SchemaError: irregular sampling.
        FitError: no order predicts the outputs better than their variance does; runs that are too short.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=6, length=80, measurement_noise=0.05, key=0)
    >>> sorted(dl.fitting.order_scores(ds, [1, 2, 3]))
    ['aic', 'bic', 'nic', 'svc']
    """
    signature = Signature.of(ds, discrete=True)
    check_varied(ds)
    if orders is None:
        # As many samples as the windows of the identification need at least.
        orders = range(1, max(2, min(11, int(ds.dyn.lengths.max()) // 4)))
    orders = _checked(orders)
    scaling = Scaling.of(ds)
    own = Independent.of(ds, scaling)
    ds, scaling = own.select(ds), own.scaling(scaling)
    held_out = None
    with precision.float64():
        outputs, controls = series(scaling, *border.groups_of(ds, feedthrough=feedthrough))
        if validation is not None:
            signature.check(validation)
            chosen = own.select(validation)
            held_out = series(scaling, *border.groups_of(chosen, feedthrough=feedthrough))
    found = subspace.OrderScores.of(
        outputs,
        controls,
        orders,
        validation=held_out,
        past=past,
        future=future,
        feedthrough=feedthrough,
        offset=True,
        method=variant,
        refine=refine,
    )
    names = [name for name in subspace.CRITERIA if getattr(found, name) is not None]
    # Scaled outputs that nothing predicts are standard normal; a system that says less about them is none.
    measured = np.concatenate([y[np.isfinite(y)] for y in outputs])
    carried = found.aic < measured.size * (1 + np.log(2 * np.pi))
    if not carried.any():
        raise FitError(
            f"order_scores: none of the orders {list(found.orders)} predicts the outputs better than their variance "
            f"does; {1 - measured.size / sum(y.size for y in outputs):.0%} of the values are missing. Fit several "
            f"numbers of states by EM and compare them on held-out runs."
        )
    scores = {name: ("order", np.where(carried, getattr(found, name), np.inf)) for name in names}
    return xr.Dataset(scores, {"order": list(found.orders)}, {"excited": found.excited})


@one_call
def select_order(
    ds: xr.Dataset,
    orders: Sequence[int] | None = None,
    validation: xr.Dataset | None = None,
    *,
    criterion: str | None = None,
    **options,
) -> int:
    """The best of `orders` by "bic", with `validation` by how probable it makes those runs, or by `criterion`.

    Args:
        ds: trajectories under the schema, regularly sampled.
        orders: numbers of states; None: 1 to 10, as far as the runs are long enough.
        validation: other runs, to hold the orders against.
        criterion: "aic", "bic", "svc", "nic" or "validation".
        options: further arguments of `order_scores`.

    Returns:
        The number of states.

    Raises:
        ArgumentError: an unknown criterion or option; "validation" without such runs.
        FitError: as `order_scores`; the largest order that the controls excite is the best one.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=6, length=80, measurement_noise=0.05, key=0)
    >>> dl.fitting.select_order(ds, range(1, 6))
    4
    """
    if criterion is None:
        criterion = "bic" if validation is None else "validation"
    check_known("criterion", [criterion], subspace.CRITERIA)
    check_known("option", options, inspect.signature(order_scores).parameters)
    scores = order_scores(ds, orders, validation, **options)
    if criterion not in scores:
        raise ArgumentError("criterion='validation': expected validation=runs held out, got None.")
    return best_order(scores, criterion)


def best_order(scores: xr.Dataset, criterion: str) -> int:
    """The order that `order_scores` found best by one of its criteria.

    Raises:
        FitError: the controls do not excite larger ones, which may be right.
    """
    return subspace.chosen(scores["order"].values.tolist(), scores[criterion].values, scores.attrs["excited"])


def _checked(orders: object) -> list[int]:
    if isinstance(orders, str) or not isinstance(orders, Iterable):
        raise ArgumentError(
            f"orders: expected several numbers of states such as range(1, 9), got {orders!r:.80}."
        )
    return list(orders)
