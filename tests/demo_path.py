"""What `dynlearn demo --quick` computes, without scores, baselines and the page.

Computed once more by tests of how it is compiled and of what its annotations say: `python -m tests.demo_path FOLDER`.
"""

import sys
from pathlib import Path


def demo_path(out: Path) -> None:
    """Fit and forecast the measured series, fit the pendulum and swing it up; files as the demo's, in `out`."""
    from rich.console import Console

    import dynlearn as dl
    from dynlearn.cli.demo import measured, pendulum
    from dynlearn.cli.demo.settings import QUICK
    from dynlearn.cli.demo.stages import Stages
    from dynlearn.cli.shared import fit_page

    one = QUICK.measured[0]
    (out / one.series).mkdir(parents=True)
    ds = dl.datasets.load(one.series).isel(time=slice(None, one.until))
    train, valid, test = ds.dyn.split(*one.split)
    for family in one.families:
        model = measured._fit(family, train, valid, QUICK.key).model
        *_, forecast = fit_page.first_forecast(model, test, context=one.context, horizon=one.horizon)
        dl.write(forecast, out / one.series / f"forecast_{family.model}.nc")
    pendulum.run(QUICK.pendulum, QUICK.key, out, Stages(Console(), 5))


if __name__ == "__main__":
    demo_path(Path(sys.argv[1]))
