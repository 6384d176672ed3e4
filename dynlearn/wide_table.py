"""A table for terminals of any width: what does not fit beside goes below, and no number is cut."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table

HEADER = 16
"""Characters of the longest word in a header up to which it is not broken."""


class WideTable(Table):
    """A `rich.table.Table` that is laid out as several where the terminal is too narrow for all columns.

    The first column stands in every one of them. Right-justified cells (numbers) are never broken; text is
    folded between words, and a word that is wider than there is room within itself.

    >>> table = WideTable("model", box=None, pad_edge=False)
    >>> for score in ("rmse", "coverage"):
    ...     table.add_column(score, justify="right")
    >>> table.add_row("ARX", "0.012345678", "0.912345678")
    >>> Console(width=20).print(table)
    model         rmse
    ARX    0.012345678
    model     coverage
    ARX    0.912345678
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.columns:
            yield from super().__rich_console__(console, options)
            return
        parts = list(self._parts(console, options))
        for i, part in enumerate(parts):
            part.title = self.title if i == 0 else None
            part.caption = self.caption if i == len(parts) - 1 else None
            yield part

    def _parts(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        """As few tables as hold all columns, in their order."""
        first, *rest = self.columns
        needs = {id(c): _need(console, c) for c in self.columns}
        needs[id(first)] = min(needs[id(first)], options.max_width // 3)
        chosen: list[Column] = [first]
        for column in rest:
            wanted = [*chosen, column]
            width = sum(needs[id(c)] for c in wanted) + self._around(console, wanted)
            if width > options.max_width and len(chosen) > 1:
                yield self._laid_out(console, options, chosen, [needs[id(c)] for c in chosen])
                chosen = [first]
            chosen = [*chosen, column]
        yield self._laid_out(console, options, chosen, [needs[id(c)] for c in chosen])

    def _laid_out(
        self, console: Console, options: ConsoleOptions, columns: Sequence[Column], needs: Sequence[int]
    ) -> Table:
        """These columns, each as wide as it has to be, and as it would like to be where there is room."""
        room = options.max_width - self._around(console, columns)
        widths = list(needs)
        if sum(widths) > room:  # one column beside the first: what is left of the line is its own
            widths[-1] = max(1, room - sum(widths[:-1]))
        wishes = [_wish(console, column) for column in columns]
        left = room - sum(widths)
        by_wish = sorted(range(len(columns)), key=lambda i: wishes[i] - widths[i])
        for place, i in enumerate(by_wish):
            more = min(max(0, wishes[i] - widths[i]), left // (len(by_wish) - place))
            widths[i], left = widths[i] + more, left - more
        return self._with(columns, widths)

    def _with(self, columns: Sequence[Column], widths: Sequence[int]) -> Table:
        part = Table.__new__(Table)
        part.__dict__.update(self.__dict__)
        part.columns = [
            replace(column, width=width, min_width=None, no_wrap=False, overflow="fold", _index=i)
            for i, (column, width) in enumerate(zip(columns, widths, strict=True))
        ]
        return part

    def _around(self, console: Console, columns: Sequence[Column]) -> int:
        """Characters of a line that padding and borders take."""
        thin = self._with(columns, [1] * len(columns))
        return Measurement.get(console, console.options.update(width=10_000), thin).maximum - len(columns)


def _need(console: Console, column: Column) -> int:
    """Characters without which a cell would be broken within a word or a number."""
    cells = [_measure(console, cell) for cell in (*column.cells, column.footer)]
    words = max((m.maximum if column.justify == "right" else m.minimum for m in cells), default=1)
    return max(1, words, min(HEADER, _measure(console, column.header).minimum))


def _wish(console: Console, column: Column) -> int:
    return max(_measure(console, cell).maximum for cell in (column.header, *column.cells, column.footer))


def _measure(console: Console, cell: RenderableType) -> Measurement:
    text = console.render_str(cell) if isinstance(cell, str) else cell
    return Measurement.get(console, console.options.update(width=10_000), text)
