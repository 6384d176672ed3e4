"""Every Python example of the README runs, in order, in one namespace."""

import re
from pathlib import Path

import pytest

import dynlearn as dl

README = Path(__file__).parents[1] / "README.md"


def test_examples_run(tmp_path, monkeypatch):
    text = README.read_text()
    examples = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(examples) == 9
    assert len([line for line in examples[0].splitlines() if line.strip()]) <= 12, (
        "the first example has 12 lines"
    )
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    for example in examples:
        exec(compile(example, str(README), "exec"), namespace)
    assert (tmp_path / "fan.png").stat().st_size > 1000
    assert (tmp_path / "laser.dyn").exists()
    assert type(dl.load(tmp_path / "swing.dyn")).__module__ == "dynlearn.models.neural.ode"
    assert namespace["low"].sizes["time"] == 3
    crps = namespace["scores"].crps.mean(["lead", "output_name"])
    assert float(crps.sel(model="Koopman")) < float(crps.sel(model="ARX"))


@pytest.mark.parametrize("name", ["make demo", "make test"])
def test_first_screen_shows_both_commands(name):
    assert name in "\n".join(README.read_text().splitlines()[:40])
