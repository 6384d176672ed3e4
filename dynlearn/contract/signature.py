"""What a model knows about the data it speaks of: names, units, sampling."""

import dataclasses
from typing import Self

import xarray as xr

from dynlearn.errors import ArgumentError, SchemaError, check_known
from dynlearn.trajectories import schema
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.hold import HOLDS, Hold
from dynlearn.trajectories.sampling import agrees, made_regular, sampling


@dataclasses.dataclass(frozen=True)
class Signature:
    """Names and units of a model's outputs and controls, and its sampling.

    `interval` is the sampling interval a discrete-time model was made for, in `time_unit`;
    None for a continuous-time model, which can be asked for any instant.

    Args:
        output_names, control_names, static_names: each name once; no controls and no static features unless given.
        output_units, control_units: one per name, or none at all.
        time_unit: of `interval` and of every instant, such as "s".
        interval: time from one sample to the next; None in continuous time.
        hold: "zero" or "linear", how controls go on from sample to sample.

    Raises:
        ArgumentError: a name that comes twice, units of another number, an unknown hold, an interval that is not
            above 0.

    >>> signature = Signature(("angle",), ("torque",), output_units=("rad",), time_unit="s", interval=0.1)
    >>> signature.discrete, signature.outputs, signature.statics
    (True, 1, 0)
    """

    output_names: tuple[str, ...]
    control_names: tuple[str, ...] = ()
    static_names: tuple[str, ...] = ()
    output_units: tuple[str, ...] = ()
    control_units: tuple[str, ...] = ()
    time_unit: str = ""
    interval: float | None = None
    hold: Hold = Hold.ZERO
    longest_step: float | None = None
    """The longest interval one step may cross, None for any; longer ones are crossed in several steps."""

    def __post_init__(self):
        for names, units, kind in (
            (self.output_names, self.output_units, "output"),
            (self.control_names, self.control_units, "control"),
        ):
            if units and len(units) != len(names):
                raise ArgumentError(f"{kind}_units: expected one per name {names}, got {units}.")
        for names in (self.output_names, self.control_names, self.static_names):
            if len(set(names)) < len(names):
                raise ArgumentError(f"names: expected each one once, got {names}.")
        check_known("hold", [self.hold], HOLDS)
        object.__setattr__(self, "hold", Hold(self.hold))
        for name in ("interval", "longest_step"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ArgumentError(f"{name}: expected a time > 0, or None, got {value!r}.")

    @classmethod
    def of(cls, ds: xr.Dataset, *, discrete: bool) -> Self:
        """Read off a dataset.

        Args:
            ds: trajectories under the schema.
            discrete: demand regular sampling, and keep its interval.

        Returns:
            The names, units, hold, and with `discrete` the interval of `ds`.

        Raises:
            SchemaError: `ds` is not under the schema, or not regular where that is demanded.
        """
        validate(ds)
        interval = None
        if discrete:
            found = sampling(ds)
            if found.interval is None:
                if found.smallest is None:
                    raise SchemaError(
                        "t: a discrete-time model needs runs of at least 2 samples, all have one; give longer ones."
                    )
                raise SchemaError(
                    f"t: a discrete-time model needs regular sampling, got intervals between "
                    f"{found.smallest:g} and {found.largest:g}; {made_regular(ds)} first, or use a "
                    f"continuous-time model."
                )
            interval = found.interval
        return cls(
            schema.names(ds, "output"),
            schema.names(ds, "control"),
            schema.names(ds, "static"),
            schema.units(ds, "output"),
            schema.units(ds, "control"),
            schema.time_unit(ds),
            interval,
            schema.hold(ds),
        )

    def replace(self, **changes) -> Self:
        """A copy with these fields changed.

        Args:
            changes: new values by the name of the field.
        """
        return dataclasses.replace(self, **changes)

    @property
    def outputs(self) -> int:
        """How many outputs there are."""
        return len(self.output_names)

    @property
    def controls(self) -> int:
        """How many controls there are."""
        return len(self.control_names)

    @property
    def statics(self) -> int:
        """How many static features there are."""
        return len(self.static_names)

    @property
    def discrete(self) -> bool:
        """Whether the model was made for one sampling interval."""
        return self.interval is not None

    def check(self, ds: xr.Dataset, *, controls: bool = True) -> xr.Dataset:
        """Raise unless `ds` speaks of the same outputs and controls, in the same units and sampling.

        Args:
            ds: data that a model is to be used on.
            controls: whether the controls have to be there too.

        Returns:
            `ds` as it came.

        Raises:
            ArgumentError: other names, units, hold or sampling.
            SchemaError: `ds` is not under the schema.
        """
        validate(ds)
        self._check_names(ds, "output", self.output_names, self.output_units)
        if self.static_names:
            self._check_names(ds, "static", self.static_names, ())
        if controls:
            self._check_names(ds, "control", self.control_names, self.control_units)
            if self.controls and schema.hold(ds) != self.hold:
                raise ArgumentError(
                    f"control: the model was made for hold={self.hold!r}, the data says {schema.hold(ds)!r}; "
                    f"set ds.control.attrs['hold'] to what was really applied."
                )
        unit = schema.time_unit(ds)
        if self.time_unit and unit and unit != self.time_unit:
            raise ArgumentError(
                f"t: the model's time unit is {self.time_unit!r}, the data's {unit!r}; convert t first."
            )
        self.check_interval(ds)
        return ds

    def check_interval(self, ds: xr.Dataset) -> None:
        """A discrete-time model takes data of its own sampling interval only.

        Args:
            ds: trajectories under the schema.

        Raises:
            ArgumentError: the intervals of `ds` are others, or irregular.
        """
        found = sampling(ds)
        if self.interval is None or found.smallest is None:
            return
        if not agrees(schema.times_2d(ds), self.interval):
            came = f"{found.interval:g}" if found.interval else f"{found.smallest:g} to {found.largest:g}"
            unit = self.time_unit and f" {self.time_unit}"
            raise ArgumentError(
                f"t: this is a discrete-time model with interval {self.interval:g}{unit}, the data's is {came}; "
                f"{made_regular(ds, self.interval)}, or use a continuous-time model."
            )

    def _check_names(self, ds: xr.Dataset, kind: str, names: tuple[str, ...], units: tuple[str, ...]) -> None:
        came = schema.names(ds, kind)
        if set(came) != set(names) or len(came) != len(names):
            raise ArgumentError(
                f"{kind}_name: the model has {list(names)}, the data {list(came)}; select or rename so that "
                f"they agree, e.g. ds.sel({kind}_name={list(names)})."
            )
        if came != names:
            raise ArgumentError(
                f"{kind}_name: the model's order is {list(names)}, the data's {list(came)}; "
                f"call ds.sel({kind}_name={list(names)})."
            )
        if not units:
            return
        for name, want, got in zip(names, units, schema.units(ds, kind), strict=True):
            if want and got and want != got:
                raise ArgumentError(
                    f"{kind} {name!r}: the model's unit is {want!r}, the data's {got!r}; convert the data and set "
                    f"its {kind}_unit."
                )
