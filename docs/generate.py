"""Writes what the documents repeat from the code: ``python docs/generate.py``, from any folder.

A generated part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``; the rest of a page is written by
hand. A test compares the pages with what this makes of the code.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from touchline.configs import (
    Config,
    describe,
    describe_sections,
    from_plain,
    load,
    preset_names,
    resolve_gradient,
)
from touchline.configs.combinations import RULES, Rule, broken_rules, fault_of
from touchline.configs.showing import show
from touchline.protocol.machine import PLAYER, TRAINER, diagram
from touchline.protocol.messages import MESSAGES, FromPlayer, FromTrainer, Message, tag

DOCS = Path(__file__).resolve().parent
PART = re.compile(r"<!-- generated: (?P<name>[a-z-]+) -->\n.*?<!-- end -->", re.DOTALL)

A2C = {
    "trainer.algorithm": "a2c",
    "trainer.epochs": 1,
    "trainer.minibatch_steps": None,
    "staleness.correction": "none",
}
EXAMPLES: tuple[dict[str, Any], ...] = (
    {"trainer.gradient": "reuse"},
    {**A2C, "trainer.gradient": "reuse", "staleness.correction": "importance"},
    {"staleness.correction": "none"},
    {**A2C, "staleness.correction": "clip"},
    {**A2C, "trainer.epochs": 4},
    {**A2C, "trainer.minibatch_steps": 512},
    {
        **A2C,
        "players.unroll_length": "episode",
        "trainer.batch_episodes": 10,
        "trainer.minibatch_steps": 512,
    },
    {"trainer.value_head": "snapshot"},
    {"trainer.advantage": "vtrace", "staleness.correction": "vtrace"},
    {**A2C, "trainer.advantage": "vtrace"},
    {**A2C, "staleness.correction": "vtrace"},
    {**A2C, "trainer.algorithm": "reinforce"},
    {**A2C, "trainer.advantage": "monte_carlo"},
    {"optimizer.rule": "sgd", "optimizer.momentum": 0.9},
    {"trainer.normalize_advantage": "center"},
    {"staleness.on_excess": "hold", "staleness.max_lag": 0},
    {"mode": "sync", "staleness.ahead": 1},
    {"optimizer.schedule": "linear", "stop.steps": None},
    {"trainer.clip_schedule": "linear", "stop.steps": None},
    {"net.dead": 0.5},
    {"policy.recurrent": "gru"},
    {"policy.recurrent": "gru", "policy.shared": True, "trainer.minibatch_steps": 500},
    {"policy.recurrent": "gru", "policy.shared": True, "players.unroll_length": "episode"},
    {"policy.network": "mine:Torso", "policy.layer_norm": True},
    {"policy.sparse": True, "env.normalize": True},
    {**A2C, "policy.value": False},
    {"trainer.batch_episodes": 10},
    {**A2C, "mode": "sync", "trainer.normalize_advantage": "center_episode"},
    {**A2C, "trainer.return_resets": "reward"},
    {"staleness.inject": 4},
    {"mode": "serial", "staleness.inject": 16},
    {"log.tensorboard": True},
)
"""For each rule of the table, in its order, a config that breaks it and no other: changes of the defaults."""

ANSWERS = {
    "HELLO": "WELCOME; ERR `BAD_VERSION`, `NAME_TAKEN`, `BUSY`, `BAD_MESSAGE`; STOP once the run has ended",
    "WELCOME": "READY; ERR `ENVIRONMENT`",
    "READY": "ORDER, once there is one; ERR `SPACES`",
    "ORDER": "RESULTs, each granted by a WEIGHTS",
    "WANT": "WEIGHTS, once the gate allows it",
    "WEIGHTS": "RESULT",
    "RESULT": "ACK; NACK for a gap; ERR `NO_SESSION`",
    "ACK": "",
    "NACK": "RESULT, again from `next`",
    "BEAT": "ACK; NACK where results are missing; STOP once the run has ended",
    "BYE": "BYE_OK",
    "BYE_OK": "",
    "ERR": "",
    "STOP": "BYE",
}


def table(titles: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A Markdown table; a bar within a cell is escaped."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    return f"`{text}`"


# -- docs/config.md


def keys() -> str:
    """Every key, by section."""
    docs, sections = describe_sections(), dict[str, list[Sequence[str]]]()
    for key in describe():
        section = key.key.rpartition(".")[0]
        sections.setdefault(section, []).append((code(key.key), code(key.type), code(key.default), key.doc))
    return "\n\n".join(_section(name, docs, rows) for name, rows in sections.items())


def _section(name: str, docs: Mapping[str, str], rows: list[Sequence[str]]) -> str:
    title = f"### {code(name)}\n\n{docs[name]}" if name else "### At the top"
    return f"{title}\n\n{table(('key', 'type', 'default', 'what it does'), iter(rows))}"


def presets() -> str:
    """The presets, with what tells them apart."""
    titles = ("preset", "environment", "algorithm", "gradient", "correction", "stops at")
    return table(titles, map(_preset, preset_names()))


def _preset(name: str) -> Sequence[str]:
    config = load(name).config
    algorithm = f"{config.trainer.algorithm} with {config.trainer.advantage}"
    goal = (
        "the environment's threshold"
        if config.stop.mean_return == "threshold"
        else show(config.stop.mean_return)
    )
    steps = f", or {config.stop.steps:,} steps" if config.stop.steps is not None else ""
    link = f"[{code(name)}](../configs/{name}.yaml)"
    correction = config.staleness.correction
    return link, config.env.id, algorithm, resolve_gradient(config), correction, f"{goal}{steps}"


def combinations() -> str:
    """What is refused: each rule by an example, with the message that the example gives."""
    titles = ("refused, for example", "expected", "why")
    return table(titles, (_rule(*pair) for pair in zip(RULES, EXAMPLES, strict=True)))


def _rule(rule: Rule, changes: Mapping[str, Any]) -> Sequence[str]:
    config = _config(changes)
    assert broken_rules(config) == [rule], f"the example {dict(changes)} should break {rule.key} alone"
    fault = fault_of(rule, config)
    settings = "<br>".join(code(f"{key}: {show(_value(config, key)).strip(chr(39))}") for key in rule.keys)
    return settings, f"{code(rule.key)}: {fault.expected}", fault.hint


def _config(changes: Mapping[str, Any]) -> Config:
    plain: dict[str, Any] = {"env": {"id": "CartPole-v1"}}
    for key, value in changes.items():
        section, _, field = key.rpartition(".")
        (plain.setdefault(section, {}) if section else plain)[field] = value
    return from_plain(plain)


def _value(config: Config, key: str) -> object:
    value: object = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


# -- docs/protocol.md


def messages() -> str:
    """Every message: which way, what its header holds, what answers it."""
    titles = ("message", "way", "header", "what it says", "answer")
    return table(titles, map(_message, MESSAGES))


def _message(message: type[Message]) -> Sequence[str]:
    name = tag(message)
    ways = ("P→T", message in get_args(FromPlayer)), ("T→P", message in get_args(FromTrainer))
    way = ", ".join(text for text, goes in ways if goes)
    fields = ", ".join(map(code, message.__struct_fields__))
    says = inspect.cleandoc(message.__doc__ or "").replace("``", "`").partition(": ")[2]
    return name, way, fields, " ".join(says.split()), ANSWERS[name]


def _states(machine: Any) -> str:
    return f"```mermaid\n{diagram(machine)}```"


PARTS: dict[str, Callable[[], str]] = {
    "keys": keys,
    "presets": presets,
    "combinations": combinations,
    "messages": messages,
    "player-states": lambda: _states(PLAYER),
    "trainer-states": lambda: _states(TRAINER),
}
PAGES = ("config.md", "protocol.md")


def current(page: str) -> str:
    """The page as it should be: its text by hand, its generated parts from the code."""

    def part(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- generated: {name} -->\n{PARTS[name]()}\n<!-- end -->"

    return PART.sub(part, (DOCS / page).read_text(encoding="utf-8"))


if __name__ == "__main__":
    for page in PAGES:
        (DOCS / page).write_text(current(page), encoding="utf-8")
