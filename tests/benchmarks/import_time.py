"""What does it cost to import dynlearn, and to ask the command line for help?

Protocol: each import in a fresh process, timed inside it (the interpreter's own start left out), all in
turns, one round to warm the disk cache first. `--help` is timed from outside, interpreter included.

Peers: the numerical core alone (jax, equinox, diffrax, optax, xarray).

Target: `import dynlearn` at most 1.3 times the core; neither torch nor matplotlib imported; `--help` < 0.5
s.

Seeds: none.
"""

import sys

from ._measure import command, script
from ._rows import Row, at_most, below
from ._settings import Settings

CORE = "import jax, equinox, diffrax, optax, xarray"
ALONE = "import dynlearn"
FIT = "import dynlearn; dynlearn.fit; dynlearn.forecast; dynlearn.evaluate; dynlearn.control"
UNWANTED = ("torch", "matplotlib")
TIMED = """
import json, sys, time
started = time.perf_counter()
{imports}
took = time.perf_counter() - started
print(json.dumps(dict(took=took, unwanted=sum(name in sys.modules for name in {unwanted!r}))))
"""


def run(settings: Settings) -> list[Row]:
    cases = {"core": CORE, "alone": ALONE, "fit": FIT}
    took: dict[str, list[float]] = {name: [] for name in (*cases, "help")}
    unwanted = dict.fromkeys(cases, 0)
    for i in range(1 + settings.times(9)):
        for name, imports in cases.items():
            found = script(TIMED.format(imports=imports, unwanted=UNWANTED))
            unwanted[name] = max(unwanted[name], found["unwanted"])
            took[name] += [1e3 * found["took"]] if i else []
        helped = command([sys.executable, "-m", "dynlearn", "--help"])
        took["help"] += [helped] if i else []
    core, rows = took["core"], []
    for name, label, target in (
        ("alone", ALONE, at_most(1.3, of="ratio")),
        ("fit", "everything a fit needs", None),
    ):
        note = FIT if name == "fit" else ""
        rows.append(Row.repeated(label, took[name], "ms", "numerical core", core, target, note))
    count = max(unwanted["alone"], unwanted["fit"])
    return [
        *rows,
        Row("torch or matplotlib imported", count, "modules", target=at_most(0)),
        Row.repeated("python -m dynlearn --help", took["help"], "s", target=below(0.5)),
    ]
