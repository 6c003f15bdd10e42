"""What a run is about, in a line for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from touchline.configs import Config
from touchline.trainer.schemes.on_table import TableFacts, network_for


def about_table(config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """``iris: 120 rows and 30 to test, 4 inputs, 3 classes; network 4-16-3, 131 weights``, and what the table notes."""
    table = TableFacts.of(spaces)
    tests = f" and {table.test_rows:,} to test" if table.test_rows else ""
    outputs = f"{table.outputs} classes" if table.classes else _counted(table.outputs, "output")
    layers = "-".join(map(str, (table.inputs, *config.model.hidden, table.outputs)))
    size = network_for(config, table).size
    note = facts.get("note")
    said = (
        f"{table.name}: {table.rows:,} rows{tests}, {_counted(table.inputs, 'input')}, {outputs}; "
        f"network {layers}, {size:,} weights"
    )
    return f"{said}; {note}" if note else said


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
