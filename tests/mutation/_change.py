"""A small wrong change of one file, as data."""

import ast
import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Change:
    """`old`, which occurs once in `file`, becomes `new`; one of `tests` (pytest paths or node ids) has to fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Of the package: "numerics" of dynlearn/filtering/methods/ensemble.py."""
        return Path(self.file).parts[1]

    def applied(self, text: str) -> str:
        """The text of the file with the change; ValueError where it does not fit any more."""
        if (count := text.count(self.old)) != 1:
            raise ValueError(
                f"{self.name}: expected {self.old!r} once in {self.file}, it occurs {count} times."
            )
        changed = text.replace(self.old, self.new)
        if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(text)):
            raise ValueError(f"{self.name}: {self.new!r} says the same as {self.old!r}.")
        return changed
