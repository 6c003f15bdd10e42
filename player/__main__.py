"""``python -P -m touchline.player``: how a Player process is started. People use ``touchline player``."""

from __future__ import annotations

import argparse
import gc
import sys

from touchline.player.process import Options, play


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and play."""
    parser = argparse.ArgumentParser(prog="touchline.player", description="A touchline Player.")
    parser.add_argument("--connect", required=True, help="the Trainer's address")
    parser.add_argument("--name", help="the Player's name in the run")
    parser.add_argument("--incarnation", type=int, default=0, help="how often this Player was restarted")
    parser.add_argument("--reconnect", type=float, help="seconds to go without a Trainer")
    parser.add_argument("--tied", action="store_true", help="end when standard input closes")
    found = parser.parse_args(arguments)
    options = Options(
        address=found.connect,
        name=found.name,
        incarnation=found.incarnation,
        reconnect_seconds=found.reconnect,
        tied=found.tied,
    )
    code = play(options)
    gc.freeze()  # nothing is left to collect, and looking for it makes up most of the exit: 90 ms of 100
    return code


if __name__ == "__main__":
    sys.exit(main())
