"""``touchline player``: one Player, joining a Trainer wherever it is."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--connect", "address", metavar="ADDRESS", required=True, help="The Trainer's address, as it printed it."
)
@click.option("--name", metavar="NAME", help="Name in the live view and the ledger.  [<host>-<pid>]")
@click.option(
    "--reconnect", metavar="DURATION", help="How long to go without a Trainer.  [60s, then net.reconnect]"
)
def command(address: str, name: str | None, reconnect: str | None) -> int:
    """Start a Player that joins a Trainer, plays for it, and ends when the run does.

    It needs nothing but the address: what to play, the Trainer says.
    """
    from touchline.player.process import Options, play

    seconds = None if reconnect is None else _seconds(reconnect)
    return play(Options(address, name=name, reconnect_seconds=seconds, quiet=False))


def _seconds(text: str) -> float:
    from touchline.configs.quantities import read_duration

    try:
        seconds = read_duration(text)
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise click.UsageError(
            f"--reconnect: expected a duration above 0, such as 30s, 5m or 2h, found '{text}'"
        )
    return seconds
