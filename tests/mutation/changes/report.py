"""Changes of dynlearn/report."""

from .._change import Change

CHANGES = [
    Change(
        "the largest is the best",
        "dynlearn/report/_table.py",
        '{"min": values, "max": -values}',
        '{"min": -values, "max": values}',
        ("tests/report/test_report.py",),
    ),
    Change(
        "near to a number is below it",
        "dynlearn/report/_table.py",
        "np.abs(values - rule)",
        "values - rule",
        ("tests/report/test_report.py",),
    ),
]
