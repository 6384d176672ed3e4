"""CSV files as people have them: read in the one way there is, or refused with the line."""

import re

import numpy as np
import pandas as pd
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, FileFormatError, MissingFileError
from dynlearn.trajectories import from_csv, read

ROLES = {"time": "t", "outputs": ["y"]}


@pytest.fixture
def table(tmp_path):
    """`table(text, **options)` reads it as a file."""

    def read_table(text, **options):
        path = tmp_path / "log.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return from_csv(path, **(ROLES | options))

    return read_table


GOOD = {
    "comma": "t,y\n0,1.5\n1,2.5\n",
    "semicolon": "t;y\n0;1.5\n1;2.5\n",
    "tab": "t\ty\n0\t1.5\n1\t2.5\n",
    "bar": "t|y\n0|1.5\n1|2.5\n",
    "decimal comma": "t;y\n0;1,5\n1;2,5\n",
    "quoted decimal comma": 't,y\n0,"1,5"\n1,"2,5"\n',
    "comments": "# a logger\n# of ours\nt,y\n0,1.5\n# a pause\n1,2.5\n",
    "blank lines": "\n\nt,y\n\n0,1.5\n1,2.5\n\n\n",
    "windows": "t,y\r\n0,1.5\r\n1,2.5\r\n",
    "old macintosh": "t,y\r0,1.5\r1,2.5\r",
    "no last line end": "t,y\n0,1.5\n1,2.5",
    "spaces": "t, y\n0, 1.5\n1, 2.5\n",
    "other columns": "t,note,y\n0,start,1.5\n1,,2.5\n",
    "quoted comma": 't,note,y\n0,"a, b",1.5\n1,"c",2.5\n',
    "quoted line end": 't,note,y\n0,"a\nb",1.5\n1,"c",2.5\n',
    "spreadsheet": "sep=;\nt;y\n0;1,5\n1;2,5\n",
    "unnamed index": ",t,y\n0,0,1.5\n1,1,2.5\n",
    "trailing separators in all": "t,y,\n0,1.5,\n1,2.5,\n",
    "UTF-8 with its mark": "\ufefft,y\n0,1.5\n1,2.5\n".encode(),
    "UTF-16": "t,y\n0,1.5\n1,2.5\n".encode("utf-16"),
    "UTF-16, big end first": "\ufefft,y\n0,1.5\n1,2.5\n".encode("utf-16-be"),
    "UTF-32": "t,y\n0,1.5\n1,2.5\n".encode("utf-32"),
    "dates": "t,y\n2024-10-27T02:59:59.5+02:00,1.5\n2024-10-27T02:00:00.5+01:00,2.5\n",
}


@pytest.mark.parametrize("case", GOOD)
def test_one_reading(table, case):
    ds = table(GOOD[case])
    assert ds.t.values.tolist() == [[0, 1]]
    assert ds["output"].values.tolist() == [[[1.5], [2.5]]]


def test_what_can_be_read_in_two_ways_is_named(table):
    assert table("t y\n0  1.5\n 1 2.5\n", sep=" ")["output"].values.ravel().tolist() == [1.5, 2.5]
    thousands = "t;y\n0;1,500\n1;2,500\n"
    assert table(thousands, decimal=",")["output"].values.ravel().tolist() == [1.5, 2.5]
    mixed = "t;y|z\n0;1.5|2\n1;2.5|3\n"
    assert table(mixed, sep="|", time=None, dt=1.0, outputs=["z"])["output"].values.ravel().tolist() == [2, 3]
    far = table("t,y\n2100-01-01,1\n2400-01-01,2\n", units={"t": "d"})
    assert far.t.values.tolist() == [[0, 109572]]


def test_a_mark_of_inches_in_a_name_is_no_quote(table):
    ds = table('t,5" pipe\n0,1\n1,2\n', outputs=['5" pipe'])
    assert ds["output"].values[0, :, 0].tolist() == [1, 2]


def test_a_line_of_units(table):
    ds = table("run,t,y,u\n,[s],[m/s],-\na,0,1.5,1\na,1,2.5,1\n", controls=["u"], trajectory="run")
    assert dl.trajectories.schema.units(ds) == ("m/s",)
    assert dl.trajectories.schema.units(ds, "control") == ("",)
    assert ds.t.attrs["units"] == "s"
    dates = table("t,y\nyyyy-mm-dd,m\n2024-01-01,1\n2024-01-02,2\n", units={"t": "d"})
    assert (dates.t.values.tolist(), dates.t.attrs["units"]) == ([[0, 1]], "d")
    with pytest.raises(FileFormatError, match="unit of 'y': expected 'mm', got 'm' in the file"):
        table("t,y\ns,m\n0,1\n1,2\n", units={"y": "mm"})


def test_missing_values_are_not_measured(table):
    values = table("t,y\n0,1.5\n1,\n2,NA\n3,nan\n4,2.5\n")["output"].values.ravel()
    np.testing.assert_array_equal(values, [1.5, np.nan, np.nan, np.nan, 2.5])


def test_numbers_are_read_to_the_last_digit(table):
    assert table("t,y\n0,0.1234567890123456789\n1,5e-324\n")["output"].values.ravel().tolist() == [
        0.1234567890123456789,
        5e-324,
    ]


BAD = {
    "one value more in the rows": (
        "t,y\n0,10,\n1,12,\n",
        r"line 2: expected 2 values, .*got 3: '0,10,'; let header",
    ),
    "one value more in one row": ("t,y\n0,1\n1,2,3\n", r"log.csv, line 3: expected 2 values.*got 3: '1,2,3'"),
    "a line end in a name": ('t,"flow\n(l/s)"\n0,1\n1,2\n', r"line 1: expected a header on one line"),
    "one value less": ("t,y,z\n0,1,2\n1,2\n", r"line 3: expected 3 values.*got 2"),
    "one more in the header": ("t,y,\n0,10\n1,12\n", r"line 2: expected 3 values.*got 2"),
    "less after a quoted line end": ('t,a,y\n0,"x\nx",1\n1,2\n', r"line 4: expected 3 values.*got 2"),
    "after a comment": (
        "# c\nt,y\n# c\n0,1\n1,2,3\n",
        r"line 5: expected 2 values, one for each name.*\(line 2\)",
    ),
    "a decimal comma in a table of commas": (
        "t,y\n0,1,5\n1,2,5\n",
        "line 2: expected 2 values.*another separator",
    ),
    "one name twice": (
        "t,y,y\n0,1,2\n1,2,3\n",
        "line 1: expected every column name once, got 'y' twice; rename",
    ),
    "one name twice but for blanks": ("t,y, y\n0,1,2\n1,2,3\n", "'y' twice"),
    "two separators": (
        "t,a;y\n0,1;2\n1,2;3\n",
        r"one kind of separator, got ',' and ';' in the header 't,a;y'",
    ),
    "blanks": ("t y\n0 1\n1 2\n", r"one of.*got none of them, but blanks: 't y'; pass sep=\" \""),
    "two decimal points": ("t;y\n0;1,5\n1;2.5\n", "one kind of decimal point, got '1,5' and '2.5'"),
    "thousands": (
        "t;y\n0;1,500\n1;2,500\n",
        "one kind of decimal point, got '1,500', which may be thousands",
    ),
    "text among numbers": (
        "t,y\n0,1\n# c\n1,off\n",
        "log.csv, line 4, column 'y': expected a number, got 'off'",
    ),
    "units and more text": ("t,y\ns,m\n0,1\n1,off\n", "line 4, column 'y': expected a number, got 'off'"),
    "dates of another form": ("t,y\n1/2/2024,1\n2/2/2024,2\n", "column 't': .*ISO 8601.*got '1/2/2024'"),
    "dates and a number": (
        "t,y\n2024-01-01,1\n# c\n2024-01-02,2\n5,3\n",
        "log.csv, column 't': expected numbers or dates throughout, got '2024-01-01' in line 2 and '5' in line 5",
    ),
    "numbers and a date": (
        "t,y\n0,1\n2024-01-02,2\n",
        "got '2024-01-02' in line 3 and '0' in line 2; correct",
    ),
    "numbers and a word": (
        "t,y\n0,1\n1,2\noff,3\n",
        "expected numbers throughout, got 'off' in line 4; correct it",
    ),
    "compact dates": ("t,y\n20240131,1\n20240201,2\n", r"column 't': .*days of the calendar.*20240131\.0"),
    "offsets in part": ("t,y\n2024-01-01T00:00Z,1\n2024-01-02T00:00,2\n", "with every date or with none"),
    "times that repeat": ("t,y\n0,1\n0,2\n", "log.csv: t: expected strictly increasing"),
    "an infinite value": ("t,y\n0,1\n1,inf\n", "log.csv: output: expected finite values"),
    "an instant left out": ("t,y\n0,1\n,2\n2,3\n", "log.csv: t: expected NaN only after the end"),
    "no rows": ("t,y\n", "rows below the header, got none"),
    "only units": ("t,y\ns,m\n", "column 'y': expected a number, got 'm'"),
    "nothing": ("", "a table of comma-separated values, got a file without any"),
    "only comments": ("# a\n# b\n", "got a file without any"),
    "latin": (
        "t,y\n0,1\n# 20 \u00b0C\n".encode("latin-1"),
        "line 3: expected text in UTF-8.*got byte 0xb0; save it",
    ),
    "UTF-16 cut off": ("t,y\n0,1\n".encode("utf-16")[:-1], "expected text in UTF-8, or in UTF-16"),
    "UTF-16 without its mark": ("t,y\n0,1\n".encode("utf-16-le"), "one with NUL characters"),
    "an archive": (
        b"PK\x03\x04\x14\x00\x00\x00\x08\x00\xff\xfe\x01",
        "line 1: expected text in UTF-8.*got byte 0xff",
    ),
    "an open quote": ('t,y\n0,"1\n1,2\n', "line 2: expected 2 values|cannot be read"),
    "a huge number": (
        "t,y\n0,1\n1," + "9" * 5000 + "\n",
        "line 3, column 'y': expected a number, got '9{38}; correct",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_anything_else_is_one_error(table, case):
    text, message = BAD[case]
    with pytest.raises(FileFormatError) as caught:
        table(text)
    assert re.search(message, str(caught.value)), str(caught.value)


def test_arguments(table, tmp_path):
    text = "t,y\n0,1\n1,2\n"
    with pytest.raises(ArgumentError, match=r"sep: expected one character between values, got 'ab'"):
        table(text, sep="ab")
    with pytest.raises(ArgumentError, match=r"decimal: expected '.' or ',', got ';'"):
        table(text, decimal=";")
    with pytest.raises(ArgumentError, match=r"decimal: expected '.' or ',', got another than sep"):
        table(text, sep=",", decimal=",")
    with pytest.raises(ArgumentError, match="unknown column 'yy'; did you mean 'y'"):
        table(text, outputs=["yy"])
    with pytest.raises(ArgumentError, match=r"option for a \.csv file 'separ'; did you mean 'sep'"):
        table(text, separ=";")
    for door in (from_csv, read):
        with pytest.raises(
            MissingFileError, match=r"no\.csv: expected a \.csv file, found nothing there; check"
        ):
            door(tmp_path / "no.csv", **ROLES)
    with pytest.raises(MissingFileError, match=r"None: expected a \.csv file, got no path; pass text"):
        from_csv(None, **ROLES)
    assert issubclass(MissingFileError, FileNotFoundError)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(FileFormatError, match=r"cannot be read \(Is a directory\)"):
        read(tmp_path / "folder.csv", **ROLES)


def test_runs_are_what_the_file_says(table):
    def ids(*texts):
        rows = "".join(f"{text},0,1\n" for text in texts)
        return table("run,t,y\n" + rows, trajectory="run").trajectory.values.tolist()

    assert ids("01", "1") == ["01", "1"]
    assert ids("0", "-7", "10") == [0, -7, 10]
    assert ids("1.0", "1") == ["1.0", "1"]
    assert ids("9" * 30, " a ", "True") == ["9" * 30, "a", "True"]


def test_columns_in_an_array_and_columns_that_are_none(table):
    text = "t,y,z\n0,1,2\n1,2,3\n"
    names = pd.Index(["t", "y", "z"])
    assert table(text, outputs=names[1:]).identical(table(text, outputs=np.array(["y", "z"])))
    assert table(text, outputs=names[1:]).output_name.values.tolist() == ["y", "z"]
    with pytest.raises(ArgumentError, match=r"^time: expected the name of a column, got \['t'\]; pass"):
        table(text, time=["t"])
    with pytest.raises(ArgumentError, match=r"^trajectory: expected the name of a column, got \['t'\]; pass"):
        table(text, trajectory=["t"])
    with pytest.raises(ArgumentError, match=r"^outputs: expected a list of columns, got 5"):
        table(text, outputs=5)
    with pytest.raises(ArgumentError, match=r"^output names: expected unique ones, got 'y' more than once"):
        table(text, outputs=["y", "y"])


def test_read_takes_the_same_options(tmp_path):
    (tmp_path / "a.csv").write_text("t y\n0 1,5\n1 2,5\n")
    ds = read(tmp_path / "a.csv", sep=" ", decimal=",", **ROLES)
    assert ds["output"].values.ravel().tolist() == [1.5, 2.5]
    assert dl.from_csv(tmp_path / "a.csv", sep=" ", **ROLES).identical(ds)
