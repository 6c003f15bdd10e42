"""Which runs may share one mean: same environment, same config but for the seed; and what to call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from touchline.record.directory import RunDirectory
from touchline.record.history import History, read_history

IGNORED = ("seed", "save", "log", "net", "players.name")  # do not change what is learnt
# what tells runs apart best, when more differs than a legend has room for
TELLING = (
    "method",
    "optimizer.rule",
    "search.over",
    "descent.by",
    "krylov.solver",
    "trainer.algorithm",
    "trainer.gradient",
    "staleness.correction",
    "trainer.advantage",
    "players.count",
)
LABEL_KEYS = 3

Settings = dict[str, str]  # dotted key -> value as text


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed alone; ``label`` says what sets them apart from the other groups.

    It is never empty: where nothing sets the group apart, it names the run.
    """

    env: str
    label: str
    histories: tuple[History, ...]


def group_runs(runs: Sequence[RunDirectory]) -> list[Group]:
    """Put runs of one environment and config together, in the order in which they were given."""
    together: dict[tuple[str, tuple[tuple[str, str], ...]], list[History]] = {}
    for run in runs:
        history = read_history(run)
        key = (history.env, tuple(sorted(_settings(run).items())))
        together.setdefault(key, []).append(history)
    labels = _labels([dict(settings) for _, settings in together], [env for env, _ in together])
    return [
        Group(env=env, label=label or _names(histories), histories=tuple(histories))
        for label, ((env, _), histories) in zip(labels, together.items(), strict=True)
    ]


def group_title(group: Group) -> str:
    """The environment and the label, for a legend or a heading that names both."""
    return " · ".join((group.env, group.label))


def _settings(run: RunDirectory) -> Settings:
    """The resolved config, flat; a run without a readable one stands for itself."""
    try:
        tree = YAML(typ="safe", pure=True).load(run.config.read_text(encoding="utf-8"))
    except (OSError, YAMLError):
        tree = None
    if not isinstance(tree, Mapping):
        return {"run": run.name}
    flat = _flatten(tree)
    return {key: value for key, value in flat.items() if not _ignored(key)}


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Settings:
    flat: Settings = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def _ignored(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in IGNORED)


def _labels(settings: Sequence[Settings], envs: Sequence[str]) -> list[str]:
    """One label a group, of the settings in which it differs from others of its environment."""
    labels = [_label(mine, _rivals(settings, envs, env)) for mine, env in zip(settings, envs, strict=True)]
    labels = _told_apart(labels, settings, envs)
    repeated = {
        label for label, env in zip(labels, envs, strict=True) if _count(labels, envs, label, env) > 1
    }
    return ["" if label in repeated else label for label in labels]


def _rivals(settings: Sequence[Settings], envs: Sequence[str], env: str) -> list[Settings]:
    return [other for other, its in zip(settings, envs, strict=True) if its == env]


def _told_apart(labels: Sequence[str], settings: Sequence[Settings], envs: Sequence[str]) -> list[str]:
    """Of several methods, those that are alike so far with what differs between them alone."""
    apart = []
    for mine, label, env in zip(settings, labels, envs, strict=True):
        alike = [
            its
            for its, other, where in zip(settings, labels, envs, strict=True)
            if (other, where) == (label, env)
        ]
        methods = {rival.get("method") for rival in _rivals(settings, envs, env)}
        more = _label(mine, alike, most=LABEL_KEYS - 1) if len(methods) > 1 and len(alike) > 1 else ""
        apart.append(" · ".join(part for part in (label, more) if part))
    return apart


def _label(mine: Settings, rivals: Sequence[Settings], *, most: int = LABEL_KEYS) -> str:
    keys = {key for rival in rivals for key in rival}
    differing = [key for key in keys if len({rival.get(key) for rival in rivals}) > 1]
    differing.sort(key=lambda key: (TELLING.index(key) if key in TELLING else len(TELLING), key))
    if "method" in differing:  # most of what else differs only comes with it
        differing = [key for key in differing if key in TELLING and key in mine and _varied(key, rivals)]
    return " · ".join(_named(key, mine.get(key)) for key in differing[:most])


def _varied(key: str, rivals: Sequence[Settings]) -> bool:
    """Whether those that have the key differ in it."""
    return len({rival[key] for rival in rivals if key in rival}) > 1


def _named(key: str, value: str | None) -> str:
    if key == "method" and value is not None:
        return value
    if key == "players.count" and str(value).isdecimal():
        return f"{value} Player{'s' if value != '1' else ''}"
    name = key.rpartition(".")[2].replace("_", " ")
    return f"{name} {value}" if value not in (None, "None") else f"no {name}"


def _count(labels: Sequence[str], envs: Sequence[str], label: str, env: str) -> int:
    return sum(pair == (label, env) for pair in zip(labels, envs, strict=True))


def _names(histories: Sequence[History]) -> str:
    first, others = histories[0].run.name, len(histories) - 1
    return f"{first} and {others} more" if others else first
