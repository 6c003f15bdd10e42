"""The law of lag on real runs: what is predicted beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lagstudy.tables import table

TITLES = (
    "Players N",
    "results an update R",
    "ahead",
    "closed form",
    "law, counted",
    "lag measured",
    "results",
)


def closed_form(*, players: int, results: int, ahead: int) -> float:
    """Mean lag with every Player's 1 + ``ahead`` results always outstanding: ((1 + ahead) N − 1)/R, in updates.

    With ``ahead`` 0 it is exact, (N − 1)/R. Above that it is what the lag cannot pass in the mean: a Player that waits
    for its own first result to be taken has fewer outstanding.
    """
    return ((1 + ahead) * players - 1) / results


def law_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The runs as Markdown, unrolls first, whole episodes after."""
    return table(TITLES, [_cells(row) for row in sorted(rows, key=_order)])


def _cells(row: Mapping[str, Any]) -> list[str]:
    episodes = row["unit"] == "episode"
    return [
        f"{row['players']} × {row['lanes']} lanes, whole episodes" if episodes else str(row["players"]),
        f"{row['results_per_update']:.1f}" if episodes else str(row["results"]),
        str(row["ahead"]),
        "" if episodes else f"{row['closed_form']:.2f}",
        f"{row['law']:.2f}",
        f"{row['measured']:.2f}",
        f"{row['count']:,}",
    ]


def _order(row: Mapping[str, Any]) -> tuple[bool, int, int, int]:
    return row["unit"] == "episode", row["ahead"], row["players"], row["results"]
