"""Every public callable says what it is, takes, gives back and refuses, and shows an example that runs.

    python -m tests.docs.count

Public is what `__all__` of the packages names, and the methods and properties of public classes. What each has to
have:

    functions       a docstring, every argument, `Returns:` unless that is None, `Raises:` where its own lines
                    raise (those of `dl` itself always), an example
    classes         a docstring, every argument of the constructor or field, `Raises:` where the constructor raises,
                    an example
    abstract ones   a docstring and every argument: classes with abstract methods, protocols, enumerations
    methods         a docstring, their own or inherited; one that a class brings in also every argument, and
                    `Raises:` where its own lines raise. What comes back its line says
    properties      a docstring, their own or inherited
"""

import builtins
from collections.abc import Callable
from pathlib import Path

import pytest

import dynlearn
from dynlearn import errors
from tests.docs._public import HEADING, OTHER_STYLE, SECTIONS, Public, public

SOURCES = sorted(Path(dynlearn.__file__).parent.rglob("*.py"))


def introduced(p: Public) -> bool:
    return not p.overrides


def of_dl(p: Public) -> bool:
    return p.kind == "function" and p.name.count(".") == 1


def known_errors(p: Public) -> bool:
    return all(hasattr(errors, name) or hasattr(builtins, name) for name in p.named_errors)


def in_order(p: Public) -> bool:
    places = [SECTIONS.index(heading) for heading in HEADING.findall(p.doc)]
    return places == sorted(set(places))


RULES: dict[str, Callable[[Public], bool]] = {
    "a docstring": lambda p: bool(p.doc),
    "a first line that is a sentence": lambda p: len(p.doc.partition("\n")[0]) <= 120,
    "every argument": lambda p: not (introduced(p) and p.unnamed),
    "Returns": lambda p: p.kind != "function" or not p.gives_something or "Returns" in p.sections,
    "Raises": lambda p: "Raises" in p.sections or not (of_dl(p) or (introduced(p) and p.raises)),
    "errors that exist": known_errors,
    "an example": lambda p: p.kind not in ("function", "class") or p.has_example,
    "each heading once, in order": in_order,
    "headings of one style": lambda p: not OTHER_STYLE.search(p.doc),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_public_callable_has(rule):
    missing = {p.name: p.unnamed for p in public() if not RULES[rule](p)}
    assert not missing, f"without {rule}: " + ", ".join(
        f"{name} ({', '.join(unnamed)})" if unnamed and rule == "every argument" else name
        for name, unnamed in missing.items()
    )


def test_no_other_style_of_headings_in_any_module():
    found = {
        f"{path.relative_to(SOURCES[0].parent)}: {line[0].strip()}"
        for path in SOURCES
        for line in OTHER_STYLE.finditer(path.read_text(encoding="utf-8"))
    }
    assert not found


def documented(function: Callable, kind: str = "function") -> Public:
    return Public("dynlearn.nested.name", kind, function)


def test_what_is_missing_is_noticed():
    def bare(a, b=1) -> int:
        """One line.

        Args:
            a: a number,
                b: no entry, it belongs to the one above.
        """
        raise ValueError

    found = documented(bare)
    assert found.unnamed == ["b"]
    assert [rule for rule in RULES if not RULES[rule](found)] == [
        "every argument",
        "Returns",
        "Raises",
        "an example",
    ]


def test_what_is_there_is_noticed():
    def whole(a, *rest, **options) -> int:
        """One line.

        Args:
            a, rest: numbers.
            options: others.

        Returns:
            A number.

        Raises:
            ArgumentError: never.

        Reference: Somebody, "A title
        over two lines", 2000.

        >>> 1 + 1
        2
        """
        raise ValueError

    found = documented(whole)
    assert all(rule(found) for rule in RULES.values())
    assert found.has_source
    assert found.named_errors == ["ArgumentError"]


@pytest.mark.parametrize(
    "text",
    ["**Args**\n\n- `a`: a number.", "Parameters:\n    a: a number.", "Raises `ArgumentError` for a = 0."],
)
def test_another_style_is_noticed(text):
    def styled(a) -> None:
        pass

    styled.__doc__ = f"One line.\n\n{text}"
    assert not RULES["headings of one style"](documented(styled))
