"""Which keys each method reads: one that nobody does is refused, with its place and whose it is."""

from __future__ import annotations

from typing import Any

import pytest

from touchline.configs import Config, ConfigError, check, from_plain, load
from touchline.configs.keys import keys, sections
from touchline.configs.methods import (
    EITHER,
    FITS,
    INSTEAD,
    MAIN,
    METHODS,
    OTHERS,
    PLAYS,
    READERS,
    is_idle,
    is_set,
    misplaced,
    reads,
)

ENV = {"env.id": "X-v0"}
TABLE = {"table.source": "xor"}


def config(method: str, **changes: Any) -> Config:
    """The method over its kind of target, with changes; ``__`` stands for the dot."""
    plain: dict[str, Any] = {"method": method}
    for name, value in {**(TABLE if method in FITS else ENV), **changes}.items():
        section, _, field = name.replace("__", ".").rpartition(".")
        (plain.setdefault(section, {}) if section else plain)[field] = value
    return from_plain(plain)


def over_table(method: str, **changes: Any) -> Config:
    return config(method, **{"env__id": "", "table__source": "xor", **changes})


def refused(made: Config) -> list[tuple[str, str | None, str]]:
    return [(fault.key, fault.expected, fault.hint) for fault in check(made)]


def faults(flags: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(None, list(flags.items()))
    return str(caught.value).splitlines()


def test_each_method_is_of_one_kind() -> None:
    assert sorted((*PLAYS, *FITS, *EITHER)) == sorted(METHODS)
    assert (MAIN, *OTHERS) == METHODS


@pytest.mark.parametrize("method", METHODS)
def test_a_method_with_its_target_alone_is_sound(method: str) -> None:
    assert check(config(method)) == []
    if method in EITHER:
        assert check(over_table(method)) == []


@pytest.mark.parametrize("method", OTHERS)
def test_a_method_has_a_section_of_its_name_which_it_alone_reads(method: str) -> None:
    assert method in sections()
    for key in (key for key in keys() if key.startswith(f"{method}.") and key != "evolution.episodes"):
        assert [each for each in METHODS if reads(each, key)] == [method], key


def test_what_is_said_of_readers_is_of_keys_and_sections_that_exist() -> None:
    assert set(READERS) <= {*keys(), *sections()}
    assert {*INSTEAD, *INSTEAD.values()} <= set(keys())


@pytest.mark.parametrize(
    ("made", "key", "expected", "hint"),
    [
        (
            config("descent", search__radius=0.3),
            "search.radius",
            "nothing with method descent",
            "It belongs to method search",
        ),
        (
            config("descent", trainer__epochs=1),
            "trainer.epochs",
            "nothing with method descent",
            "It belongs to method policy_gradient",
        ),
        (
            config("krylov", trainer__gamma=0.9),
            "trainer.gamma",
            "nothing with method krylov",
            "It belongs to method policy_gradient or trpo",
        ),
        (
            config("descent", policy__hidden=[8]),
            "policy.hidden",
            "nothing with a table",
            "It belongs to an environment; a table has model.hidden",
        ),
        (
            config(MAIN, model__hidden=[8]),
            "model.hidden",
            "nothing with an environment",
            "It belongs to a table; an environment has policy.hidden",
        ),
        (
            config(MAIN, tasks__parts=2),
            "tasks.parts",
            "nothing with method policy_gradient",
            "It belongs to every method but policy_gradient",
        ),
        (
            over_table("search", optimizer__learning_rate=0.5),
            "optimizer.learning_rate",
            "nothing with method search",
            "It belongs to methods that step by a rule",
        ),
        (
            over_table("search", evolution__episodes=3),
            "evolution.episodes",
            "nothing with method search",
            "It belongs to methods evolution and search",
        ),
        (
            config("descent", stop__steps=5),
            "stop.steps",
            "nothing with a table",
            "It belongs to an environment; a table has stop.evaluations",
        ),
        (
            config("trpo", stop__error=0.5),
            "stop.error",
            "nothing with an environment",
            "It belongs to a table; an environment has stop.mean_return",
        ),
        (
            config("imitation", players__unroll_length="episode"),
            "players.unroll_length",
            "nothing with method imitation",
            "It belongs to method policy_gradient",
        ),
        (
            config("averaging", players__lanes=4),
            "players.lanes",
            "nothing with a table",
            "It belongs to an environment",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_key_that_nobody_reads_is_refused(made: Config, key: str, expected: str, hint: str) -> None:
    assert refused(made) == [(key, expected, hint)]


@pytest.mark.parametrize("key", ["eval__every", "staleness__inject", "stop__minutes"])
def test_what_the_main_method_has_is_refused_with_the_others_and_what_all_have_is_not(key: str) -> None:
    named = [fault[0] for fault in refused(config("evolution", **{key: 3}))]
    assert named == ([] if key == "stop__minutes" else [key.replace("__", ".")])


@pytest.mark.parametrize(
    "made",
    [
        config("trpo", trainer__gamma=0.9),
        config("search", evolution__episodes=3),
        config("evolution", table__test_every=3),
        config("evolution", eval__episodes=3),
        over_table("search", search__over="activations", optimizer__learning_rate=0.5),
        config("descent", search__radius=0.1),
    ],
)
def test_what_is_read_or_as_it_is_by_default_may_be_set(made: Config) -> None:
    """A file that says of every key what it would be anyway is no mistake."""
    assert check(made) == []


def test_a_key_that_nobody_reads_is_faulted_at_its_place() -> None:
    flags = {"method": "descent", "table.source": "xor", "search.radius": "0.3"}
    assert faults(flags) == [
        "--search.radius: expected nothing with method descent, found 0.3. It belongs to method search"
    ]


def test_nothing_is_said_of_whose_a_key_is_while_the_method_is_no_method() -> None:
    (line,) = faults({"method": "decent", "table.source": "xor", "descent.how": "numeric"})
    assert line.startswith("--method: expected policy_gradient, imitation, ")


def test_each_rule_is_of_one_key_and_decided_by_method_or_target() -> None:
    rules = misplaced()
    assert len({rule.key for rule in rules}) == len(rules)
    assert all({"env.id", "table.source", "method"} & set(rule.involves) for rule in rules)
    assert all(rule.reason.startswith("It belongs to ") for rule in rules)


def test_a_value_is_set_where_it_differs_from_what_the_method_would_have() -> None:
    assert not is_set(config("descent"), "stop.rounds")
    assert is_set(config("descent", stop__rounds=3), "stop.rounds")
    assert is_set(config("descent", staleness__max_lag=2), "staleness.max_lag")
    assert not is_set(config(MAIN, staleness__max_lag=2), "staleness.max_lag")


def test_what_is_idle_is_neither_read_nor_set() -> None:
    assert is_idle(config("descent"), "search.radius")
    assert not is_idle(config("descent", search__radius=0.3), "search.radius")
    assert not is_idle(config("descent"), "descent.by")
    assert not is_idle(config("descent"), "seed")
