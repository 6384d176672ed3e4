"""Context and horizon: what fits the data by itself, and what is refused before anything is fitted."""

import statistics
from itertools import product

import pytest

from dynlearn.cli.shared.windows import check_room, sizes
from dynlearn.errors import ArgumentError


@pytest.mark.parametrize(
    ("lengths", "required", "expected"),
    [
        ([1000], 1, (50, 100)),
        ([150], 50, (50, 100)),
        ([149], 1, (49, 100)),
        ([1000], 80, (80, 100)),
        ([18], 1, (6, 12)),
        ([18], 11, (11, 7)),
        ([2], 1, (1, 1)),
        ([400, 30, 30], 1, (10, 20)),
        ([400, 30, 30], 40, (40, 1)),
    ],
)
def test_sizes_that_nobody_gave(lengths, required, expected):
    assert sizes(lengths, required) == expected


def test_sizes_always_fit_or_are_refused():
    for lengths, required, context, horizon in product(
        ([3], [40, 8], [90, 60, 20], [300]), (1, 11, 45), (None, 5, 70), (None, 1, 35, 120)
    ):
        fits = (context or required) + (horizon or 1) <= max(lengths) and (context or required) >= required
        if not fits:
            with pytest.raises(ArgumentError, match="--context"):
                sizes(lengths, required, context, horizon)
            continue
        found = sizes(lengths, required, context, horizon)
        assert found[0] >= required
        assert found[1] >= 1
        assert sum(found) <= max(lengths)
        assert found == (context or found[0], horizon or found[1])
        if context is horizon is None and statistics.median_low(lengths) > required:
            assert sum(found) <= statistics.median_low(lengths), "half the runs hold a window"


def test_what_cannot_fit_is_said_with_what_came():
    with pytest.raises(ArgumentError, match=r"the longest run to score on has 10 samples, 10 \+ at least 1 "):
        check_room([10, 3], 10, None)


def test_refused_before_a_model_is_loaded(call, folder):
    """No model file is there at all: had it been looked for, its absence would be the error."""
    for verb in ("evaluate", "compare"):
        result = call(
            verb, folder / "none.dyn", folder / "runs.nc", "--context", 100, "--horizon", 50, code=2
        )
        assert "the longest run to score on has 120 samples, 100 + 50 are needed" in result.stderr


def test_fit_refuses_before_it_fits(call, folder, tmp_path, monkeypatch):
    import dynlearn as dl
    import dynlearn.evaluation  # which keeps the real one

    monkeypatch.setattr("dynlearn.fitting.fit", lambda *a, **k: pytest.fail("it was fitted"))
    target = ["-o", tmp_path / "m.dyn", "--model", "ARX", "--set", "delays=9"]
    for arguments, expected in (
        (["--context", 30], "has 18 samples, 30 + at least 1 are needed"),
        (["--context", 5], "this model infers its state from 10 samples, got 5"),
        (["--horizon", 10], "infers its state from 10, so that 20 are needed"),
    ):
        assert expected in call("fit", folder / "runs.nc", *target, *arguments, code=2).stderr
    gappy = dl.read(folder / "runs.nc")
    gappy["output"][:, 100::4] = float("nan")
    dl.write(gappy, tmp_path / "gappy.nc")
    found = call("fit", tmp_path / "gappy.nc", *target, code=2).stderr
    assert "no window of the test data lets this model infer its state" in found


def test_default_sizes_fit_short_held_out_runs(call, folder, tmp_path):
    done = call(
        "fit", folder / "runs.nc", "-o", tmp_path / "m.dyn", "--model", "Persistence", "--samples", 10
    )
    assert "windows of 6 + 12 samples" in done.output


@pytest.mark.parametrize("columns", [80, pytest.param(60, marks=pytest.mark.slow)])
def test_no_table_of_the_command_line_cuts_a_number(folder, tmp_path, columns):
    from typer.testing import CliRunner

    import dynlearn as dl
    from dynlearn.cli import app

    name = "the_temperature_of_the_second_heat_exchanger_at_its_outlet"
    ds = dl.read(folder / "runs.nc").assign_coords(output_name=[name])
    dl.write(ds, tmp_path / "long.nc")
    for arguments in (
        ["datasets"],
        ["datasets", "laser"],
        [
            "fit",
            "long.nc",
            "--model",
            "ARX",
            "--set",
            "delays=1",
            "-o",
            "a_model_with_a_name_of_forty_letters.dyn",
        ],
        ["evaluate", "a_model_with_a_name_of_forty_letters.dyn", "long.nc"],
        ["forecast", "a_model_with_a_name_of_forty_letters.dyn", "long.nc", "--context", "110"],
    ):
        placed = [str(tmp_path / a) if a.endswith((".nc", ".dyn")) else a for a in arguments]
        result = CliRunner().invoke(app, placed, env={"COLUMNS": str(columns)})
        assert result.exit_code == 0, result.output
        assert "…" not in result.stdout
        lines = [line for line in result.stdout.splitlines() if not line.startswith("written: ")]
        assert max(map(len, lines)) <= columns
