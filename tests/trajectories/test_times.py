"""Times in every form people have them in, through every door, in any year."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from dynlearn.errors import ArgumentError
from dynlearn.trajectories import from_arrays, from_frame, to_frame
from dynlearn.trajectories.times.instants import from_dates, iso_dates, relative
from dynlearn.trajectories.times.spellings import as_instants

FAR = ["2100", "2200", "2300", "2400"]
FAR_DAYS = [0, 36524, 73048, 109572]
"""Counted by the calendar (2100, 2200 and 2300 are no leap years), here and below."""
PAST = ["-0100", "0900", "1500", "1601", "1678"]
PAST_DAYS = [0, 365243, 584388, 621278, 649402]


def days(times, **units) -> list[float]:
    return from_arrays(np.zeros(len(times)), times=times, units={"t": "d"} | units).t.values[0].tolist()


def test_the_days_of_the_table():
    assert [(dt.date(int(y), 1, 1) - dt.date(2100, 1, 1)).days for y in FAR] == FAR_DAYS
    first = (dt.date(2100, 1, 1) - dt.date(1100, 1, 1)).days  # the calendar repeats after 400 years
    assert [(dt.date(int(y), 1, 1) - dt.date(900, 1, 1)).days + first for y in PAST[1:]] == PAST_DAYS[1:]


@pytest.mark.parametrize("resolution", ["Y", "M", "D", "h", "m", "s", "ms", "us"])
@pytest.mark.parametrize(("years", "expected"), [(FAR, FAR_DAYS), (PAST, PAST_DAYS)])
def test_every_year_in_every_resolution(years, expected, resolution):
    dates = np.array(years, f"datetime64[{resolution}]")
    assert days(dates) == expected
    assert days(list(dates)) == expected


FORMS = {
    "datetimes": lambda t: [dt.datetime(int(y), 1, 1) for y in t],
    "dates": lambda t: [dt.date(int(y), 1, 1) for y in t],
    "timestamps": lambda t: [pd.Timestamp(f"{y}-01-01").as_unit("s") for y in t],
    "aware": lambda t: [dt.datetime(int(y), 1, 1, tzinfo=dt.UTC) for y in t],
    "ISO text": lambda t: [f"{y}-01-01" for y in t],
    "text with an offset": lambda t: [f"{y}-01-01T05:30:00+05:30" for y in t],
    "periods": lambda t: [pd.Period(y, "Y") for y in t],
    "a period index": lambda t: pd.PeriodIndex(t, freq="Y"),
    "a date index": lambda t: pd.DatetimeIndex(np.array(t, "datetime64[s]")),
    "a zoned index": lambda t: pd.DatetimeIndex(np.array(t, "datetime64[s]")).tz_localize("UTC"),
    "mixed resolutions": lambda t: [np.datetime64(t[0], "Y"), *(np.datetime64(y, "s") for y in t[1:])],
    "polars": lambda t: pl.Series([dt.datetime(int(y), 1, 1) for y in t]),
    "objects": lambda t: np.array([dt.datetime(int(y), 1, 1) for y in t], object),
}
ZONED = ("aware", "text with an offset", "a zoned index")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_through_every_door(form):
    times = FORMS[form](FAR)
    assert days(times) == FAR_DAYS
    for table in (pd.DataFrame({"when": times, "y": range(4)}), {"when": times, "y": np.arange(4)}):
        ds = from_frame(table, time="when", outputs=["y"], units={"t": "d"})
        assert ds.t.values[0].tolist() == FAR_DAYS
        zone = "Z" if form in ZONED else ""
        assert ds.t.attrs["origin"] == f"2100-01-01T00:00:00.000000000{zone}"
        assert iso_dates(ds.t.values[0], ds.t.attrs)[1] == ("2200-01-01T00:00:00Z" if zone else "2200-01-01")
        assert from_frame(to_frame(ds)).identical(ds)
        assert ds.dyn.before("2300-01-01").t.values[0].tolist() == FAR_DAYS[:2]
        assert ds.dyn.resample(36524.0).t.values[0].tolist() == [0, 36524, 73048, 109572]


def test_resolution_is_kept_to_the_nanosecond():
    times = np.array(["2024-01-01T00:00:00.000000001", "2024-01-01T00:00:00.000000004"], "datetime64[ns]")
    assert from_dates([times], "ns")[0][0].tolist() == [0, 3]
    assert from_dates([times, times[:1].astype("datetime64[ms]")], "ns")[0][0].tolist() == [1, 4]
    fine = np.array([5, 9], "datetime64[ps]")
    assert from_dates([fine], "ns")[0][0].tolist() == [0, 0.004]
    assert from_dates([fine], "ns")[1]["origin"] == "1970-01-01T00:00:00.000000000005"


def test_seconds_are_rounded_once():
    times = np.datetime64("2024-01-01", "ms") + np.arange(0, 10_000, 7)
    np.testing.assert_array_equal(from_dates([times], "s")[0][0], np.arange(0, 10_000, 7) / 1000)
    np.testing.assert_array_equal(from_dates([times], "ms")[0][0], np.arange(0, 10_000, 7))
    np.testing.assert_array_equal(from_dates([times], "h")[0][0], np.arange(0, 10_000, 7) / 3_600_000)


def test_offsets_that_change_with_the_summer():
    text = ["2024-10-27T01:30:00+02:00", "2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"]
    hours = from_arrays(np.zeros(3), times=text, units={"t": "h"})
    assert hours.t.values[0].tolist() == [0, 1, 2]
    assert hours.t.attrs["origin"] == "2024-10-26T23:30:00.000000000Z"
    stamps = [pd.Timestamp(one) for one in text]
    assert from_arrays(np.zeros(3), times=stamps, units={"t": "h"}).identical(hours)


def test_a_missing_date_ends_a_padded_run():
    times = np.array([["2024-01-01", "2024-01-02"], ["2024-01-01", "NaT"]], "datetime64[s]")
    y = np.array([[[1.0], [2.0]], [[3.0], [np.nan]]])
    assert from_arrays(y, times=times).dyn.lengths.tolist() == [2, 1]


def test_time_differences():
    wanted = [0.5, 1.0, 2.0]
    seconds = [dt.timedelta(seconds=s) for s in wanted]
    for times in (seconds, pd.to_timedelta(wanted, unit="s"), np.array([500, 1000, 2000], "timedelta64[ms]")):
        ds = from_arrays(np.zeros(3), times=times)
        assert ds.t.values[0].tolist() == wanted
        assert ds.t.attrs == {"units": "s"}
    assert days(np.array([1, 2, 4], "timedelta64[D]")) == [1, 2, 4]


def test_time_differences_of_any_length_and_resolution():
    mixed = [np.timedelta64(0, "ns"), np.timedelta64(1, "ms"), np.timedelta64(200_000, "D")]
    assert from_arrays(np.zeros(3), times=mixed).t.values[0].tolist() == [0, 0.001, 17_280_000_000]
    assert days([dt.timedelta(0), dt.timedelta.max - dt.timedelta(microseconds=999_999)])[1] > 999_999_999.99
    assert days([dt.timedelta(0), pd.Timedelta(12, "h"), np.timedelta64(1, "D")]) == [0, 0.5, 1]


def test_what_is_missing_among_resolutions_stays_missing():
    nat = np.datetime64("NaT")
    found = as_instants([np.datetime64("2024-01-01"), nat, np.datetime64("2024-01-01T00:00:01")])
    assert found.astype(str).tolist() == ["2024-01-01T00:00:00", "NaT", "2024-01-01T00:00:01"]
    assert np.isnat(as_instants([np.timedelta64(1, "s"), np.timedelta64("NaT"), np.timedelta64(1, "ms")])[1])


def test_a_zone_may_lead_out_of_the_calendar():
    west = dt.timezone(dt.timedelta(hours=-2))
    ends = [dt.datetime.min, dt.datetime.max]
    hours = as_instants([end.replace(tzinfo=west) for end in ends]) - as_instants(ends)
    assert (hours == np.timedelta64(2, "h")).all()


def test_integers_that_are_no_days_and_short_nanoseconds_are_numbers():
    for times in ([20240131, 20240132], [20240131.0, 20240201.0], [1704067200 * 10**9, 1704067201 * 10**9]):
        assert from_arrays(np.zeros(2), times=times).t.values[0].tolist() == times


def test_months_are_uneven_in_days_and_counted_where_asked_for():
    months = pd.period_range("2023-12", periods=4, freq="M")
    assert days(months) == [0, 31, 62, 91]
    assert days(months, t="month") == [0, 1, 2, 3]
    ends = pd.date_range("2024-01-31", periods=4, freq="ME")
    assert days(ends, t="month") == [0, 1, 2, 3]
    assert days(pd.period_range("2024", periods=3, freq="Y"), t="year") == [0, 1, 2]
    with pytest.raises(
        ArgumentError, match=r"whole months after 2024-01-15.*got 2024-02-16.*units=\{.t.: .d.\}"
    ):
        days(["2024-01-15", "2024-02-16"], t="month")
    with pytest.raises(ArgumentError, match="dates for the unit 'month', got time differences"):
        days([dt.timedelta(30), dt.timedelta(60)], t="month")


def test_an_index_of_times_is_the_time():
    index = pd.date_range("2024-01-01", periods=3, freq="h")
    table = pd.DataFrame({"y": [1.0, 2.0, 3.0]}, index=index)
    for form in (index, index.to_period("h"), index - index[0], index.tz_localize("CET")):
        ds = from_frame(table.set_index(form), outputs=["y"], units={"t": "h"})
        assert ds.t.values[0].tolist() == [0, 1, 2]
    named = pd.DataFrame({"y": [1.0, 2.0]}, index=pd.Index([0.5, 0.75], name="s"))
    assert from_frame(named, time="s", outputs=["y"]).t.values[0].tolist() == [0.5, 0.75]
    with pytest.raises(ArgumentError, match="outputs, and one of time and dt"):
        from_frame(named, outputs=["y"])


def test_an_index_of_runs_and_times():
    times = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-05"])
    index = pd.MultiIndex.from_arrays([["a", "a", "b"], times])
    for names in ([None, None], ["run", "when"]):
        table = pd.DataFrame({"y": [1.0, 2.0, 3.0]}, index=index.set_names(names))
        ds = from_frame(table, outputs=["y"], units={"t": "d"})
        assert ds.trajectory.values.tolist() == ["a", "b"]
        assert ds.dyn.times("a").tolist() == [0, 1]
        assert ds.dyn.times("b").tolist() == [4]
    both = table.assign(when=1.0)
    with pytest.raises(ArgumentError, match="'when' as a column and as a level of the index"):
        from_frame(both, time="when", outputs=["y"])


def test_tables_of_other_libraries():
    columns = {
        "run": ["a", "a", "b"],
        "when": [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 1)],
        "y": [1.0, None, 3.0],
        "u": [1, 2, 3],
    }
    roles = {"time": "when", "outputs": ["y"], "controls": ["u"], "trajectory": "run", "units": {"t": "d"}}
    wanted = from_frame(pd.DataFrame(columns), **roles)
    table = pl.DataFrame(columns)
    assert from_frame(table, **roles).identical(wanted)
    assert wanted["output"].values[0, :, 0].tolist()[0] == 1
    zoned = table.with_columns(pl.col("when").dt.replace_time_zone("Europe/Berlin"))
    assert from_frame(zoned, **roles).t.values.tolist()[0] == [0, 1]
    assert from_frame(zoned, **roles).t.attrs["origin"] == "2023-12-31T23:00:00.000000000Z"
    assert from_arrays(np.zeros(2), times=zoned["when"][:2]).t.attrs["origin"].endswith("23:00:00.000000000Z")
    assert not wanted.t.attrs["origin"].endswith("Z")
    with pytest.raises(ArgumentError, match=r"a table in memory, got LazyFrame; call \.collect\(\)"):
        from_frame(table.lazy(), **roles)
    with pytest.raises(ArgumentError, match=r"columns of one length, got \{'t': 2, 'y': 1\}"):
        from_frame({"t": [0.0, 1.0], "y": [1.0]}, time="t", outputs=["y"])


BAD_TIMES = {
    "an offset with some": (["2024-01-01T00:00Z", "2024-01-02T00:00"], "an offset from UTC with every date"),
    "no such month": (["2024-01-01", "2024-13-01"], "dates of the calendar.*Month out of range"),
    "not ISO": (
        ["01.02.2024", "02.02.2024"],
        r"ISO 8601 dates.*got '01\.02\.2024' in sample 0; .*to_datetime",
    ),
    "dates and numbers": (
        [dt.date(2024, 1, 1), 5],
        r"got date \(.*1\) in sample 0\) and int \(5 in sample 1\)",
    ),
    "something else": ([{}, {}], "numbers or dates, got dict"),
    "periods of two lengths": ([pd.Period("2024", "Y"), pd.Period("2024-02", "M")], "periods of one length"),
    "ISO text and a number": (
        ["2024-01-01", "5"],
        "numbers or dates throughout, got '2024-01-01' in sample 0 and '5' in sample 1; correct those of one kind",
    ),
    "an offset of more than a day": (["2024-01-01T00:00+25:00"] * 2, r"less than a day, .*got \+25:00"),
    "an offset of 75 minutes past": (["2024-01-01T00:00+01:75"] * 2, r"less than a day, .*got \+01:75"),
    "runs with and without an offset": (
        [["2024-01-01T00:00Z", "2024-01-02T00:00Z"], ["2024-01-01", "2024-01-02"]],
        "an offset from UTC with every date or with none, got both",
    ),
    "compact dates": (
        [20240131, 20240201],
        r"integers that all are days .*20240131; write them as 2024-01-31.*pass floats \(20240131\.0\)",
    ),
    "nanoseconds since 1970": (
        [1704067200000000000, 1704067200000000100],
        r"intervals that float64 holds, .*00 and 1704067200000000100; subtract.*to_datetime\(values, unit=\"ns\"\)",
    ),
    "months among differences": ([np.timedelta64(1, "M"), np.timedelta64(2, "D")], "a unit of fixed length"),
    "picoseconds far away": (
        [np.datetime64("2024-01-01"), np.datetime64(5, "ps")],
        "times that 64 bits hold in the resolution 'ps', got some that are 1704067200 s from 1970",
    ),
    "a long time with microseconds": (
        [dt.timedelta(10**8 + 1, 0, 1), dt.timedelta(0)],
        "64 bits hold in microseconds, got 100000001 days.*round it",
    ),
    "no date at all": ([None, None], "at least one date, got none"),
}


@pytest.mark.parametrize("case", BAD_TIMES)
def test_times_that_cannot_be_read(case):
    times, message = BAD_TIMES[case]
    outputs = np.zeros((2, 2, 1)) if isinstance(times[0], list) else np.zeros(2)
    with pytest.raises(ArgumentError) as caught:
        from_arrays(outputs, times=times)
    assert re.search(message, str(caught.value)), str(caught.value)


def test_dates_on_the_clock_of_a_dataset():
    attrs = {"units": "d", "origin": "2100-01-01T00:00:00.000000000"}
    assert relative(attrs, ["2400-01-01", "2100-01-02"]).tolist() == [109572, 1]
    assert relative(attrs, [1, 2]).tolist() == [1, 2]
    early = from_arrays(np.zeros(2), times=np.array(["-0300", "-0299"], "datetime64[D]"))
    assert relative(early.t.attrs, np.array(["-0300"], "datetime64[Y]")).tolist() == [0]
    with pytest.raises(ArgumentError, match=r"without a date at t = 0\), got dates; pass numbers"):
        relative({"units": "s"}, ["2400-01-01"])
    with pytest.raises(ArgumentError, match="an ISO date, got 'noon'"):
        relative({"units": "s", "origin": "noon"}, ["2400-01-01"])


@pytest.mark.parametrize(
    ("dates", "unit", "expected"),
    [
        (["2024-01-01", "2024-01-15", "2024-02-05"], "week", [0, 2, 5]),
        (["2024-01-01T00:00:00.9", "2024-01-01T00:00:02.1", "2024-01-01T00:01:00.5"], "s", [0, 1.2, 59.6]),
        (["2024-01-01T00:00", "2024-01-01T06:00", "2024-01-03T12:00"], "d", [0, 0.25, 2.5]),
        (["2024-01-01T00:00", "2024-01-01T00:30", "2024-01-01T02:00"], "min", [0, 30, 120]),
    ],
)
def test_dates_in_units(dates, unit, expected):
    ds = from_arrays(np.zeros(3), times=np.array(dates, "datetime64[ms]"), units={"t": unit})
    np.testing.assert_array_equal(ds["t"].values.ravel(), expected)


WRITTEN = {
    "days": ("d", ["2024-02-28", "2024-02-29", "2024-03-01"]),
    "hours": ("d", ["2024-02-28T00:00:00", "2024-02-28T06:00:00", "2024-02-29T18:00:00"]),
    "milliseconds": ("s", ["2024-02-28T23:59:59.998", "2024-02-28T23:59:59.999", "2024-02-29T00:00:00.001"]),
    "microseconds in ms": ("ms", ["1999-12-31T23:59:59.99975", "2000-01-01T00:00:00.00000"]),
    "far apart": ("d", ["1200-01-01", "2100-01-01", "4000-06-30"]),
    "month ends": ("month", ["2023-11-30", "2023-12-31", "2024-02-29"]),
    "same day": ("month", ["2023-11-15", "2023-12-15", "2024-02-15"]),
    "leap years": ("year", ["2020-02-29", "2021-02-28", "2024-02-29"]),
    "weeks": ("week", ["2024-01-01", "2024-01-08", "2024-01-29"]),
    "before the year 0": ("d", ["-0044-03-15", "-0004-01-01", "0000-12-31", "0033-04-03"]),
    "after 9999": ("d", ["9999-12-31", "+10000-01-01", "+12000-02-03"]),
    "nanoseconds": ("ns", ["2024-01-01T00:00:00.000000000", "2024-01-01T00:00:00.000000007"]),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_dates_come_out_as_they_went_in(case):
    unit, texts = WRITTEN[case]
    (t,), attrs = from_dates([np.array(texts, "datetime64")], unit)
    assert iso_dates(t, attrs).tolist() == texts
    assert as_instants(texts).astype("datetime64[ns]" if unit == "ns" else "datetime64[us]").tolist() == (
        np.array(texts, "datetime64[ns]" if unit == "ns" else "datetime64[us]").tolist()
    )


def test_instants_without_a_date_and_parts_of_months_are_no_dates():
    assert iso_dates(np.array([0.0]), {"units": "d"}) is None
    with pytest.raises(
        ArgumentError, match=r"times: expected whole months, got 0\.5; forecast at whole ones"
    ):
        iso_dates(np.array([0.0, 0.5]), {"units": "month", "origin": "2024-01-31T00:00:00.0"})
