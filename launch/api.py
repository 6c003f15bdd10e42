"""touchline from Python: train a policy, find a run again, evaluate what it learnt."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from touchline.configs import Config, Resolved, load
from touchline.launch.recording import train_into
from touchline.record import RecordError, RunDirectory, Summary, find_run

if TYPE_CHECKING:
    from touchline.launch.local import View
    from touchline.player.evaluate import Evaluation

RUNS = "runs"
Environment = str | Callable[..., Any]


@dataclass(frozen=True, repr=False)
class Run:
    """A run on disk. ``env`` is the environment object it was trained on, where it has no name."""

    path: Path
    env: Callable[..., Any] | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def directory(self) -> RunDirectory:
        """Its files."""
        return RunDirectory(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def config(self) -> Config:
        """What it was trained with. Raises ConfigError."""
        return load(self.directory.config).config

    @property
    def summary(self) -> Summary:
        """summary.json: how it ended, and what came of it. Raises RecordError while it goes on."""
        found = self.directory.read_summary()
        if found is None:
            raise RecordError(f"{self.path}: has no summary yet; it is still running, or was killed")
        return found


def train(
    config: str | Path | Mapping[str, Any] | None = None,
    *,
    env: Environment | None = None,
    runs: str | Path = RUNS,
    name: str | None = None,
    view: View | None = None,
    **overrides: Any,
) -> Run:
    """Train to the end, in this process and the Players it starts, and return the run.

    ``config`` is a preset's name, a file, or a map. ``env`` is an id, or an environment's class or factory,
    which is sent to the Players. ``overrides`` are config keys: ``seed=1, players={"count": 2}``, or dotted:
    ``**{"stop.steps": 100_000}``. An interrupt (^C) ends the run in order and returns it.

    Raises ConfigError, RunExists, EnvError, RunFailed, AddressError.
    """
    factory = None if env is None or isinstance(env, str) else env
    resolved = resolve(config, env=env, overrides=overrides)
    shipped = None if factory is None else _ship(factory)
    seed = resolved.config.seed
    directory = RunDirectory.create(Path(runs), env=resolved.config.target, seed=seed, name=name)
    command = " ".join([Path(sys.argv[0]).name or "python", "touchline.train"])
    train_into(directory, resolved, command=command, factory=shipped, view=view)
    return Run(directory.path, factory)


def evaluate(
    run: Run | str | int | Path,
    *,
    episodes: int = 100,
    greedy: bool = True,
    checkpoint: Literal["latest", "best"] | int = "latest",
    seed: int = 0,
    env: Environment | None = None,
    runs: str | Path = RUNS,
) -> Evaluation:
    """Play ``episodes`` whole episodes with what a run has learnt; ``mean`` and ``returns`` say how it did.

    Raises RunNotFound, CheckpointError, EnvError.
    """
    from touchline.launch.restore import restore
    from touchline.player.evaluate import evaluate as play

    found = run if isinstance(run, Run) else load_run(run, runs=runs)
    overrides = [("env.id", env)] if isinstance(env, str) else []
    restored = restore(found.directory, checkpoint, overrides=overrides)
    factory = env if callable(env) else found.env
    if factory is not None and not isinstance(env, str):
        restored = restored.on(factory)
    return play(
        restored.spec, restored.policy, restored.snapshot, episodes=episodes, seed=seed, greedy=greedy
    )


def load_run(ref: str | int | Path, *, runs: str | Path = RUNS) -> Run:
    """The run of a path, a name, a number, or the beginning of a name. Raises RunNotFound."""
    return Run(find_run(str(ref), Path(runs)).path)


def resolve(
    config: str | Path | Mapping[str, Any] | None, *, env: Environment | None, overrides: Mapping[str, Any]
) -> Resolved:
    """The config that ``train`` would use, and where each value came from. Raises ConfigError."""
    source = None if isinstance(config, Mapping) else config
    values = {**_flat(config if isinstance(config, Mapping) else {}), **_flat(overrides)}
    if env is not None:
        values["env.id"] = env if isinstance(env, str) else _name_of(env)
    return load(source, values=values)


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Sections opened, so that a later layer replaces keys and not whole sections."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if "." not in key and isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": part for inner, part in value.items()}
        else:
            flat[key] = value
    return flat


def _name_of(env: Callable[..., Any]) -> str:
    name = getattr(env, "__qualname__", type(env).__qualname__)
    return name.rpartition("<locals>.")[2] or name


def _ship(factory: Callable[..., Any]) -> bytes:
    from touchline.envs.shipping import factory_to_bytes

    return factory_to_bytes(factory)
