"""The benchmarks' runner: what it lists, prints, writes and refuses. Nothing here is timed."""

import json
import math
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from .benchmarks import _measure, _peers, _registry
from .benchmarks._machine import commit
from .benchmarks._page import Ran, protocols, write
from .benchmarks._registry import Benchmark
from .benchmarks._rows import Row, at_least, at_most, below, between
from .benchmarks._run import main
from .benchmarks._settings import Settings, Unavailable
from .benchmarks._tables import cells

ROOT = Path(__file__).parents[1]
REQUIRED = {"name", "value", "unit", "peer", "peer_value", "ratio", "target", "met"}
REPEATED = {"median", "minimum", "maximum", "spread", "repeats"}


def dummy(settings: Settings) -> list[Row]:
    return [
        Row.repeated("time", [3.0, 1.0, 2.0], "ms", "other", [4.0, 4.0], target=at_most(1.0, of="ratio")),
        Row("score", 0.25 if settings.quick else 0.5, target=at_least(0.4), note="a | b"),
        Row("lost", math.nan, "m", "other", None, at_most(1.0, of="ratio"), "peer other is not installed"),
    ]


def lacking(settings: Settings) -> list[Row]:
    raise Unavailable("data x missing: pass --data DIR or set DYNLEARN_DATA.")


def broken(settings: Settings) -> list[Row]:
    raise RuntimeError("no")


TEXT = "Is it so?\n\nProtocol: none."
KNOWN = {f.__name__: Benchmark(f.__name__, TEXT, f) for f in (dummy, lacking, broken)}


def test_listing_names_every_script_and_imports_none(capsys):
    before = set(sys.modules)
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    files = {p.stem for p in (ROOT / "tests" / "benchmarks").glob("[!_]*.py")}
    assert {line.split()[0] for line in lines} == files
    assert {"import_time", "pendulum_mpc", "first_forecast"} <= files
    assert all(line.endswith("?") for line in lines)
    assert not [m for m in set(sys.modules) - before if m.split(".")[-1] in files]


def test_the_module_runs_as_a_command():
    command = [sys.executable, "-m", "tests.benchmarks", "--list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "import_time" in done.stdout


@pytest.mark.parametrize("name", list(_registry.benchmarks()))
def test_every_script_states_what_it_does(name):
    text = _registry.benchmarks()[name].text
    assert text.splitlines()[0].endswith("?")
    for part in ("Protocol:", "Peers:", "Target:", "Seeds:"):
        assert re.search(f"^{part} ", text, re.MULTILINE), f"{name}: no paragraph {part}"


UNMEASURED = ()
STALE = ()
"""The script has changed since, or the page was edited by hand: to be measured again."""


def due(name: str) -> object:
    why = "has no section yet" * (name in UNMEASURED) or "has to be measured again" * (name in STALE)
    return pytest.param(name, marks=pytest.mark.xfail(reason=why, strict=True)) if why else name


@pytest.mark.parametrize("name", [due(name) for name in _registry.benchmarks()])
def test_a_section_was_measured_by_the_protocol_its_script_states(name):
    found = protocols((ROOT / "docs" / "benchmarks.md").read_text())
    assert name in found
    assert found[name] == _registry.benchmarks()[name].text.strip()


def test_a_section_says_at_which_commit_it_was_measured(tmp_path):
    assert re.fullmatch(r"commit [0-9a-f]{10}( with changes)?|no commit", commit())
    page = tmp_path / "page.md"
    write(
        page,
        [Ran(Benchmark("one", TEXT, dummy), [Row("x", 1.0)], "today", 1.0, "commit 0123456789")],
        ["one"],
    )
    assert "`python -m tests.benchmarks one` at commit 0123456789 on today; took 1 s." in page.read_text()
    assert protocols(page.read_text()) == {"one": TEXT}


def test_json_gives_one_object_a_line(capsys):
    assert main(["dummy", "--json"], KNOWN) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows] == ["time", "score", "lost"]
    assert all(row.keys() >= REQUIRED and row["benchmark"] == "dummy" for row in rows)
    time, score, lost = rows
    assert time.keys() >= REPEATED
    assert (time["value"], time["peer_value"], time["ratio"], time["met"]) == (2.0, 4.0, 0.5, True)
    assert (time["median"], time["minimum"], time["maximum"], time["repeats"]) == (2.0, 1.0, 3.0, 3)
    assert time["target"] == "ratio <= 1"
    assert not REPEATED & score.keys()
    assert (lost["value"], lost["peer_value"], lost["met"]) == (None, None, None)
    assert "not installed" in lost["note"]


def test_quick_reaches_the_benchmark(capsys):
    main(["dummy", "--json", "--quick"], KNOWN)
    assert json.loads(capsys.readouterr().out.splitlines()[1])["met"] is False


def test_the_table_shows_every_row(capsys):
    assert main(["dummy"], KNOWN) == 0
    out = capsys.readouterr().out
    for text in ("Is it so?", "time", "score", "lost", "ratio <= 1", "1 to 3 (n=3)", "yes"):
        assert text in out


@pytest.mark.parametrize(("name", "text"), [("lacking", "--data DIR"), ("broken", "RuntimeError: no")])
def test_what_cannot_run_says_so_and_the_others_run(name, text, capsys):
    assert main([name, "dummy", "--json"], KNOWN) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["value"] is None
    assert text in rows[0]["note"]
    assert len(rows) == 4


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["dumy"], "did you mean 'dummy'"),
        ([], "expected names of benchmarks, or --all"),
        (["dummy", "--all"], "expected names of benchmarks, or --all"),
        (["dummy", "--repeats", "0"], "whole number >= 1"),
        (["dummy", "--quick", "--write", "x.md"], "do not belong on the page"),
        (["dummy", "--data", "no/such/folder"], "expected a folder"),
    ],
)
def test_wrong_commands(arguments, text, capsys):
    assert main(arguments, KNOWN) == 2
    assert text in capsys.readouterr().err


def test_the_page_keeps_the_sections_of_what_did_not_run(tmp_path):
    page = tmp_path / "docs" / "benchmarks.md"
    one, two = (Benchmark(name, TEXT, dummy) for name in ("one", "two"))
    for benchmark, value in ((two, 1.0), (one, 2.0), (two, 3.0)):
        write(page, [Ran(benchmark, [Row("x", value)], "today", 1.0)], ["one", "two"])
    text = page.read_text()
    assert text.count("## one") == text.count("## two") == 1
    assert text.index("## one") < text.index("## two")
    assert "| x | 2 |" in text
    assert "| x | 3 |" in text
    assert "| x | 1 |" not in text
    for stated in (
        "hold only within one run",
        "cores",
        "XLA_FLAGS",
        "python -m tests.benchmarks one",
        "today",
    ):
        assert stated in text
    write(page, [Ran(two, dummy(Settings()), "later", 1.0)], ["two"])
    assert "## one" not in page.read_text()
    assert "a / b" in page.read_text()


def test_targets():
    assert Row("x", 1.0, target=between(0.8, 0.97)).met is False
    assert Row("x", 0.9, target=between(0.8, 0.97)).met is True
    texts = [str(t) for t in (at_most(1), at_least(1), below(1, "ratio"), between(0.8, 0.97))]
    assert texts == ["value <= 1", "value >= 1", "ratio < 1", "0.8 <= value <= 0.97"]
    assert Row("x", 1.0, target=at_most(1.0)).met is True
    assert Row("x", 1.0, target=below(1.0)).met is False
    assert Row("x", math.nan, target=at_most(1.0)).met is False
    assert Row("x", None, target=at_most(1.0)).met is False
    assert Row("x", 1.0).met is None
    assert Row("x", 1.0, peer="p", peer_value=0.0).ratio is None
    assert cells(Row("x", 1.0, target=at_least(2.0)))[8] == "NO"
    with pytest.raises(ValueError, match="expected 'value' or 'ratio'"):
        at_most(1.0, of="peer")


def test_a_missing_peer_is_named():
    assert _measure.peer("no-such-package") is None
    assert "tests/benchmarks/requirements.txt" in _measure.missing("no-such-package")


def test_fresh_processes_report_and_fail_aloud():
    assert _measure.script("print('{\"x\": 1}')")["x"] == 1
    with pytest.raises(RuntimeError, match="ended with 1"):
        _measure.script("raise SystemExit(1)")


def test_a_missing_environment_of_peers_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("DYNLEARN_PEERS", str(tmp_path / "none"))
    with pytest.raises(
        Unavailable, match=r"none is missing: `make .venv-peers/.installed` builds it, or set"
    ):
        _peers.ask("any")


def test_a_peer_answers_in_arrays_and_fails_in_its_own_words(monkeypatch, tmp_path):
    # The interpreter by its path would leave its environment; a script in its place does not.
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("DYNLEARN_PEERS", str(tmp_path))
    serve = f"import sys; sys.path.insert(0, {str(_peers.SCRIPTS)!r}); from _serve import serve; "
    (tmp_path / "twice.py").write_text(serve + "serve('numpy', lambda x: {'y': 2 * x})")
    found = _peers.ask("twice", tmp_path, x=[1.0, 2.0])
    assert found["y"].tolist() == [2.0, 4.0]
    assert str(found["peer"]) == f"numpy {version('numpy')}"
    (tmp_path / "wrong.py").write_text("raise ValueError('rank 7 of 3 columns')")
    with pytest.raises(RuntimeError, match="ended with 1: ValueError: rank 7 of 3 columns"):
        _peers.ask("wrong", tmp_path)
