"""The command: choose changes, try each, say which survive."""

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from ._change import Change
from ._copy import Copy, Ran, copied
from ._table import Tried, page, show
from .changes import CHANGES

LIMIT = 300.0
"""Seconds for the tests of one change; a change that makes them run longer has been noticed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every change was noticed; 1: some survive or break the run; 2: the command, or the tree itself, was wrong."""
    chosen = _parser().parse_args(arguments)
    try:
        changes = selected(CHANGES, chosen.only)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.list:
        for change in changes:
            print(f"{change.folder:14}{change.name}")
        return 0
    with copied() as copy:
        if not chosen.unchecked and (ran := _unchanged(copy, changes)).code != 0:
            print(f"without any change: {ran.failed}\n{ran.output}", file=sys.stderr)
            return 2
        tried = [_tried(copy, change) for change in changes]
    show(tried)
    if chosen.write:
        Path(chosen.write).write_text(page(tried), encoding="utf-8")
    return int(any(each.survived or each.broken for each in tried))


def selected(changes: Sequence[Change], only: Sequence[str]) -> list[Change]:
    """Of the names or folders in `only`, or all of them."""
    known = {name for change in changes for name in (change.name, change.folder)}
    for name in only:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"unknown change or folder {name!r}: {hint}--list says which there are.")
    return [c for c in changes if not only or c.name in only or c.folder in only]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="names of changes, or folders")
    parser.add_argument("--list", action="store_true", help="folders and names")
    parser.add_argument("--write", metavar="PAGE", help="also write the table as Markdown")
    parser.add_argument(
        "--unchecked", action="store_true", help="do not first run all the tests without a change"
    )
    return parser


def _unchanged(copy: Copy, changes: Sequence[Change]) -> Ran:
    """The tests of all changes: they must pass, or their failing would say nothing."""
    tests = dict.fromkeys(test for change in changes for test in change.tests)
    whole = {test for test in tests if "::" not in test}
    return copy.run([t for t in tests if t in whole or t.split("::")[0] not in whole], LIMIT * len(changes))


def _tried(copy: Copy, change: Change) -> Tried:
    with copy.changed(change):
        found = Tried(change, copy.run(change.tests, LIMIT))
    print(
        f"{change.folder:14}{change.name}: {found.verdict} ({found.ran.seconds:.0f} s)",
        file=sys.stderr,
        flush=True,
    )
    return found
