"""The command: choose, run, show, keep."""

import argparse
import difflib
import json
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from ._machine import commit, now
from ._page import Ran, write
from ._registry import Benchmark, benchmarks
from ._rows import Row
from ._settings import Settings, Unavailable
from ._tables import show


def main(arguments: Sequence[str] | None = None, known: Mapping[str, Benchmark] | None = None) -> int:
    """0: all ran; 1: one failed or something it needs is missing; 2: the command was wrong.

    A target that is not met is a result, not a failure.
    """
    known = benchmarks() if known is None else known
    chosen = _parser().parse_args(arguments)
    if chosen.list:
        for benchmark in known.values():
            print(f"{benchmark.name:24}{benchmark.question}")
        return 0
    if wrong := _wrong(chosen, known):
        print(wrong, file=sys.stderr)
        return 2
    if chosen.data:
        os.environ["DYNLEARN_DATA"] = chosen.data
    done, failed = [], False
    for name in known if chosen.all else dict.fromkeys(chosen.names):
        ran, fine = _ran(known[name], Settings(chosen.quick, chosen.repeats))
        failed |= not fine
        done.append(ran)
        _print(ran, chosen.json)
        if chosen.write:
            write(Path(chosen.write), [ran], list(known))
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run; see --list")
    parser.add_argument("--all", action="store_true", help="run every benchmark")
    parser.add_argument("--list", action="store_true", help="names and questions")
    parser.add_argument("--json", action="store_true", help="one JSON object a line on standard output")
    parser.add_argument("--quick", action="store_true", help="small sizes: proves that it runs")
    parser.add_argument("--repeats", type=int, help="repeats of each timing (default: the benchmark's own)")
    parser.add_argument("--data", metavar="DIR", help="folder of benchmark files (default: DYNLEARN_DATA)")
    parser.add_argument("--write", metavar="PAGE", help="rewrite this page's sections of what ran")
    return parser


def _wrong(chosen: argparse.Namespace, known: Mapping[str, Benchmark]) -> str | None:
    if chosen.all == bool(chosen.names):
        return "expected names of benchmarks, or --all; --list says which there are."
    for name in chosen.names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            return f"unknown benchmark {name!r}: {hint}There are {', '.join(known)}."
    if chosen.repeats is not None and chosen.repeats < 1:
        return f"--repeats: expected a whole number >= 1, got {chosen.repeats}."
    if chosen.quick and chosen.write:
        return "--write: numbers of --quick do not belong on the page; leave out one of them."
    if chosen.data and not Path(chosen.data).is_dir():
        return f"--data: expected a folder, {chosen.data} is none."
    return None


def _ran(benchmark: Benchmark, settings: Settings) -> tuple[Ran, bool]:
    """Run one; what went wrong becomes a row that says so, and the next one runs all the same."""
    when, at, started = now(), commit(), time.perf_counter()
    print(f"{benchmark.name}: running ...", file=sys.stderr, flush=True)
    try:
        rows, fine = benchmark.run(settings), True
    except Unavailable as error:
        rows, fine = [Row("not run", None, note=str(error))], False
    except Exception as error:
        traceback.print_exc()
        text = " ".join(str(error).split())[:300]
        rows, fine = [Row("failed", None, note=f"{type(error).__name__}: {text}")], False
    return Ran(benchmark, rows, when, time.perf_counter() - started, at), fine


def _print(ran: Ran, as_json: bool) -> None:
    if not as_json:
        # A table as wide as it needs, also where the output is not a terminal.
        show(ran.benchmark, ran.rows, Console() if sys.stdout.isatty() else Console(width=200))
        return
    for row in ran.rows:
        print(json.dumps(row.as_json(ran.benchmark.name), ensure_ascii=False, allow_nan=False), flush=True)
