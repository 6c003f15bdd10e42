"""The config's keys as a page of help: by section, each with its type, its value and what it does.

The keys are those that one method reads, the main one unless another is named; of the other methods there is a line
each.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

import click

from touchline.cli.flags import Flag
from touchline.configs import Described, Resolved, describe, describe_sections, load
from touchline.configs.keys import keys
from touchline.configs.methods import MAIN, METHODS, OTHERS, PLAYS, defaults, is_idle, reads
from touchline.configs.presets import presets_by_group
from touchline.configs.reference import NO_DEFAULT
from touchline.configs.rules import value_of
from touchline.configs.showing import write

INDENT, DOC_INDENT = "  ", "      "
SUMMARIES = {MAIN: "Policy gradients, in an environment: the main method."}


def write_keys(formatter: click.HelpFormatter, *, source: str | None, flags: Sequence[Flag]) -> None:
    """Write every key; with a ``source``, the values that it and ``flags`` give. Raises ConfigError."""
    resolved = load(source, flags) if source is not None else None
    method = resolved.config.method if resolved is not None else _named(flags)
    width = formatter.width
    formatter.write("\n")
    for line in [*preset_lines(width), *_lead(source, method, width)]:
        formatter.write(line + "\n")
    for line in [*_sections(resolved, method, width), *_others(method, width)]:
        formatter.write(line + "\n")


def preset_lines(width: int) -> Iterator[str]:
    """The presets, a paragraph for each group."""
    yield "Presets:"
    for title, names in presets_by_group().items():
        yield from textwrap.wrap(
            f"{title}: {', '.join(names)}",
            width,
            initial_indent=INDENT,
            subsequent_indent=DOC_INDENT,
            break_on_hyphens=False,
        )


def _named(flags: Sequence[Flag]) -> str:
    """The method that a flag names; help with a wrong one is that of the main method, which lists them."""
    named = [text for key, text in flags if key == "method" and text in METHODS]
    return named[-1] if named else MAIN


def _lead(source: str | None, method: str, width: int) -> list[str]:
    shown = f"with the values of {source}" if source is not None else "with their defaults"
    of = "" if method == MAIN else f" that method {method} reads"
    return ["", *textwrap.wrap(f"Keys of the config{of}, {shown}:", width)]


def _sections(resolved: Resolved | None, method: str, width: int) -> Iterator[str]:
    docs = describe_sections()
    section: str | None = None
    for key in sorted(describe(), key=lambda key: _rank(key, method)):
        if _is_idle(key, resolved, method):
            continue
        found = key.key.rpartition(".")[0]
        if found != section:
            section = found
            yield ""
            if section:
                yield from _title(section, docs, width)
        yield from _key(key, _value(key, resolved, method), width)


def _is_idle(key: Described, resolved: Resolved | None, method: str) -> bool:
    """Whether nothing reads the key: in this config, or over any target of the method."""
    return not reads(method, key.key) if resolved is None else is_idle(resolved.config, key.key)


def _rank(key: Described, method: str) -> int:
    """The method's own section comes first; the rest is in the order of the schema."""
    return 0 if key.key == "method" else 1 if key.key.startswith(f"{method}.") else 2


def _others(method: str, width: int) -> Iterator[str]:
    """The other methods, a line each: whose keys are those of their own sections, and how to see them."""
    docs: Mapping[str, str] = {**describe_sections(), **SUMMARIES}
    yield ""
    yield from textwrap.wrap("Other methods, and their keys by --method NAME --help:", width)
    for other in (MAIN, *OTHERS):
        if other != method:
            yield from (f"{INDENT}{line}" for line in _title(other, docs, width - len(INDENT)))


def _title(section: str, docs: Mapping[str, str], width: int) -> list[str]:
    title = f"{click.style(section, bold=True)}: {docs[section].splitlines()[0]}"
    return textwrap.wrap(title, width, subsequent_indent=INDENT)


def _key(key: Described, value: str, width: int) -> Iterator[str]:
    head = f"{INDENT}--{key.key}  {key.type}"
    room = width - len(click.unstyle(value))
    if len(head) + len(INDENT) <= room:
        yield head.ljust(room) + value
    else:
        yield from textwrap.wrap(head.strip(), width, initial_indent=INDENT, subsequent_indent=DOC_INDENT)
        yield " " * room + value
    yield from textwrap.wrap(key.doc, width, initial_indent=DOC_INDENT, subsequent_indent=DOC_INDENT)


def _value(key: Described, resolved: Resolved | None, method: str) -> str:
    """The value, for the right edge; of one that was set, where."""
    if resolved is not None:
        value = write(value_of(resolved.config, key.key), keys()[key.key].kind)
        set_at = resolved.origin[key.key]
        return value if set_at == "default" else f"{click.style(value, bold=True)}  {set_at}"
    if method == MAIN or key.key == NO_DEFAULT:
        return key.default
    by_default = defaults(method, on_table=method not in PLAYS)
    return write(value_of(by_default, key.key), keys()[key.key].kind)
