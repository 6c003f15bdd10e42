"""What the evaluations of a run found: their lines, the best of them, and the counts of the version each is of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from touchline.policy.evaluation import Evaluation
from touchline.record import EvaluationLine, EvaluationStatus
from touchline.record.lines import JsonLines

COUNTS = ("steps", "updates", "gradient_steps")


class Evaluations:
    """Takes each evaluation as it comes; ``lines`` is the writer of evaluations.jsonl."""

    def __init__(self, lines: JsonLines) -> None:
        self.last: EvaluationLine | None = None
        self.best: EvaluationLine | None = None
        self._lines = lines
        self._counts: dict[int, tuple[int, ...]] = {}
        self._asked = False

    @property
    def status(self) -> EvaluationStatus | None:
        """The last one and the best one as status.json has them."""
        if self.last is None:
            return None
        return EvaluationStatus(
            version=self.last.version,
            steps=self.last.steps,
            episodes=self.last.episodes,
            mean=self.last.mean,
            best_version=None if self.best is None else self.best.version,
            best_mean=None if self.best is None else self.best.mean,
        )

    def published(self, report: Mapping[str, Any]) -> None:
        """The method's counts as a version is made. While an evaluation is awaited it may be of this one, and come
        when others have followed."""
        if not self._asked:
            self._counts.clear()
        self._counts[report["version"]] = tuple(report[name] for name in COUNTS)

    def asked(self, version: int) -> None:
        """An evaluation is asked for while this version is the live one: none of an older one will come."""
        self._asked = True
        self._counts = {number: counts for number, counts in self._counts.items() if number >= version}

    def counts_of(self, version: int) -> dict[str, int]:
        """``steps``, ``updates`` and ``gradient_steps`` when this version was made."""
        return dict(zip(COUNTS, self._counts[version], strict=True))

    def add(self, played: Evaluation, *, version: int, seed: int, player: str, seconds: float) -> bool:
        """Write one down; whether it is the best so far. Of equals the first is the best; a NaN never is."""
        line = EvaluationLine(
            seconds=seconds,
            steps=self.counts_of(version)["steps"],
            version=version,
            player=player,
            episodes=len(played.returns),
            mean=played.mean,
            std=played.std,
            min=min(played.returns),
            max=max(played.returns),
            length_mean=sum(played.lengths) / len(played.lengths),
            seed=seed,
        )
        self._lines.append(line)
        self.last = line
        self._asked = False
        better = self.best is None or self.best.mean is None or played.mean > self.best.mean
        if not better or not math.isfinite(played.mean):
            return False
        self.best = line
        return True
