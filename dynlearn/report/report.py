"""Report: a page that is built from top to bottom and written as one file."""

import datetime
import os
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any, Self

from dynlearn.disk import check_place, put
from dynlearn.errors import ArgumentError
from dynlearn.report import _figure, _page, _table
from dynlearn.version import VERSION


class Report:
    """One self-contained HTML page: no script, nothing fetched, light and dark.

    Every method adds to the end and returns the report, so that calls can be chained. All that is
    passed in is text: it is escaped, never read as HTML.

    Args:
        title: the heading, also the name of the browser tab.
        subtitle: one line under it.
        written: the instant stated in the footer; default now. Fix it for a page that is the same
            bytes every time.

    Raises:
        ArgumentError: a title that is no text; from a method for what it cannot show.

    >>> page = Report("Lynx and hare", subtitle="Two families, one series")
    >>> page = page.cards([("CRPS", 0.1234, "persistence 0.31")])
    >>> page = page.section("Data").text("Fur returns, 1845 to 1935.")
    >>> "<h1>Lynx and hare</h1>" in page.html()
    True
    """

    def __init__(self, title: str, subtitle: str = "", *, written: datetime.datetime | None = None):
        if not isinstance(title, str) or not title.strip():
            raise ArgumentError(f"title: expected a text, got {title!r}.")
        self.title, self.subtitle = title, subtitle
        self.written = written or datetime.datetime.now().astimezone()
        self._body: list[str] = []
        self._sections: list[tuple[str, str]] = []
        self._numbers = {"Figure": 0, "Table": 0}

    def section(self, title: str) -> Self:
        """A heading, and a line in the table of contents.

        Args:
            title: of the section, as text.
        """
        anchor = f"section-{len(self._sections) + 1}"
        self._sections.append((anchor, str(title)))
        return self._add(f'<h2 id="{anchor}">{escape(str(title))}</h2>')

    def text(self, *paragraphs: str) -> Self:
        """Paragraphs; a blank line inside one starts the next.

        Args:
            paragraphs: as text; none of it is read as HTML.
        """
        for block in paragraphs:
            for paragraph in filter(None, (part.strip() for part in str(block).split("\n\n"))):
                self._add(f"<p>{escape(paragraph)}</p>")
        return self

    def cards(self, cards: Iterable[tuple]) -> Self:
        """Headline numbers: (label, value) or (label, value, note), numbers to three digits.

        Args:
            cards: a label, a number or text, and a line below it.

        Raises:
            ArgumentError: a card with another number of entries.
        """
        found = []
        for card in cards:
            if not isinstance(card, tuple | list) or len(card) not in (2, 3):
                raise ArgumentError(
                    f"cards: expected (label, value) or (label, value, note), got {card!r:.80}."
                )
            label, value, note = (*card, "")[:3]
            extra = f'<dd class="note">{escape(str(note))}</dd>' if note else ""
            shown = escape(_table.number(value, 3))
            found.append(
                f'<dl class="card"><dt>{escape(str(label))}</dt><dd class="value">{shown}</dd>{extra}</dl>'
            )
        return self._add(f'<div class="cards">{"".join(found)}</div>')

    def table(
        self, data: Any, caption: str = "", best: Mapping[str, str | float] | None = None, *, digits: int = 4
    ) -> Self:
        """A table, its best values marked.

        Args:
            data: a pandas.DataFrame, or rows as mappings from column to value. An index that is not
                0, 1, ... becomes the first column.
            caption: what is shown, over it.
            best: by column, what is best: "min", "max", or a number to be near to (coverage: 0.9).
            digits: significant digits.

        Returns:
            The report.
        """
        content = f'<div class="scroll">{_table.table(data, best, digits)}</div>'
        return self._add(f'<figure class="table">{self._caption("Table", caption)}{content}</figure>')

    def figure(self, figure: Any, caption: str = "", *, alt: str | None = None) -> Self:
        """A matplotlib figure as it is now, as vectors, or as pixels where vectors would be large.

        Args:
            figure: what a function of `dl.plot` returns.
            caption: what is shown, under it.
            alt: what a screen reader says; default the caption.
        """
        address, width, height = _figure.embedded(figure)
        described = escape(alt if alt is not None else caption or "figure")
        image = f'<img src="{address}" alt="{described}" width="{width}" height="{height}">'
        return self._add(f"<figure>{image}{self._caption('Figure', caption)}</figure>")

    def keyvalues(self, pairs: Mapping[str, Any]) -> Self:
        """Settings, versions, seeds: a name and a value per line.

        Args:
            pairs: a name and a value each.

        Raises:
            ArgumentError: what is no mapping.
        """
        if not isinstance(pairs, Mapping):
            raise ArgumentError(
                f"keyvalues: expected a mapping from names to values, got {type(pairs).__name__}."
            )
        rows = [f"<dt>{escape(str(k))}</dt><dd>{escape(_table.number(v, 6))}</dd>" for k, v in pairs.items()]
        return self._add(f'<dl class="keys">{"".join(rows)}</dl>')

    def code(self, text: str) -> Self:
        """Preformatted text: a script, a command, what it printed.

        Args:
            text: with its own line breaks.
        """
        return self._add(f"<pre><code>{escape(str(text).strip(chr(10)))}</code></pre>")

    def html(self) -> str:
        """The whole page as text.

        Returns:
            HTML with styles and figures inside.
        """

        footer = f"Written by dynlearn {VERSION} on {self.written:%Y-%m-%d %H:%M %Z}".rstrip()
        return _page.page(self.title, self.subtitle, self._sections, self._body, footer)

    def write(self, path: str | os.PathLike) -> Path:
        """Write the page, whole or not at all.

        Args:
            path: of the file, in a folder that exists.

        Returns:
            Where it is, as an absolute path.

        Raises:
            ArgumentError: a folder that is missing.
            WriteError: the disk is full, or may not be written to.
        """
        path = check_place(Path(path).absolute())
        return put(path, self.html().encode())

    def _add(self, html: str) -> Self:
        self._body.append(html)
        return self

    def _caption(self, kind: str, caption: str) -> str:
        """Numbered, so that text can point to it."""
        self._numbers[kind] += 1
        text = f" {escape(caption)}" if caption else ""
        return f"<figcaption><b>{kind} {self._numbers[kind]}.</b>{text}</figcaption>"
