"""The page of results: a section per benchmark, kept until that benchmark is run again."""

import dataclasses
import re
from pathlib import Path

from ._machine import machine
from ._registry import Benchmark
from ._rows import Row
from ._tables import COLUMNS, cells

HEAD = """# Benchmarks

Written by `python -m tests.benchmarks --all --write docs/benchmarks.md` (`make bench`); do not edit by hand.

**Absolute timings hold only within one run**: on one machine, at one time, under the load stated with each
section. Compare ratios, where the two sides were measured in turns; compare times across sections or across
versions of this page with care. A value is the median where a spread (minimum to maximum of n repeats) stands
beside it.

On a CPU, XLA runs the matrix products of small networks on several threads, which can cost more than it saves
where cores are shared. Nothing is set for these runs beyond the variables below.
"""
SECTION = re.compile(r"<!-- begin (\w+) -->\n.*?<!-- end \1 -->\n", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Ran:
    """One benchmark, run."""

    benchmark: Benchmark
    rows: list[Row]
    when: str
    seconds: float
    commit: str = "no commit"


def protocols(page: str) -> dict[str, str]:
    """What each section says of how it was measured: the docstring of its script at that time."""
    return {m[1]: m[0].partition("\n\n")[2].partition("\n\n`python -m")[0] for m in SECTION.finditer(page)}


def write(path: Path, done: list[Ran], known: list[str]) -> None:
    """Replace the sections of what ran, keep those of other `known` benchmarks, drop the rest."""
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    sections = {match[1]: match[0] for match in SECTION.finditer(old) if match[1] in known}
    sections |= {ran.benchmark.name: section(ran) for ran in done}
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "\n".join(sections[name] for name in sorted(sections))
    path.write_text(f"{HEAD}\n{_machine()}\n{body}", encoding="utf-8")


def section(ran: Ran) -> str:
    header = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"
    rows = "\n".join(f"| {' | '.join(c.replace('|', '/') for c in cells(row))} |" for row in ran.rows)
    name = ran.benchmark.name
    return (
        f"<!-- begin {name} -->\n## {name}\n\n{ran.benchmark.text.strip()}\n\n"
        f"`python -m tests.benchmarks {name}` at {ran.commit} on {ran.when}; took {ran.seconds:.0f} s.\n\n"
        f"{header}\n{rows}\n<!-- end {name} -->\n"
    )


def _machine() -> str:
    rows = "\n".join(f"| {name} | {value.replace('|', '/')} |" for name, value in machine().items())
    return f"## Machine of the last run\n\n| what | value |\n|---|---|\n{rows}\n"
