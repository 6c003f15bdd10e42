"""touchline: asynchronous Trainer/Player reinforcement learning, with its staleness counted and corrected.

>>> import touchline
>>> run = touchline.train("cartpole", seed=1)  # doctest: +SKIP
>>> touchline.evaluate(run, episodes=100).mean  # doctest: +SKIP
500.0

Everything is imported when it is first used, so that ``import touchline`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from touchline.configs import Config, ConfigError, preset_names
    from touchline.envs.errors import EnvError
    from touchline.launch.api import Run, evaluate, load_run, train
    from touchline.launch.recording import Crashed
    from touchline.player.evaluate import Evaluation
    from touchline.protocol.errors import AddressError
    from touchline.record import (
        CheckpointError,
        RecordError,
        RunDirectory,
        RunExists,
        RunNotFound,
        Status,
        Summary,
    )
    from touchline.trainer.failures import RunFailed

__all__ = [
    "AddressError",
    "CheckpointError",
    "Config",
    "ConfigError",
    "Crashed",
    "EnvError",
    "Evaluation",
    "RecordError",
    "Run",
    "RunDirectory",
    "RunExists",
    "RunFailed",
    "RunNotFound",
    "Status",
    "Summary",
    "evaluate",
    "load_run",
    "preset_names",
    "train",
]

_HOMES = {
    "touchline.configs": ("Config", "ConfigError", "preset_names"),
    "touchline.envs.errors": ("EnvError",),
    "touchline.launch.api": ("Run", "evaluate", "load_run", "train"),
    "touchline.launch.recording": ("Crashed",),
    "touchline.player.evaluate": ("Evaluation",),
    "touchline.protocol.errors": ("AddressError",),
    "touchline.record": (
        "CheckpointError",
        "RecordError",
        "RunDirectory",
        "RunExists",
        "RunNotFound",
        "Status",
        "Summary",
    ),
    "touchline.trainer.failures": ("RunFailed",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its home (PEP 562), and the version from the installed package."""
    if name == "__version__":
        from importlib.metadata import version

        return version("touchline")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
