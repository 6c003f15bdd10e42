"""The environments and wrappers that can be named, for ``touchline envs``. None is made for it."""

from __future__ import annotations

import contextlib
import fnmatch
import importlib.util
import inspect
from dataclasses import dataclass
from typing import Any

import gymnasium

from touchline.envs import builtin
from touchline.envs.atari import register_atari
from touchline.envs.errors import MissingExtra
from touchline.envs.wrapping import arguments_of, find_named, wrapper_names

NEEDS = {
    "gymnasium.envs.box2d": ("Box2D", "box2d"),
    "gymnasium.envs.mujoco": ("mujoco", "mujoco"),
    "gymnasium.envs.phys2d": ("jax", None),
    "gymnasium.envs.tabular": ("jax", None),
    "ale_py": ("ale_py", "atari"),
}
"""Where an environment is defined: the module it needs, and the extra of touchline that installs it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One environment as the registry has it."""

    id: str
    reward_threshold: float | None
    max_episode_steps: int | None
    native: bool  # has a vector form of its own
    missing: str | None  # the package to install before it can be made
    extra: str | None  # the extra of touchline that installs it, where there is one


def list_envs(pattern: str | None = None) -> list[Row]:
    """The registered environments, ours included, sorted by id.

    ``pattern`` is a part of the id or, with ``*`` or ``?``, a glob of all of it; case does not matter.
    """
    builtin.register()
    with contextlib.suppress(ImportError):
        register_atari()
    rows = [_row(entry) for entry in gymnasium.registry.values() if _matches(entry.id, pattern)]
    return sorted(rows, key=lambda row: row.id.lower())


def _matches(env_id: str, pattern: str | None) -> bool:
    if pattern is None:
        return True
    name, wanted = env_id.lower(), pattern.lower()
    return fnmatch.fnmatchcase(name, wanted) if any(c in wanted for c in "*?[") else wanted in name


def _row(entry: Any) -> Row:
    missing, extra = _missing(entry.entry_point or entry.vector_entry_point)
    return Row(
        id=entry.id,
        reward_threshold=None if entry.reward_threshold is None else float(entry.reward_threshold),
        max_episode_steps=entry.max_episode_steps,
        native=entry.vector_entry_point is not None,
        missing=missing,
        extra=extra,
    )


def _missing(entry_point: Any) -> tuple[str | None, str | None]:
    for place, (module, extra) in NEEDS.items():
        if str(entry_point).startswith(place) and importlib.util.find_spec(module) is None:
            return module, extra
    return None, None


@dataclass(frozen=True, slots=True)
class WrapperRow:
    """A wrapper that can be named bare."""

    name: str
    arguments: str  # as in its signature, without the environment: "scale", "n=4"
    summary: str  # the first line of what it says of itself
    missing: str = ""  # what must be installed before it can be used


def list_wrappers(pattern: str | None = None) -> list[WrapperRow]:
    """The wrappers that a config can name bare, sorted; ``pattern`` as of the environments' ids.

    Those that must be given a Python function are not among them: a config cannot hold one.
    """
    rows = [_wrapper_row(name) for name in wrapper_names() if _matches(name, pattern)]
    return [row for row in rows if row is not None]


def _wrapper_row(name: str) -> WrapperRow | None:
    try:
        wrapper = find_named(name)
    except MissingExtra as error:
        return WrapperRow(name, "", "", missing=str(error).partition(": ")[2])
    given = arguments_of(wrapper)
    if any(_is_function(parameter) for parameter in given):
        return None
    arguments = ", ".join(parameter.name + _default(parameter) for parameter in given)
    lines = (inspect.getdoc(wrapper) or "").splitlines() or [""]
    return WrapperRow(name, arguments, lines[0])


def _is_function(parameter: inspect.Parameter) -> bool:
    """Whether a wrapper cannot do without a function here."""
    return parameter.default is parameter.empty and "Callable" in str(parameter.annotation)


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return ""
    text = repr(parameter.default)
    return "=…" if " at 0x" in text else f"={text}"
