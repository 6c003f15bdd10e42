"""Where the learner's time goes, and how fast it learns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """Seconds waiting for Players and updating, of the whole run; and the time and steps of its first update."""

    wait_seconds: float = 0.0
    update_seconds: float = 0.0
    first_at: float | None = None
    last_at: float | None = None
    _first_steps: int = 0
    _waited: float = 0.0

    def waited(self, seconds: float) -> None:
        """The learner waited this long for a result."""
        self._waited += seconds
        self.wait_seconds += seconds

    def updated(self, *, now: float, seconds: float, steps: int) -> float:
        """An update was made by ``now``, in so many seconds, ``steps`` in all; the seconds waited for its results."""
        self.update_seconds += seconds
        if self.first_at is None:
            self.first_at, self._first_steps = now, steps
        self.last_at = now
        waited, self._waited = self._waited, 0.0
        return waited

    @property
    def wait_fraction(self) -> float:
        """The part of the learner's time spent waiting for Players, 0 to 1."""
        total = self.wait_seconds + self.update_seconds
        return self.wait_seconds / total if total > 0 else 0.0

    def steps_per_second(self, steps: int) -> float | None:
        """``steps`` in all less those of the first update, over the wall time from it to the last."""
        if self.first_at is None or self.last_at is None or self.last_at <= self.first_at:
            return None
        return (steps - self._first_steps) / (self.last_at - self.first_at)
