"""The list of wrong changes keeps up with the code; the changes themselves are tried by name (`tests.mutation`)."""

import re
from pathlib import Path

import pytest

from .mutation import _run
from .mutation._change import Change
from .mutation.changes import CHANGES

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_still_fits_its_file_and_names_tests_that_exist(change):
    change.applied((ROOT / change.file).read_text(encoding="utf-8"))
    assert change.tests
    for test in change.tests:
        file, *names = test.split("[")[0].split("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert all(f"def {name}(" in text or f"class {name}" in text for name in names), test
        # The default suite has to notice it.
        for name in names:
            decorated = re.search(rf"((?:^@.*\n(?:[ \])}}].*\n)*)*)^def {name}\(", text, re.MULTILINE)
            assert decorated is None or "@pytest.mark.slow\n" not in decorated[1], test


def test_names_are_unique_and_files_belong_to_their_folder():
    assert len({change.name for change in CHANGES}) == len(CHANGES)
    folders = {change.folder for change in CHANGES}
    assert folders == {path.name for path in (ROOT / "dynlearn").iterdir() if path.is_dir()} - {"__pycache__"}


def test_a_change_that_does_not_fit_is_refused():
    change = Change("x", "dynlearn/a.py", "b = 1", "b = 2", ("tests/test_a.py",))
    assert change.applied("a = 0\nb = 1\n") == "a = 0\nb = 2\n"
    with pytest.raises(ValueError, match=r"once in dynlearn/a\.py, it occurs 2 times"):
        change.applied("b = 1\nb = 1\n")
    with pytest.raises(ValueError, match="says the same"):
        Change("x", "dynlearn/a.py", "b = 1", "b = (1)", ()).applied("b = 1\n")


def test_a_name_that_is_unknown_is_refused_with_the_nearest(capsys):
    assert _run.main(["--list", "--only", "forecastin"]) == 2
    assert "did you mean 'forecasting'?" in capsys.readouterr().err
    assert _run.main(["--list", "--only", "forecasting"]) == 0
    assert "forecasting" in capsys.readouterr().out
