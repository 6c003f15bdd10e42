"""``touchline train --help``: every key of the config, with a file's values where one is named."""

from __future__ import annotations

import click

from touchline.cli.flags import SPLIT, ConfigCommand, Split


class ConfigHelpCommand(ConfigCommand):
    """A command whose help lists the config's keys, by section."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from touchline.cli.keyhelp import write_keys

        split: Split | None = ctx.meta.get(SPLIT)
        words, flags = (split.words, split.flags) if split is not None else ((), ())
        write_keys(formatter, source=words[0] if words else None, flags=flags)
