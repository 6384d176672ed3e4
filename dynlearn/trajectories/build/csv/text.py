"""The text of a CSV file: its encoding, its lines without comments, its separator, its decimal point."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dynlearn.errors import ArgumentError, FileFormatError
from dynlearn.trajectories.message import refusal

SEPARATORS = (",", ";", "\t", "|")
"""What is looked for; " ", for any number of blanks, must be named."""
COMMENT = "#"
"""A line that starts with it is left out."""
BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")


@dataclass(frozen=True)
class Lines:
    """The lines that hold something, with their numbers in the file, counted from 1."""

    path: Path
    numbers: list[int]
    texts: list[str]
    named_separator: str | None = None
    """From a first line `sep=;`, as spreadsheets write it."""


def lines_of(path: Path) -> Lines:
    """Read the file.

    Raises:
        FileFormatError: it is not text, or holds nothing.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _damaged(path, f"one that cannot be read ({reason})") from error
    encoding = next((name for bom, name in BOMS if raw.startswith(bom)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        expected = "text in UTF-8, or in UTF-16 with its mark"
        remedy = 'save it as UTF-8, or use from_frame(pandas.read_csv(path, encoding="cp1252"), ...)'
        came = f"byte 0x{raw[error.start : error.start + 1].hex()}"
        raise FileFormatError(refusal(f"{path}, line {line}", expected, came, remedy)) from error
    if "\0" in text:
        raise _damaged(path, "one with NUL characters (UTF-16 without its mark, or no text)")
    every = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    named = re.fullmatch(r"sep=(.)", every[0])
    if named:
        every[0] = ""
    kept = [(n, line) for n, line in enumerate(every, 1) if line.strip() and not line.startswith(COMMENT)]
    if not kept:
        raise _damaged(path, "a file without any")
    return Lines(path, [n for n, _ in kept], [line for _, line in kept], named and named[1])


def separator_of(lines: Lines, named: str | None) -> str:
    """The one given, or the one that splits the header and the first rows alike.

    Raises:
        FileFormatError: several do.
    """
    if named is not None:
        if not isinstance(named, str) or len(named) != 1 or named.isalnum() or named in "\"'.+-\n\r":
            remedy = 'pass e.g. sep=";", or sep=" " for blanks'
            raise ArgumentError(refusal("sep", "one character between values", repr(named), remedy))
        return named
    if lines.named_separator is not None:
        return lines.named_separator
    some = lines.texts[:200]
    widths = {sep: [len(fields) for fields in rows_of(some, sep)] for sep in SEPARATORS}
    alike = [sep for sep, counts in widths.items() if counts[0] > 1 and len(set(counts)) == 1]
    in_header = [sep for sep, counts in widths.items() if counts[0] > 1]
    found = alike or in_header
    if len(found) > 1:
        came = f"{' and '.join(map(repr, found))} in the header {some[0]!r}"
        remedy = "say which it is, e.g. sep=';' (--sep on the command line)"
        raise FileFormatError(refusal(str(lines.path), "one kind of separator", came, remedy))
    if found:
        return found[0]
    blanks = {len(line.split()) for line in some}
    if len(blanks) == 1 and blanks != {1}:
        came = f"none of them, but blanks: {some[0]!r}"
        remedy = 'pass sep=" " (--sep " " on the command line)'
        expected = f"values separated by one of {SEPARATORS}"
        raise FileFormatError(refusal(str(lines.path), expected, came, remedy))
    return ","


def decimal_of(lines: Lines, sep: str, named: str | None) -> str:
    """The one given, or the comma where numbers are written so and in no other way.

    Raises:
        FileFormatError: a comma that may also separate thousands.
    """
    if named is not None:
        if named not in (".", ",") or named == sep:
            other = "another than sep" if named == sep else repr(named)
            raise ArgumentError(refusal("decimal", "'.' or ','", other, 'pass e.g. decimal=","'))
        return named
    doubtful = [line for line in lines.texts[1:] if "," in line] if sep != "," else []
    quoted = [line for line in lines.texts[1:] if '"' in line] if sep == "," else []
    commas = [f for row in rows_of(doubtful or quoted, sep) for f in row if COMMA.fullmatch(f.strip())]
    if not commas:
        return "."
    with_point = next(
        (f for row in rows_of(lines.texts[1:], sep) for f in row if POINT.fullmatch(f.strip())), None
    )
    if with_point is None and not all(THOUSANDS.fullmatch(f.strip()) for f in commas):
        return ","
    came = f"{commas[0].strip()!r}" + (
        f" and {with_point.strip()!r}" if with_point else ", which may be thousands"
    )
    remedy = "say which it is: decimal=',' or decimal='.' (--decimal on the command line)"
    raise FileFormatError(refusal(str(lines.path), "one kind of decimal point", came, remedy))


def rows_of(texts: Sequence[str], sep: str) -> Iterator[list[str]]:
    """The fields of every row; a quoted one may go over several lines."""
    if sep == " ":
        return (line.split() for line in texts)
    return csv.reader([line + "\n" for line in texts], delimiter=sep, skipinitialspace=True)


def _goes_on(text: str, sep: str) -> bool:
    """Whether a quoted field is still open at the end of the line; a mark within a name, as of inches, opens none."""
    if sep == " ":
        return False
    try:
        next(csv.reader([text], delimiter=sep, skipinitialspace=True, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def header_of(lines: Lines, sep: str) -> list[str]:
    """The names of the columns.

    Raises:
        FileFormatError: one comes twice.
    """
    if _goes_on(lines.texts[0], sep):
        where = f"{lines.path}, line {lines.numbers[0]}"
        remedy = "take the line break out of the quoted name"
        raise FileFormatError(refusal(where, "a header on one line", repr(lines.texts[0][:80]), remedy))
    names = [name.strip() for name in next(rows_of(lines.texts[:1], sep))]
    twice = next((name for i, name in enumerate(names) if name and name in names[:i]), None)
    if twice is not None:
        where = f"{lines.path}, line {lines.numbers[0]}"
        remedy = "rename one of them in the file"
        raise FileFormatError(refusal(where, "every column name once", f"{twice!r} twice", remedy))
    return names


def check_widths(lines: Lines, sep: str, width: int) -> list[int]:
    """The number in the file of the line that every row after the header starts on.

    Raises:
        FileFormatError: for the first one that has not `width` values, as the header has.
    """
    if sep != " " and not any('"' in line for line in lines.texts):
        starts, counts = lines.numbers[1:], [line.count(sep) + 1 for line in lines.texts[1:]]
    else:
        reader, starts, counts, at = rows_of(lines.texts, sep), [], [], 0
        for row in reader:
            starts.append(lines.numbers[at])
            counts.append(len(row))
            at = reader.line_num if sep != " " else at + 1  # type: ignore[attr-defined]
        starts, counts = starts[1:], counts[1:]
    for number, count in zip(starts, counts, strict=True):
        if count != width:
            text = lines.texts[lines.numbers.index(number)]
            expected = f"{width} values, one for each name in the header (line {lines.numbers[0]})"
            remedy = (
                "let header and rows agree (a separator at the end of a row counts, a decimal comma needs another "
                f"separator, a comment starts with {COMMENT!r})"
            )
            where = f"{lines.path}, line {number}"
            raise FileFormatError(refusal(where, expected, f"{count}: {text[:80]!r}", remedy))
    return starts


def _damaged(path: Path, came: str) -> FileFormatError:
    remedy = "it may be truncated or of another kind: copy or export it again"
    return FileFormatError(refusal(str(path), "a table of comma-separated values", came, remedy))
