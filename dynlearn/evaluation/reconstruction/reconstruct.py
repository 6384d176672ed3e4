"""reconstruction_scores: long free runs of models, scored beside data, persistence and context tiling."""

from collections.abc import Mapping, Sequence

import xarray as xr
from jaxtyping import Array, Key

from dynlearn.contract.checks.measured import counts
from dynlearn.contract.foreign import Foreign
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_count
from dynlearn.evaluation.reconstruction.result import assembled
from dynlearn.evaluation.reconstruction.rows import of_baselines, of_data, of_models, seeds_of
from dynlearn.evaluation.reconstruction.settings import sizes
from dynlearn.evaluation.reconstruction.starts import Starts
from dynlearn.evaluation.reconstruction.trial import Trial
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.once import one_call


@one_call
def reconstruction_scores(
    models: AbstractModel | Foreign | Mapping[str, object],
    test: xr.Dataset,
    *,
    train: xr.Dataset | None = None,
    starts: int = 10,
    length: int | None = None,
    discard: int | None = None,
    context: int | None = None,
    metrics: Sequence[str] | None = None,
    lyapunov: float | None = None,
    steps: int | None = None,
    bins: int = 30,
    smoothing: float = 20.0,
    threshold: float = 0.4,
    lags: int | None = None,
    embedding: tuple[int, int] | None = None,
    key: int | Key[Array, ""] = 0,
) -> xr.Dataset:
    """How well models reconstruct the system behind the data: statistics of long free runs, beside their floors.

    From `starts` instants spread over the test set every model infers its state from the samples before and then
    runs free, driven by the recorded controls: along its mean path where it is deterministic, along one drawn path
    where its state moves at random. The first `discard` samples are a transient; the next `length` are compared
    with the test set. Prediction error and valid time compare the run from its start on with what was recorded
    there.

    Beside the models stand, scored in the same way,

        data            the floor: recorded windows of `train`; without it, for every start the window of the test
                        set half way around the starts, compared with the rest of the test set. Of prediction error
                        and valid time it shows what a run scores that has nothing to do with the start
        persistence     the last measured values
        context tiling  the last `context` samples again and again: it knows nothing, and beats models on spectra

    A run that leaves the finite numbers, or comes 100 standard deviations away from the data, is scored as the
    worst there is (D_H 1, D_stsp that of a run that is always outside, invariants infinitely far) and counted in
    `diverged`; none is left out. A metric that these data do not allow (gaps, uneven sampling) is left out by
    name, with the reason in an attribute `unscored METRIC`, and refused where it was asked for. Outputs that never
    change are left out, by name in the attribute `left_out`, and so are those that were never measured, in
    `never_measured`.

    Args:
        models: a fitted model, or by name fitted models or lists of them, one per seed. An ensemble counts as as
            many seeds as it has members.
        test: held-out trajectories.
        train: trajectories that the floor is taken from.
        starts: instants that a model runs from, an integer >= 1.
        length: samples of a free run that are scored; unless given as many as leave the starts twice the window to
            move in, 10000 at most. Scores depend on it.
        discard: samples before them; a tenth of the length unless given.
        context: samples before the start that the baselines read; unless given a tenth of the length, or the
            longest memory of the models where that is more.
        metrics: names among `dl.evaluation.reconstruction.METRICS`; all that the data allow unless given.
        lyapunov: the system's largest Lyapunov exponent per time unit, where it is known: the valid time is in
            units of 1 over it, otherwise in the time unit.
        steps: lead of the prediction error, in samples; 20 unless given.
        bins: of D_stsp, per output.
        smoothing: of D_H, in bins of frequency.
        threshold: of the valid time, in standard deviations.
        lags: of the autocorrelation distance, in samples; a tenth of the length unless given.
        embedding: copies and delay (in samples) of the vectors that exponent and dimension are estimated from.
            Unless given, three outputs and more are taken as states, and of fewer as many copies as make 5
            coordinates, as far apart as it takes the autocorrelation to fall below 1 - 1/e.
        key: an int or a JAX key, of the drawn paths.

    Returns:
        A dataset with `score` (metric, model, seed, start), its `median` and quartiles `lower` and `upper` over
        starts and seeds, `diverged` and `runs` per model, the invariants themselves in `value` and of the data in
        `recorded_value`, the runs from the first start in `free_run` and `recorded`, definitions and settings in
        coordinates and attributes. `dl.evaluation.show` prints it, `dl.plot.reconstruction` draws it.

    Raises:
        ArgumentError: names, units or sampling that do not fit; runs too short for context, transient and length;
            unknown metrics, or one that these data do not allow; no output that was measured, or none that changes;
            training data in which an output of the test set was never measured.

    References: of every metric, in the docstring of its function.

    >>> import dynlearn as dl
    >>> train, test = dl.datasets.load("lorenz63", runs=2, length=900, key=0).dyn.split(0.5, by="trajectory")
    >>> model = dl.fit(dl.models.ARX.from_data(train, delays=2), train, progress=False).model
    >>> found = dl.evaluation.reconstruction_scores(model, test, train=train, starts=3, metrics=["D_stsp", "D_H"])
    >>> found["model"].values.tolist(), found.sizes["start"], found.attrs["length"]
    (['ARX', 'data', 'persistence', 'context tiling'], 3, 250)
    >>> bool(found["median"].sel(model="data", metric="D_H") < found["median"].sel(model="ARX", metric="D_H"))
    True
    """
    seeds = seeds_of(models)
    validate(test)
    if "sample" in test["output"].dims:
        raise ArgumentError(
            'test: expected recorded trajectories, got a forecast with a dimension "sample"; choose one, e.g. '
            "ds.isel(sample=0)."
        )
    everyone = [model for several in seeds.values() for model in several]
    for model in everyone:
        model.signature.check(test)
    if train is not None:
        _check_train(train, test)
    if isinstance(metrics, str) or (metrics is not None and not list(metrics)):
        raise ArgumentError(f"metrics: expected a list of names such as ['D_stsp', 'D_H'], got {metrics!r}.")
    given = sizes(test, length, discard, context, max(model.memory for model in everyone))
    required = max(model.required for model in everyone)
    cut = Starts.spread("test", test, check_count("starts", starts, 1), given.context, given.ahead, required)
    chosen = {
        "steps": steps,
        "bins": bins,
        "smoothing": smoothing,
        "threshold": threshold,
        "lyapunov": lyapunov,
        "lags": lags,
        "embedding": embedding,
    }
    trial = Trial.of(test, cut, given, chosen)
    scored, unscored = trial.possible(metrics)
    rows, far = of_models(seeds, cut, key)
    floor, none = of_data(cut, given, train, test)
    beside, missing = of_baselines(test, cut)
    rows |= ({"data": floor} if floor else {}) | beside
    missing |= {"data": none} if none else {}
    said = {
        "data": "train" if train is not None else "test",
        **{f"missing {name}": why for name, why in missing.items()},
        **{f"unscored {name}": why for name, why in unscored.items()},
        **{f"extrapolates {name}": why for name, why in far.items()},
    }
    return assembled(trial, rows, scored, test, said)


def _check_train(train: xr.Dataset, test: xr.Dataset) -> None:
    """The floor is taken between data of one kind."""
    validate(train)
    names = [ds["output_name"].values.tolist() for ds in (train, test)]
    if names[0] != names[1]:
        raise ArgumentError(f"train: expected the outputs of test, {names[1]}, got {names[0]}.")
    found, wanted = counts(train), counts(test)
    missing = [name for name, count in found.items() if count == 0 and wanted[name] > 0]
    if missing:
        what = "nothing was measured" if not any(found.values()) else f"{missing} were never measured"
        raise ArgumentError(
            f"train: {what}, so that no floor can be taken from it; give other data, or leave train out."
        )
