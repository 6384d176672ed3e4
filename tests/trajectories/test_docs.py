"""The examples of the schema page run, and the page names what the code names."""

import re
from pathlib import Path

import pytest

from dynlearn.trajectories import schema

PAGE = Path(__file__).parents[2] / "docs" / "schema.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_examples_run(page):
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    assert blocks
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), {})


def test_names_are_documented(page):
    from dynlearn.accessor import TrajectoryAccessor

    verbs = [name for name in vars(TrajectoryAccessor) if not name.startswith("_")]
    missing = [name for name in (*schema.DIMENSIONS, *schema.KINDS, *verbs) if f"`{name}" not in page]
    assert missing == []


def test_version_is_documented(page):
    assert f"version {schema.SCHEMA_VERSION}" in page.splitlines()[0]
