"""The page of markers says what the classes say."""

import inspect
import re
from pathlib import Path

import pytest

from dynlearn.contract import forcing, linear_gaussian, markers, piecewise_linear, rescaling, state_space
from dynlearn.contract.model import AbstractModel
from dynlearn.models import FAMILIES, Ensemble, Perturbed, Smoothed

PAGE = Path(__file__).parents[2] / "docs" / "markers.md"
CLASSES = {
    name: cls
    for module in (markers, state_space, linear_gaussian, rescaling, forcing, piecewise_linear)
    for name, cls in vars(module).items()
    if name.startswith("Abstract") and getattr(cls, "__module__", "") == module.__name__
}
MODELS = {**FAMILIES, "Ensemble": Ensemble, "Smoothed": Smoothed, "Perturbed": Perturbed}


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    lines = re.findall(r"^\| `(Abstract\w+)` \|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in lines}


def test_every_marker_is_on_the_page(rows):
    assert set(rows) == set(CLASSES)


@pytest.mark.parametrize("name", [n for n, cls in CLASSES.items() if issubclass(cls, AbstractModel)])
def test_who_has_it(rows, name):
    having = {family for family, cls in MODELS.items() if issubclass(cls, CLASSES[name])}
    assert set(re.findall(r"`(\w+)`", rows[name][2])) == having


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_what_it_adds(rows, name):
    own = CLASSES[name]
    asked = {n for n in own.__abstractmethods__ if n in vars(own)} | {
        n for n in own.__annotations__ if not inspect.isfunction(vars(own).get(n))
    }
    assert asked <= set(re.findall(r"`(\w+)`", rows[name][1]))
