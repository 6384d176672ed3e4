"""What a run of the benchmarks was asked for, and how a benchmark says that it cannot run."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
    quick: bool = False
    """Small sizes that prove a benchmark works; its numbers mean nothing."""
    repeats: int | None = None
    """Repeated timings; None for the benchmark's own number."""

    def times(self, usual: int, quick: int = 2) -> int:
        """How often to repeat a timing."""
        if self.repeats is not None:
            return self.repeats
        return quick if self.quick else usual

    def size(self, usual: int, quick: int) -> int:
        return quick if self.quick else usual


class Unavailable(Exception):
    """Something that a benchmark needs is missing: which, and how to get it."""
