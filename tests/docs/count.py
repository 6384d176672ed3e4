"""How many public callables say what: python -m tests.docs.count."""

from collections.abc import Callable

from tests.docs._public import Public, public

COLUMNS: dict[str, Callable[[Public], bool | None]] = {
    "docstring": lambda p: bool(p.doc),
    "arguments": lambda p: not p.unnamed if p.parameters else None,
    "Returns": lambda p: "Returns" in p.sections if p.gives_something else None,
    "Raises": lambda p: "Raises" in p.sections if p.kind != "property" else None,
    "source": lambda p: p.has_source if p.kind in ("function", "class") else None,
    "example": lambda p: p.has_example if p.kind in ("function", "class") else None,
}
"""Whether a callable has it; None where there is nothing to say."""


def counted(things: list[Public]) -> str:
    cells = []
    for has in COLUMNS.values():
        found = [said for p in things if (said := has(p)) is not None]
        cells.append(f"{sum(found)}/{len(found)} ({100 * sum(found) / len(found):.0f} %)" if found else "-")
    return "".join(f"{cell:>17}" for cell in cells)


def main() -> None:
    everything = public()
    print(f"{'':<22}" + "".join(f"{name:>17}" for name in COLUMNS))
    for kind in ("function", "class", "abstract", "method", "property"):
        these = [p for p in everything if p.kind == kind]
        print(f"{kind:<15}{len(these):>7}{counted(these)}")
    print(f"{'all':<15}{len(everything):>7}{counted(list(everything))}")


if __name__ == "__main__":
    main()
