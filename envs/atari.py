"""The Atari games of ale-py, which registers them with gymnasium when it is imported."""

from __future__ import annotations


def register_atari() -> None:
    """Make the games known to gymnasium, once. Raises ImportError where ale-py is not installed."""
    import ale_py  # type: ignore[import-not-found, unused-ignore]

    # Each game made would print a banner to the terminal, once a lane and Player.
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
