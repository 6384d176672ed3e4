"""A table in a terminal that is too narrow for it: more tables, and every number whole."""

import re

import pytest
from rich.console import Console

from dynlearn.wide_table import WideTable

NAMES = (
    "a_name_of_a_model_that_is_longer_than_any_line_has_room_for_it_beside_numbers",
    "ARX",
    "of several words",
)
SCORES = [f"score {i}" for i in range(9)] + ["coverage_of_ninety_per_cent"]


def rendered(width: int) -> str:
    table = WideTable("model", title="a title", caption="words below it")
    for score in SCORES:
        table.add_column(score, justify="right")
    for i, name in enumerate(NAMES):
        table.add_row(name, *(f"-0.0{i}{j}2345678" for j in range(len(SCORES))))
    console = Console(width=width)
    with console.capture() as seen:
        console.print(table)
    return seen.get()


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120, 300])
def test_every_number_is_whole_and_no_line_too_long(width):
    text = rendered(width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    found = re.findall(r"-0\.\d+", text)
    assert sorted(found) == sorted(f"-0.0{i}{j}2345678" for i in range(3) for j in range(10))
    assert text.count("a title") == text.count("words below it") == 1


def test_one_table_where_there_is_room():
    assert rendered(300).count("model ") == 1
    assert NAMES[0] in rendered(300)
    assert rendered(80).count("│ ARX") > 1


def test_a_table_without_columns():
    console = Console(width=20)
    with console.capture() as seen:
        console.print(WideTable())
    assert seen.get().strip() == ""
