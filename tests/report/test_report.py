"""A report is one file that needs nothing else, says only what it was given, and is written whole."""

import base64
import datetime
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import dynlearn as dl
from dynlearn import plot
from dynlearn.errors import ArgumentError
from dynlearn.report import Report, _figure, environment

VOID = {"meta", "img", "br", "link", "hr", "input"}
WHEN = datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC)
NASTY = "<script>alert('x')</script> & \"quoted\" <img src=http://evil>"


class Page(HTMLParser):
    """Tags with their attributes; fails where a tag is not closed in its place."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.tags if name == tag]


def small_figure():
    return plot.trajectories(dl.from_arrays(np.sin(np.arange(20.0)), dt=0.1))


def full(text: str = "words") -> Report:
    frame = pd.DataFrame({"crps": [0.1, 0.2], "coverage90": [0.95, 0.91]}, index=[text, "b"])
    report = Report(text, subtitle=text, written=WHEN)
    report.cards([(text, text, text), ("n", 3)]).section(text).text(text)
    report.table(frame, text, best={"crps": "min", "coverage90": 0.9}).figure(small_figure(), text)
    return report.section("two").keyvalues({text: text}).code(text)


def test_page_is_well_formed_and_fetches_nothing():
    text = full().html()
    page = Page(text)
    names = {name for name, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "base"}
    for _, attrs in page.tags:
        for name, value in attrs.items():
            if name in ("src", "href"):
                assert value.startswith(("data:", "#"))
    assert not re.search(r"url\(|@import", text)
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert "default-src 'none'" in page.all("meta")[1]["content"]


def test_everything_is_escaped():
    page = Page(full(NASTY).html())
    assert not page.all("script")
    assert all(attrs["src"].startswith("data:") for attrs in page.all("img"))
    assert page.all("img")[0]["alt"] == NASTY
    # title, heading, subtitle, card (3), contents, section, text, two captions, row, key, value, code
    assert "".join(page.words).count("<script>alert('x')</script>") == 15


def test_embedded_figures_fetch_nothing_either():
    address = Page(full().html()).all("img")[0]["src"]
    svg = base64.b64decode(address.removeprefix("data:image/svg+xml;base64,")).decode()
    links = re.findall(r'(?:href|src)="([^"]*)"', svg)
    assert links
    assert all(link.startswith("#") for link in links)


def test_large_figures_become_pixels(monkeypatch):
    monkeypatch.setattr(_figure, "LARGEST_SVG", 1000)
    address, width, height = _figure.embedded(small_figure())
    png = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    assert int.from_bytes(png[16:20], "big") == 2 * width
    assert height > 0


def test_the_same_report_is_the_same_bytes():
    assert full().html() == full().html()


def test_contents_lead_to_their_sections():
    page = Page(full().html())
    ids = [attrs["id"] for attrs in page.all("h2")]
    assert [attrs["href"] for attrs in page.all("a")] == [f"#{i}" for i in ids]
    assert not Page(Report("one", written=WHEN).section("only").html()).all("nav")


def test_captions_are_numbered():
    text = full().table([{"a": 1}], "again").html()
    assert "<b>Table 1.</b> words" in text
    assert "<b>Figure 1.</b> words" in text
    assert "<b>Table 2.</b> again" in text


def best_cells(data, best) -> list[str]:
    return re.findall(r'<td class="[^"]*best">([^<]*)<', Report("t").table(data, best=best).html())


@pytest.mark.parametrize(
    ("rule", "expected"), [("min", ["−1"]), ("max", ["3", "3"]), (1.9, ["2"]), (float("nan"), [])]
)
def test_the_best_of_a_column_is_marked(rule, expected):
    assert best_cells([{"a": v} for v in (3.0, 2.0, -1.0, 3.0, float("nan"))], {"a": rule}) == expected


def test_numbers_are_rounded_aligned_and_never_invented():
    text = (
        Report("t").table(pd.DataFrame({"x": [0.123456, np.nan, -np.inf], "name": ["a", None, "c"]})).html()
    )
    assert '<td class="num">0.1235</td>' in text
    assert '<td class="num">–</td>' in text
    assert '<td class="num">−∞</td>' in text
    assert "nan" not in text.lower().split("<main>")[1]


def test_paragraphs_are_split_at_blank_lines():
    assert Report("t").text("one\n\ntwo", "three").html().count("<p>") == 3


def test_write_returns_the_place_and_replaces_the_old_page(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    assert full().write(path) == path
    assert Page(path.read_text(encoding="utf-8")).all("h1")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        full().write(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_environment_states_versions_and_machine():
    found = environment()
    assert found["dynlearn"] == dl.__version__
    assert found["numpy"] == np.__version__
    assert "cores" in found["processor"]
    assert all(isinstance(value, str) for value in found.values())


BAD = [
    (lambda r: Report("  "), "title: expected a text"),
    (lambda r: r.figure("fig.png"), "figure: expected a matplotlib Figure, got str"),
    (lambda r: r.table(3), "table: expected a pandas.DataFrame or a list of rows .mappings., got int"),
    (lambda r: r.table([]), "got no rows"),
    (lambda r: r.table([1]), "rows of type int"),
    (lambda r: r.table(pd.DataFrame([[1, 2]], columns=["a", "a"])), "columns with different names"),
    (
        lambda r: r.table([{"crps": 1}], best={"crsp": "min"}),
        "unknown column of best 'crsp'; did you mean 'crps'",
    ),
    (
        lambda r: r.table([{"a": 1}], best={"a": "least"}),
        "'min', 'max' or a number to be near to, got 'least'",
    ),
    (lambda r: r.table([{"a": "x"}], best={"a": "min"}), "expected a column of numbers"),
    (lambda r: r.keyvalues([1]), "keyvalues: expected a mapping"),
    (lambda r: r.cards([("a",)]), r"cards: expected \(label, value\)"),
    (lambda r: r.write("/nowhere/at/all.html"), "expected a file in an existing folder"),
    (lambda r: r.write("/"), "expected a file, got the folder"),
]


@pytest.mark.parametrize(("call", "text"), BAD)
def test_bad_input_says_what_was_expected(call, text):
    with pytest.raises(ArgumentError, match=text):
        call(Report("t"))
