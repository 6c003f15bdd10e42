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
from touchline.configs.combinations import RULES
from touchline.configs.judging import broken_rules
from touchline.configs.method_rules import METHOD_RULES, TARGET_RULES
from touchline.configs.methods import EITHER, MAIN, METHODS, OTHERS, PLAYS, READERS
from touchline.configs.presets import FOLDER
from touchline.configs.rules import Rule, fault_of, value_of
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

DIGITS, POLE = {"table.source": "digits"}, {"env.id": "CartPole-v1"}
DESCENT = {"method": "descent", **DIGITS}
SEARCH = {"method": "search", **DIGITS}
HOPPING = {"method": "hopping", **DIGITS}
AVERAGING = {"method": "averaging", **DIGITS}
METHOD_EXAMPLES: tuple[dict[str, Any], ...] = (
    {**DESCENT, **POLE},
    {"method": "descent", **POLE},
    {"method": "policy_gradient", **DIGITS},
    {"method": "search", "search.over": "activations", **POLE},
    {**SEARCH, "search.over": "grid", "search.low": 1.0},
    {"method": "trpo", **POLE, "staleness.max_lag": 1},
    {**SEARCH, "search.over": "grid", "staleness.max_lag": 1},
    {"method": "structure", **DIGITS, "staleness.max_lag": 1},
    {**HOPPING, "hopping.temperature": 1.0, "tasks.parts": 1, "staleness.max_lag": 1},
    {**DESCENT, "descent.by": "weights", "staleness.max_lag": 1},
    {**DESCENT, "optimizer.rule": "quickprop", "staleness.max_lag": 1},
    {**DESCENT, "mode": "sync", "staleness.max_lag": 1},
    {**HOPPING, "hopping.temperature": 1.0},
    {**DESCENT, "optimizer.rule": "sgd", "optimizer.momentum": 0.9, "staleness.max_lag": 1},
    {"method": "policy_gradient", **POLE, "optimizer.rule": "rprop_plus"},
    {**DESCENT, "optimizer.rule": "rprop_plus", "descent.batch_rows": 32},
    {
        **AVERAGING,
        "averaging.local": "ott",
        "model.activation": "sigmoid",
        "model.output": "sigmoid",
        "model.bias": False,
    },
    {**AVERAGING, "optimizer.schedule": "linear"},
    {"method": "imitation", **POLE, "optimizer.schedule": "linear", "stop.steps": None},
    {**DESCENT, "optimizer.schedule": "linear", "stop.rounds": None},
    {**SEARCH, "search.draws": 3},
    {"method": "evolution", **DIGITS, "evolution.pairs": 3},
    {**DESCENT, "descent.by": "weights", "descent.batch_rows": 32},
    {**DESCENT, "descent.batch_rows": 3},
    {"method": "krylov", **DIGITS, "krylov.curvature": "hessian"},
    {**AVERAGING, "averaging.combine": "displacements", "averaging.init": "own"},
    {**AVERAGING, "averaging.local": "ott", "optimizer.rule": "sgd"},
    {**DESCENT, "model.output": "linear", "model.loss": "cross_entropy"},
    {"method": "imitation", **POLE, "policy.recurrent": "gru", "policy.shared": True},
    {"method": "evolution", **POLE, "env.normalize": True},
    {"method": "trpo", **POLE, "policy.network": "mine:Torso"},
    {"method": "trpo", **POLE, "policy.convolutions": "small"},
    {"method": "trpo", **POLE, "policy.layer_norm": True},
    {"method": "trpo", **POLE, "policy.sparse": True},
    {"method": "trpo", **POLE, "policy.binary": "sigmoid"},
    {"method": "trpo", **POLE, "policy.std": "state"},
    {"method": "imitation", **POLE, "imitation.clean": 0.99},
)
"""The same for the other methods' tables."""

LAG = {
    "policy_gradient": "yes, with a correction by choice",
    "imitation": "yes: rows of an older policy are rows like others",
    "evolution": "yes: the gradient of the version that was perturbed, late",
    "search": "`over: draws`: a point stays a point",
    "descent": "by rows, with adam, rmsprop, or sgd without momentum",
    "krylov": "no: one solve is of one version",
    "trpo": "no: one step is of one version",
    "hopping": "at temperature 0: a minimum stays one",
    "structure": "`barrier: none`: a candidate stays one",
    "averaging": "no: one mean is of one start",
}
"""What each method makes of results that older weights were used for."""

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


def methods() -> str:
    """Every method: what it is for, its own section, and how far its Players may be behind."""
    return table(("method", "on", "what it is", "bears lag"), map(_method, METHODS))


def _method(method: str) -> Sequence[str]:
    name = f"[{code(method)}](#{method})" if method != MAIN else code(method)
    target = (
        "an environment, or a table"
        if method in EITHER
        else "an environment"
        if method in PLAYS
        else "a table"
    )
    lead = (
        "The main method: sections `policy` and `trainer`." if method == MAIN else describe_sections()[method]
    )
    return name, target, lead, LAG[method]


def presets() -> str:
    """The presets of the main method, with what tells them apart."""
    titles = ("preset", "environment", "algorithm", "gradient", "correction", "stops at")
    configs = ((name, load(name).config) for name in preset_names())
    return table(titles, (_preset(name, config) for name, config in configs if config.method == MAIN))


def _preset(name: str, config: Config) -> Sequence[str]:
    algorithm = f"{config.trainer.algorithm} with {config.trainer.advantage}"
    goal = (
        "the environment's threshold"
        if config.stop.mean_return == "threshold"
        else show(config.stop.mean_return)
    )
    steps = f", or {config.stop.steps:,} steps" if config.stop.steps is not None else ""
    correction = config.staleness.correction
    return _link(name), config.env.id, algorithm, resolve_gradient(config), correction, f"{goal}{steps}"


def method_presets() -> str:
    """The presets of the other methods, with the line that each begins with."""
    configs = ((name, load(name).config) for name in preset_names())
    rows = (
        (_link(name), config.method, config.target, _first_line(name))
        for name, config in configs
        if config.method != MAIN
    )
    return table(("preset", "method", "on", "what it is"), rows)


def _first_line(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def _link(name: str) -> str:
    return f"[{code(name)}](../configs/{name}.yaml)"


def combinations() -> str:
    """What is refused: each rule by an example, with the message that the example gives."""
    return _refused(RULES, EXAMPLES)


def method_combinations() -> str:
    """The same, for the other methods."""
    return _refused((*TARGET_RULES, *METHOD_RULES), METHOD_EXAMPLES)


def _refused(rules: Sequence[Rule], examples: Sequence[Mapping[str, Any]]) -> str:
    titles = ("refused, for example", "expected", "why")
    return table(titles, (_rule(*pair) for pair in zip(rules, examples, strict=True)))


def _rule(rule: Rule, changes: Mapping[str, Any]) -> Sequence[str]:
    config = _config(changes)
    assert broken_rules(config) == [rule], f"the example {dict(changes)} should break {rule.key} alone"
    fault = fault_of(rule, config)
    settings = "<br>".join(code(f"{key}: {show(value_of(config, key)).strip(chr(39))}") for key in rule.keys)
    return settings, f"{code(rule.key)}: {fault.expected}", fault.hint


def _config(changes: Mapping[str, Any]) -> Config:
    plain: dict[str, Any] = (
        {} if {"env.id", "table.source"} & changes.keys() else {"env": {"id": "CartPole-v1"}}
    )
    for key, value in changes.items():
        section, _, field = key.rpartition(".")
        (plain.setdefault(section, {}) if section else plain)[field] = value
    return from_plain(plain)


def readers() -> str:
    """What not every method reads, and who does."""
    found: dict[str, list[str]] = {}
    for key, reader in READERS.items():
        if key not in OTHERS:
            found.setdefault(reader.to, []).append(
                code(key if "." in key or not _is_section(key) else f"{key}.*")
            )
    return table(("keys", "belong to"), ((", ".join(keys), to) for to, keys in found.items()))


def _is_section(name: str) -> bool:
    return name in describe_sections()


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
    "methods": methods,
    "presets": presets,
    "method-presets": method_presets,
    "combinations": combinations,
    "method-combinations": method_combinations,
    "readers": readers,
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
