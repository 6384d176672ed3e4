"""The one shape of an error message: which argument, what was expected, what came, what to do."""


def refusal(what: str, expected: str, came: object, remedy: str) -> str:
    """The sentence a refused input gets.

    >>> refusal("dt", "a positive number", -1, "pass e.g. dt=0.1")
    'dt: expected a positive number, got -1; pass e.g. dt=0.1.'
    """
    return f"{what}: expected {expected}, got {came}; {remedy}."
