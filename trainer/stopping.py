"""When a run ends by itself."""

from __future__ import annotations

from dataclasses import dataclass

from touchline.trainer.statistics import Returns


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a run ended; ``solved`` when the wanted return was reached."""

    reason: str
    solved: bool


@dataclass(frozen=True, slots=True)
class StopConditions:
    """The first that holds ends the run; None never holds."""

    mean_return: float | None
    steps: int | None
    minutes: float | None
    unit: str = "steps"  # of what ``steps`` counts, in the reason

    def met(self, *, returns: Returns, steps: int, seconds: float) -> Ending | None:
        """``steps`` trained and ``seconds`` since the start, to now."""
        mean = returns.mean
        if self.mean_return is not None and returns.full and mean is not None and mean >= self.mean_return:
            return Ending(f"solved: mean return {measured(mean)} reached {self.mean_return:g}", solved=True)
        if self.steps is not None and steps >= self.steps:
            return Ending(f"{self.unit}: {steps:,} of {self.steps:,}", solved=False)
        if self.minutes is not None and seconds >= 60 * self.minutes:
            return Ending(f"minutes: {seconds / 60:.1f} of {self.minutes:g}", solved=False)
        return None


def measured(value: float) -> str:
    """A mean return with as many digits as the live view and the summary give it."""
    size = abs(value)
    return f"{value:.{1 if size >= 10 or value == 0 else 2 if size >= 0.1 else 4}f}"
