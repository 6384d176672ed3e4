"""What is known about a named dataset before it is loaded."""

import dataclasses
from collections.abc import Mapping

KINDS = ("measured", "benchmark", "simulated")


@dataclasses.dataclass(frozen=True)
class Info:
    """A dataset's card.

    Args:
        name: that `dl.datasets.load` takes.
        kind: "measured", "benchmark" or "simulated".
        description: one sentence.
        licence: of the data, its short name first.
        source: a reference or an address.
        sha256: checksums by file.
        size: in bytes.

    >>> import dynlearn as dl
    >>> card = dl.datasets.info("lorenz63")
    >>> card.kind, card.description
    ('simulated', "Lorenz's convection model, chaotic.")
    """

    name: str
    kind: str
    """"measured": comes with the package. "benchmark": read from a folder of yours or downloaded.
    "simulated": computed."""
    description: str
    licence: str
    source: str
    """Where the data are from; for a simulated system, where the equations are from."""
    sha256: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """From each file to its checksum; empty for a simulated system."""
    size: int = 0
    """Of all files together, in bytes; 0 for a simulated system."""
