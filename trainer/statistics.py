"""What a run counts as it goes: returns, steps, lags, and where the learner's time goes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LagSummary:
    """Lag over results, in versions; ``mean_per_step`` weighs each result by its steps."""

    p50: float | None
    p95: float | None
    max: int | None
    mean: float | None
    mean_per_step: float | None
    play: float | None  # mean part gathered while the result was played
    queue: float | None  # mean part gathered while it waited
    gradient_steps: float | None  # mean lag counted in gradient steps


@dataclass(slots=True)
class LagRecord:
    """Every lag of the run as counts, so that percentiles are exact and memory does not grow with results.

    One thread adds; any may ask for the summary meanwhile.
    """

    counts: Counter[int] = field(default_factory=Counter)
    results: int = 0
    steps: int = 0
    _total: int = 0
    _by_step: int = 0
    _play: int = 0
    _gradient_steps: int = 0

    def add(self, *, lag: int, play: int, steps: int, gradient_steps: int) -> None:
        """One result of ``steps`` steps: its lag in versions, the part of it while playing, and in gradient steps."""
        self.counts[lag] += 1
        self.results += 1
        self.steps += steps
        self._total += lag
        self._by_step += lag * steps
        self._play += play
        self._gradient_steps += gradient_steps

    def summary(self) -> LagSummary:
        """All None before the first result."""
        if not self.results:
            return LagSummary(None, None, None, None, None, None, None, None)
        counts = dict(self.counts)  # copied in one go; the counts themselves may grow while they are walked
        return LagSummary(
            p50=float(_percentile(counts, 0.50)),
            p95=float(_percentile(counts, 0.95)),
            max=max(counts),
            mean=self._total / self.results,
            mean_per_step=self._by_step / max(self.steps, 1),
            play=self._play / self.results,
            queue=(self._total - self._play) / self.results,
            gradient_steps=self._gradient_steps / self.results,
        )

    def percentile(self, fraction: float) -> int:
        """The smallest lag that at least ``fraction`` of the results do not exceed."""
        return _percentile(dict(self.counts), fraction)


def _percentile(counts: Mapping[int, int], fraction: float) -> int:
    needed, seen = fraction * sum(counts.values()), 0
    for lag, count in sorted(counts.items()):
        seen += count
        if seen >= needed:
            return lag
    return max(counts)


class Returns:
    """The last ``over`` episodes' returns, their mean, and the best mean there has been."""

    def __init__(self, over: int) -> None:
        self._over = over
        self._last: deque[float] = deque(maxlen=over)
        self._sum = 0.0
        self.episodes = 0
        self.best: float | None = None

    def add(self, returns: Sequence[float]) -> None:
        for value in returns:
            if len(self._last) == self._over:
                self._sum -= self._last[0]
            self._last.append(value)
            self._sum += value
            self.episodes += 1
            if len(self._last) == self._over:
                mean = self._sum / self._over
                self.best = mean if self.best is None else max(self.best, mean)

    @property
    def mean(self) -> float | None:
        """Over the last ``over`` episodes, or over fewer where there are fewer; None before the first."""
        return self._sum / len(self._last) if self._last else None

    @property
    def full(self) -> bool:
        """Whether as many episodes have ended as the mean is to be taken over."""
        return len(self._last) == self._over
