"""What `fit` and `identify` share: data in three parts, and scores on the third one."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import xarray as xr

    from dynlearn.cli.shared.data import Table
    from dynlearn.fitting import FitResult


class Parts(NamedTuple):
    whole: "xr.Dataset"
    train: "xr.Dataset"
    valid: "xr.Dataset"
    test: "xr.Dataset"

    @property
    def lengths(self) -> list[int]:
        """Of the runs that are held out."""
        return self.test.dyn.lengths.tolist()


def read_parts(
    data: str,
    columns: "Table",
    until: int | None,
    split: str,
    by: str,
    key: int,
    context: int | None,
    horizon: int | None,
) -> Parts:
    """DATA, cut as asked and shown, once it is sure that its third part has room for a window."""
    from dynlearn.cli.shared import console, windows
    from dynlearn.cli.shared.data import open_data

    fractions = _fractions(split)
    with console.working(f"reading {data}"):
        ds = open_data(data, columns).isel(time=slice(None, until))
        parts = Parts(ds, *ds.dyn.split(*fractions, by=by, key=key))
        windows.check_room(parts.lengths, context, horizon)
    console.out().print(ds.dyn.describe())
    return parts


def check_targets(output: Path, checkpoint: Path | None, report: Path | None) -> None:
    from dynlearn.cli.shared import files

    for option, path, suffixes in (
        ("--output", output, ()),
        ("--checkpoint", checkpoint, ()),
        ("--report", report, files.PAGES),
    ):
        files.check_target(option, path, suffixes)


def finish(
    result: "FitResult",
    family: str,
    parts: Parts,
    sizes: tuple[int, int],
    samples: int,
    key: int,
    output: Path,
    report: Path | None,
    used: Mapping[str, Any],
) -> None:
    """Save the model, show its scores on held-out data beside the baselines, write the page."""
    import dynlearn as dl
    from dynlearn.cli.shared import console
    from dynlearn.cli.shared.tables import score_tables
    from dynlearn.evaluation.baselines import NAMES

    dl.save(result.model, output)
    console.out().print(f"[bold]{family}[/], {result.seconds:.1f} s: {result.reason}")
    console.written(output)
    name = f"{family} model" if family in NAMES else family
    with console.working("scoring on held-out data"):
        scores = dl.compare(
            {name: result.model},
            parts.train,
            parts.test,
            *sizes,
            validation=parts.valid,
            samples=samples,
            key=key,
        )
    show(score_tables(scores))
    if report is not None:
        from dynlearn.cli.shared.fit_page import page

        with console.working("writing the report"):
            page(result, parts.whole, parts.test, scores, used, name).write(report)
        console.written(report)


def show(tables: Iterable[Any]) -> None:
    from dynlearn.cli.shared import console

    for table in tables:
        console.out().print(table)


def _fractions(text: str) -> tuple[float, float]:
    from dynlearn.cli.shared import pairs
    from dynlearn.errors import ArgumentError

    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2:
        raise ArgumentError(
            f"--split: expected two fractions, training and validation, got {text!r}; pass e.g. 0.7,0.15."
        )
    first, second = (pairs.number("--split", part) for part in parts)
    if first + second > 1 - 1e-9:
        raise ArgumentError(
            f"--split: expected a rest to score on, got {first:g} + {second:g}; pass e.g. 0.7,0.15."
        )
    return first, second
