"""``python -m touchline.configs.schema_file`` writes the JSON schema next to the presets."""

from __future__ import annotations

import json
from pathlib import Path

from touchline.configs.reference import json_schema

SCHEMA_FILE = Path(__file__).with_name("schema.json")


def schema_text() -> str:
    """The file's text."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
