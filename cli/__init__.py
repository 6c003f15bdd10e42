"""The command line. Each verb is a small module, imported when it is called, so that ``--help`` is quick."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``touchline`` with these arguments (None: the process's own) and return its exit code.

    0 it did what was asked, 2 the user's to mend, 3 Players failed, 130 interrupted, 1 a fault of ours.
    """
    try:
        from touchline.cli.group import touchline

        return touchline.main(arguments, prog_name="touchline", standalone_mode=False) or 0
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        from touchline.cli.exits import explained

        return explained(error)
