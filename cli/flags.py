"""Config keys as flags: ``--players.count 8`` and ``--players.count=8``, apart from a verb's own options."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

FLAGS = "touchline.flags"
SPLIT = "touchline.split"
Flag = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Split:
    """A verb's arguments: those for click, the config flags, and the words that belong to no option."""

    own: tuple[str, ...]
    flags: tuple[Flag, ...]
    words: tuple[str, ...]


class ConfigCommand(click.Command):
    """A command that also takes any config key as a flag; ``config_flags(ctx)`` has them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        split = split_flags(args, self.get_params(ctx))
        ctx.meta[FLAGS], ctx.meta[SPLIT] = split.flags, split
        return super().parse_args(ctx, list(split.own))

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[--KEY VALUE]..."]


def config_flags(ctx: click.Context) -> tuple[Flag, ...]:
    """The config flags of this command line, in order: (dotted key, text)."""
    flags: tuple[Flag, ...] = ctx.meta[FLAGS]
    return flags


def split_flags(args: Sequence[str], params: Sequence[click.Parameter]) -> Split:
    """Tell a verb's own options from config flags. Raises UsageError for a flag without a value."""
    options = {name: param for param in params if isinstance(param, click.Option) for name in param.opts}
    own: list[str] = []
    flags: list[Flag] = []
    words: list[str] = []
    rest = iter(args)
    for arg in rest:
        name, equals, value = arg.partition("=")
        if arg == "--":
            tail = list(rest)
            own += [arg, *tail]
            words += tail
        elif name in options:
            own += [arg, *([] if equals or _is_switch(options[name]) else _next(rest))]
        elif not arg.startswith("--"):
            own.append(arg)
            words += [] if arg.startswith("-") else [arg]
        else:
            flags.append((name[2:], value if equals else _value(name, rest, options)))
    return Split(tuple(own), tuple(flags), tuple(words))


def _is_switch(option: click.Option) -> bool:
    return option.is_flag or option.count


def _next(rest: Iterator[str]) -> list[str]:
    found = next(rest, None)
    return [] if found is None else [found]


def _value(name: str, rest: Iterator[str], options: dict[str, Any]) -> str:
    """The text after a flag. A negative number is a value; another flag is not."""
    near = [] if "." in name else difflib.get_close_matches(name, options, n=1, cutoff=0.8)
    if near:
        raise click.UsageError(f"no option {name}. Did you mean {near[0]}?", click.get_current_context(True))
    value = next(rest, None)
    if value is None or value.startswith("--"):
        found = "the end of the line" if value is None else value
        raise click.UsageError(f"{name}: expected a value, found {found}", click.get_current_context(True))
    return value
