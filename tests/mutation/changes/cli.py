"""Changes of dynlearn/cli."""

from .._change import Change

CHANGES = [
    Change(
        "the command line keeps the spaces around a name",
        "dynlearn/cli/shared/data.py",
        'return [name.strip() for name in (text or "").split(",") if name.strip()]',
        'return [name for name in (text or "").split(",") if name.strip()]',
        ("tests/cli/test_values.py",),
    ),
    Change(
        "the unit of the time column is lost",
        "dynlearn/cli/shared/data.py",
        'given["units"]["t"] = given["units"].pop(self.time)',
        'given["units"].pop(self.time)',
        ("tests/cli/test_values.py",),
    ),
    Change(
        "none is text",
        "dynlearn/cli/shared/pairs.py",
        "return WORDS[text.lower()]",
        "return text.lower()",
        ("dynlearn/cli/shared/pairs.py",),
    ),
]
