"""Which keys each method reads, and that no other is set: a value without effect would mislead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, get_args

from touchline.configs.keys import keys
from touchline.configs.rules import Rule, value_of
from touchline.configs.schema import Config, Method

MAIN = "policy_gradient"
PLAYS = (MAIN, "imitation", "trpo")  # need an environment
FITS = ("descent", "krylov", "hopping", "structure", "averaging")  # need a table
EITHER = ("evolution", "search")
METHODS: tuple[str, ...] = get_args(Method)
OTHERS = tuple(method for method in METHODS if method != MAIN)


def bounds_lag(config: Config) -> bool:
    """Whether a result can be too old. A structure without a barrier takes each one, whenever it comes."""
    return config.method != "structure" or config.structure.barrier != "none"


class Use(NamedTuple):
    """What decides which keys a run reads."""

    method: str
    played: bool  # an environment is named
    fitted: bool  # a table is named
    over: str = ""  # search.over

    @staticmethod
    def of(config: Config) -> Use:
        return Use(config.method, bool(config.env.id), config.table.source is not None, config.search.over)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a key. ``without`` says, as a format over the config ``c``, where there is nobody to."""

    to: str
    without: str
    reads: Callable[[Use], bool]


def _of(*methods: str) -> Reader:
    *first, last = methods
    to = f"method {', '.join(first)} or {last}" if first else f"method {last}"
    return Reader(to, "method {c.method}", lambda use: use.method in methods)


PLAYED = Reader("an environment", "a table", lambda use: not use.fitted)
FITTED = Reader("a table", "an environment", lambda use: not use.played)
ALL_OTHERS = Reader(f"every method but {MAIN}", "method {c.method}", lambda use: use.method != MAIN)
STEPS = Reader(
    "methods that step by a rule",
    "method {c.method}",
    lambda use: (
        use.method in {MAIN, "imitation", "evolution", "descent", "structure", "averaging"}
        or (use.method == "search" and use.over == "activations")
    ),
)

# By key, else by section; what is not here is read by every method.
READERS: dict[str, Reader] = {
    "env": PLAYED,
    "policy": PLAYED,
    "players.lanes": PLAYED,
    "players.unroll_length": _of(MAIN),
    "trainer": _of(MAIN),
    "trainer.gamma": _of(MAIN, "trpo"),
    "trainer.gae_lambda": _of(MAIN, "trpo"),
    "eval": _of(MAIN),
    "eval.episodes": Reader(
        "methods policy_gradient, trpo, evolution and search in an environment",
        "method {c.method}",
        lambda use: use.played and use.method in {MAIN, "trpo", *EITHER},
    ),
    "staleness.correction": _of(MAIN),
    "staleness.inject": _of(MAIN),
    "stop.mean_return": PLAYED,
    "stop.over_episodes": PLAYED,
    "stop.steps": PLAYED,
    "stop.error": FITTED,
    "stop.evaluations": FITTED,
    "stop.rounds": ALL_OTHERS,
    "table": FITTED,
    "table.test_every": ALL_OTHERS,
    "model": FITTED,
    "tasks": ALL_OTHERS,
    "optimizer": STEPS,
    "evolution.episodes": Reader(
        "methods evolution and search",
        "method {c.method}",
        lambda use: use.method == "evolution" or (use.method == "search" and use.played),
    ),
    **{method: _of(method) for method in OTHERS},
}

# The key that says the same of the other kind of target.
INSTEAD = {
    "policy.hidden": "model.hidden",
    "policy.activation": "model.activation",
    "policy.bias": "model.bias",
    "policy.initialization": "model.initialization",
    "stop.steps": "stop.evaluations",
    "stop.mean_return": "stop.error",
}
INSTEAD |= {there: here for here, there in INSTEAD.items()}


def reader_of(key: str) -> Reader | None:
    """Who reads the key; None: every method."""
    return READERS.get(key) or READERS.get(key.partition(".")[0])


def reads(method: str, key: str) -> bool:
    """Whether the method reads the key, over some target and with some choice of its own."""
    reader = reader_of(key)
    return reader is None or any(reader.reads(use) for use in _uses(method))


def is_idle(config: Config, key: str) -> bool:
    """Whether nothing in the config's run reads the key, and it is as it is by default."""
    reader = reader_of(key)
    return reader is not None and not reader.reads(Use.of(config)) and not is_set(config, key)


def misplaced() -> tuple[Rule, ...]:
    """One rule a key that not everyone reads: it must be as it is by default where nobody does."""
    return _misplaced()


@cache
def _misplaced() -> tuple[Rule, ...]:
    read = [(key, reader_of(key)) for key in keys()]
    return tuple(_rule(key, reader) for key, reader in read if reader is not None)


def _rule(key: str, reader: Reader) -> Rule:
    def broken(config: Config) -> bool:
        return not reader.reads(Use.of(config)) and is_set(config, key)

    target = reader in (PLAYED, FITTED)
    instead = f"; {reader.without} has {INSTEAD[key]}" if target and key in INSTEAD else ""
    involves = ("method", "env.id" if reader is FITTED else "table.source") if target else ("method",)
    return Rule(
        key, involves, broken, f"nothing with {reader.without}", f"It belongs to {reader.to}{instead}"
    )


def is_set(config: Config, key: str) -> bool:
    """Whether the key's value is another than what it is by default with this method and target."""
    return value_of(config, key) != value_of(
        defaults(config.method, on_table=config.table.source is not None), key
    )


@cache
def defaults(method: str, *, on_table: bool) -> Config:
    """What every key is unless it is set; the target is a name that stands for any."""
    target = {"table": {"source": "any"}} if on_table else {"env": {"id": "any"}}
    return Config.model_validate({"method": method, **target})


def _uses(method: str) -> tuple[Use, ...]:
    """Each way to use the method: over either kind of target that it has, and whatever it searches over."""
    played = Use(method, played=True, fitted=False)
    fitted = Use(method, played=False, fitted=True, over="activations")
    return (*([played] if method not in FITS else []), *([fitted] if method not in PLAYS else []))
