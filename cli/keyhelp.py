"""The config's keys as a page of help: by section, each with its type, its value and what it does."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import click

from touchline.cli.flags import Flag
from touchline.configs import Described, Resolved, describe, describe_sections, load, preset_names
from touchline.configs.keys import keys
from touchline.configs.showing import write

INDENT, DOC_INDENT = "  ", "      "


def write_keys(formatter: click.HelpFormatter, *, source: str | None, flags: Sequence[Flag]) -> None:
    """Write every key; with a ``source``, the values that it and ``flags`` give. Raises ConfigError."""
    resolved = load(source, flags) if source is not None else None
    width = formatter.width
    formatter.write("\n")
    for line in [*_presets(width), *_lead(resolved, source, width)]:
        formatter.write(line + "\n")
    for line in _sections(resolved, width):
        formatter.write(line + "\n")


def _presets(width: int) -> list[str]:
    return textwrap.wrap(f"Presets: {', '.join(preset_names())}", width, subsequent_indent=INDENT)


def _lead(resolved: Resolved | None, source: str | None, width: int) -> list[str]:
    shown = f"with the values of {source}" if resolved is not None else "with their defaults"
    return ["", *textwrap.wrap(f"Keys of the config, {shown}:", width)]


def _sections(resolved: Resolved | None, width: int) -> Iterator[str]:
    docs = describe_sections()
    section: str | None = None
    for key in describe():
        found = key.key.rpartition(".")[0]
        if found != section:
            section = found
            yield ""
            if section:
                title = f"{click.style(section, bold=True)}: {docs[section].splitlines()[0]}"
                yield from _wrap_title(title, width)
        yield from _key(key, resolved, width)


def _wrap_title(title: str, width: int) -> list[str]:
    return textwrap.wrap(title, width, subsequent_indent=INDENT)


def _key(key: Described, resolved: Resolved | None, width: int) -> Iterator[str]:
    head, value = f"{INDENT}--{key.key}  {key.type}", _value(key, resolved)
    room = width - len(click.unstyle(value))
    if len(head) + len(INDENT) <= room:
        yield head.ljust(room) + value
    else:
        yield from textwrap.wrap(head.strip(), width, initial_indent=INDENT, subsequent_indent=DOC_INDENT)
        yield " " * room + value
    yield from textwrap.wrap(key.doc, width, initial_indent=DOC_INDENT, subsequent_indent=DOC_INDENT)


def _value(key: Described, resolved: Resolved | None) -> str:
    """The value, for the right edge; of one that was set, where."""
    if resolved is None or resolved.origin[key.key] == "default":
        return key.default
    described = keys()[key.key]
    owner = getattr(resolved.config, described.section) if described.section else resolved.config
    value = write(getattr(owner, described.field), described.kind)
    return f"{click.style(value, bold=True)}  {resolved.origin[key.key]}"
