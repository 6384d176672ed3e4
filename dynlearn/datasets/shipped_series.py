"""Measured series that come with the package, one csv each (`data/<name>/SOURCE.md` gives the provenance)."""

import dataclasses

import pandas as pd
import xarray as xr

from dynlearn.datasets.files import shipped, verify
from dynlearn.datasets.info import Info
from dynlearn.trajectories.build.arrays import from_arrays


@dataclasses.dataclass(frozen=True)
class Series:
    """One csv with the columns t, outputs, controls; an empty field was not measured."""

    info: Info
    units: dict[str, str]
    """From every column to its unit; "1" is dimensionless."""
    controls: tuple[str, ...] = ()

    @property
    def outputs(self) -> list[str]:
        return [name for name in self.units if name != "t" and name not in self.controls]


def _card(name: str, description: str, licence: str, source: str, sha256: str, size: int) -> Info:
    return Info(name, "measured", description, licence, source, {f"{name}/{name}.csv": sha256}, size)


SERIES = (
    Series(
        _card(
            "laser",
            "Intensity of a far-infrared NH3 laser, chaotic: growing pulsations, sudden collapses.",
            "MIT (as shipped in reservoirpy)",
            "Santa Fe time series competition, data set A (U. Huebner, PTB Braunschweig); reservoirpy 0.4.2",
            "445a3716709600fc2f2fe7c960735f0734945bdcf60db738f7c79f358d0d1f43",
            81_153,
        ),
        {"t": "sample", "intensity": "1"},
    ),
    Series(
        _card(
            "gait",
            "Acceleration of a walking person's thigh, three axes, 64 Hz, 110 s.",
            "CC BY 4.0",
            "Daphnet Freezing of Gait, S06R02, UCI repository, doi 10.24432/C56K78; aeon 1.6.0",
            "739518193d40a462b47ce107ceee6a157e15f68beb2978b3050ba3b758b4bc11",
            152_859,
        ),
        {"t": "s", "thigh_forward": "milli-g", "thigh_vertical": "milli-g", "thigh_lateral": "milli-g"},
    ),
    Series(
        _card(
            "co2",
            "Weekly carbon dioxide in the air of Mauna Loa, Hawaii, 1958-2001, with 59 missing weeks.",
            "public domain",
            "Keeling and Whorf (2004), Scripps Institution of Oceanography / CDIAC; statsmodels 0.15.0",
            "6c45964f582a11331211d4be7e301dff96e0fb00d78cb87d00a9809468d7f524",
            25_530,
        ),
        {"t": "day", "co2": "ppm"},
    ),
    Series(
        _card(
            "elnino",
            "Monthly sea surface temperature of the eastern Pacific (Nino 1+2), 1950-2010.",
            "public domain",
            "NOAA National Weather Service, ERSST.V3B; statsmodels 0.15.0",
            "71f8660c5583e7690ea66c7e4d7fe6c693d0244281a186f33b068179c8aa6327",
            7_154,
        ),
        {"t": "month", "temperature": "degC"},
    ),
    Series(
        _card(
            "pv_module",
            "Temperature of a photovoltaic module, driven by sun, air and wind; 5 days, every 15 minutes.",
            "MIT (as shipped in pvanalytics); source database CC BY 4.0",
            "NREL Research Support Facility II, PVDAQ system 1283; pvanalytics 0.2.2",
            "4b3ae727b8565b53dbfa241f9cfb8669fdc55bfe765d3eb6ee3b626a589f125e",
            18_966,
        ),
        {
            "t": "h",
            "module_temperature": "degC",
            "irradiance": "W/m^2",
            "ambient_temperature": "degC",
            "wind_speed": "m/s",
        },
        controls=("irradiance", "ambient_temperature", "wind_speed"),
    ),
)

INFOS = tuple(series.info for series in SERIES)


def load(name: str) -> xr.Dataset:
    """A measured series as one run."""
    series = next(s for s in SERIES if s.info.name == name)
    [(path, sha256)] = series.info.sha256.items()
    file = shipped(path)
    verify(file, sha256)
    frame = pd.read_csv(file, dtype="float64")
    controls = list(series.controls)
    return from_arrays(
        frame[series.outputs].to_numpy(),
        frame[controls].to_numpy() if controls else None,
        times=frame["t"].to_numpy(),
        output_names=series.outputs,
        control_names=controls or None,
        units=series.units,
        runs=[name],
    )
