"""docs/systems.md: its text is written by hand, its numbers stand between marks and come from docs/results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

PART = re.compile(r"<!-- generated: (?P<name>[a-z0-9-]+) -->\n.*?<!-- end -->", re.DOTALL)
NONE_YET = "Not run yet."


def kept(results: Path, document: str) -> dict[str, Any]:
    """What was measured of a document, by section."""
    path = results / f"systems-{document}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def keep(results: Path, document: str, section: str, found: Any) -> None:
    """Put a section's numbers in the place of those before."""
    sections = {**kept(results, document), section: found}
    results.mkdir(parents=True, exist_ok=True)
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(sections.items()))
    (results / f"systems-{document}.json").write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def current(text: str, results: Path, documents: Mapping[str, ModuleType]) -> str:
    """The page as the numbers say."""
    made: dict[str, str] = {}
    for name, document in documents.items():
        made |= {f"{name}-{part}": table for part, table in document.parts(kept(results, name)).items()}

    def part(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- generated: {name} -->\n{made.get(name, NONE_YET)}\n<!-- end -->"

    return PART.sub(part, text)


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Markdown; None is an empty cell."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(
        f"| {' | '.join('' if cell is None else str(cell) for cell in cells)} |" for cells in lines
    )


def figure(name: str, says: str) -> str:
    return f"![{says}](results/{name})"


def count(value: float | None) -> str | None:
    """4,321 or 12.3 M; nothing of nothing."""
    if value is None:
        return None
    return f"{value / 1e6:,.1f} M" if value >= 1e7 else f"{value:,.0f}"


def seconds(value: float | None) -> str | None:
    """Three digits of it."""
    return None if value is None else f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def percent(share: float) -> str:
    return f"{100 * share:.1f}"
