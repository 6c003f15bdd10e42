"""Values as a config file would write them, for messages and tables."""

from __future__ import annotations

from collections.abc import Mapping

from touchline.configs.kinds import Kind
from touchline.configs.quantities import duration_text

MAX_SHOWN = 60


def show(value: object) -> str:
    """A value in a message: YAML's words, quotes around text, cut where it is long."""
    text = _quoted(value) if isinstance(value, str) else write(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def write(value: object, kind: Kind | None = None) -> str:
    """A value on one line; one of a duration's kind gets its unit."""
    if kind is not None and kind.is_duration and isinstance(value, (int, float)):
        return duration_text(value)
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "{" + ", ".join(f"{name}: {write(part)}" for name, part in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(write, value)) + "]"
        case str():
            return value if value.isprintable() else repr(value)
        case int() | float():
            return str(value)
        case _:
            return f"{type(value).__module__}.{type(value).__qualname__}"


def _quoted(text: str) -> str:
    # What a terminal would obey is shown escaped.
    return f"'{text}'" if text.isprintable() else repr(text)
