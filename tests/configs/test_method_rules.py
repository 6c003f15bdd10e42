"""What the other methods need and what does not go together in them: each rule, and what is near it but allowed."""

from __future__ import annotations

from typing import Any

import pytest

from touchline.configs import Config, ConfigError, check, from_plain, load
from touchline.configs.combinations import RULES
from touchline.configs.judging import broken_rules
from touchline.configs.keys import keys
from touchline.configs.method_rules import EXACT, METHOD_RULES, MISSING, TARGET_RULES, is_otts
from touchline.configs.methods import FITS, METHODS
from touchline.configs.rules import Rule

ENV, TABLE = {"env.id": "X-v0"}, {"table.source": "xor"}
LAG = {"staleness__max_lag": 1}
OTTS = {
    "model__activation": "sigmoid",
    "model__output": "sigmoid",
    "model__bias": False,
    "optimizer__rule": "sgd",
}
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("descent", {"env__id": "X-v0"}, "table.source", "null with env.id"),
    ("search", {**ENV, "search__over": "activations"}, "search.over", "grid or draws with env.id"),
    (
        "search",
        {"search__over": "grid", "search__low": 2.0},
        "search.high",
        "a number above search.low (2.0)",
    ),
    *(
        (method, LAG, "staleness.max_lag", f"0 with method {method}")
        for method in ("krylov", "trpo", "averaging")
    ),
    ("search", {**LAG, "search__over": "grid"}, "staleness.max_lag", "0 with search.over grid"),
    ("search", {**LAG, "search__over": "activations"}, "staleness.max_lag", "0 with search.over activations"),
    ("structure", LAG, "staleness.max_lag", "0 with structure.barrier level"),
    (
        "hopping",
        {**LAG, "hopping__temperature": 1.0, "tasks__parts": 1},
        "staleness.max_lag",
        "0 with hopping.temperature above 0",
    ),
    ("descent", {**LAG, "descent__by": "weights"}, "staleness.max_lag", "0 with descent.by weights"),
    *(
        ("descent", {**LAG, "optimizer__rule": rule}, "staleness.max_lag", f"0 with optimizer.rule {rule}")
        for rule in EXACT
    ),
    *(
        (method, {**LAG, "mode": "sync"}, "staleness.max_lag", "0 with mode sync")
        for method in ("descent", "evolution", "search", "hopping", "imitation")
    ),
    ("krylov", {**LAG, "mode": "sync"}, "staleness.max_lag", "0 with method krylov"),
    ("hopping", {"hopping__temperature": 1.0}, "tasks.parts", "1 with hopping.temperature above 0"),
    *(
        (
            method,
            {**LAG, "optimizer__rule": "sgd", "optimizer__momentum": 0.9},
            "optimizer.momentum",
            "0 with staleness.max_lag above 0",
        )
        for method in ("descent", "evolution")
    ),
    *(
        (
            method,
            {"optimizer__rule": "quickprop"},
            "optimizer.rule",
            f"adam, rmsprop or sgd with method {method}",
        )
        for method in ("policy_gradient", "imitation", "evolution", "averaging")
    ),
    (
        "descent",
        {"optimizer__rule": "rprop_plus", "descent__batch_rows": 32},
        "optimizer.rule",
        "adam, rmsprop or sgd with descent.batch_rows",
    ),
    (
        "averaging",
        {**OTTS, "averaging__local": "ott", "optimizer__rule": "adam"},
        "optimizer.rule",
        "sgd with averaging.local ott",
    ),
    *(
        (method, {"optimizer__schedule": "linear"}, "optimizer.schedule", f"constant with method {method}")
        for method in ("structure", "averaging")
    ),
    (
        "search",
        {"optimizer__schedule": "linear", "search__over": "activations"},
        "optimizer.schedule",
        "constant with method search",
    ),
    (
        "imitation",
        {"optimizer__schedule": "linear", "stop__steps": None, "stop__rounds": 9},
        "stop.steps",
        "a number of steps with optimizer.schedule linear",
    ),
    (
        "evolution",
        {**ENV, "optimizer__schedule": "linear", "stop__steps": None},
        "stop.steps",
        "a number of steps with optimizer.schedule linear",
    ),
    *(
        (
            method,
            {"optimizer__schedule": "linear", "stop__rounds": None},
            "stop.rounds",
            "a number of rounds, or stop.evaluations, with optimizer.schedule linear",
        )
        for method in ("descent", "evolution")
    ),
    ("search", {"search__draws": 3}, "search.draws", "at least tasks.parts (4)"),
    ("evolution", {"evolution__pairs": 3}, "evolution.pairs", "at least tasks.parts (4)"),
    (
        "descent",
        {"descent__by": "weights", "descent__batch_rows": 32},
        "descent.batch_rows",
        "null with descent.by weights",
    ),
    ("descent", {"descent__batch_rows": 3}, "descent.batch_rows", "at least tasks.parts (4)"),
    (
        "krylov",
        {"krylov__curvature": "hessian"},
        "krylov.solver",
        "minres with krylov.curvature hessian",
    ),
    (
        "averaging",
        {"averaging__combine": "displacements", "averaging__init": "own"},
        "averaging.init",
        "shared with averaging.combine displacements",
    ),
    (
        "averaging",
        {"averaging__local": "ott", "optimizer__rule": "sgd"},
        "averaging.local",
        "epochs, or ott with model: {hidden: [128], activation: sigmoid, output: sigmoid, loss: squared, "
        "bias: false}, of any one size",
    ),
    (
        "descent",
        {"model__output": "linear", "model__loss": "cross_entropy"},
        "model.loss",
        "squared or auto with model.output linear",
    ),
    *(
        (
            method,
            {"policy__recurrent": "gru", "policy__shared": True},
            "policy.recurrent",
            f"none with method {method}",
        )
        for method in ("imitation", "trpo")
    ),
    *(
        (method, {**ENV, "env__normalize": True}, "env.normalize", f"false with method {method}")
        for method in ("imitation", "trpo", "evolution", "search")
    ),
    *(
        ("trpo", {key.replace(".", "__"): value}, key, f"{plain} with method trpo")
        for key, value, plain in (
            ("policy.network", "mine:Torso", "null"),
            ("policy.convolutions", "small", "[]"),
            ("policy.layer_norm", True, "false"),
            ("policy.sparse", True, "false"),
            ("policy.binary", "sigmoid", "softmax"),
            ("policy.std", "state", "independent"),
        )
    ),
    ("imitation", {"imitation__clean": 0.99}, "imitation.clean", "at most imitation.take (0.95)"),
]


def config(method: str, changes: dict[str, Any]) -> Config:
    """The method over its kind of target, a table where it has both, with changes; ``__`` stands for the dot."""
    changes = {name.replace("__", "."): value for name, value in changes.items()}
    plays = method in {"policy_gradient", "imitation", "trpo"}
    target = {} if changes.keys() >= ENV.keys() and method not in FITS else ENV if plays else TABLE
    plain: dict[str, Any] = {"method": method}
    for name, value in {**target, **changes}.items():
        section, _, field = name.rpartition(".")
        (plain.setdefault(section, {}) if section else plain)[field] = value
    return from_plain(plain)


def refused(made: Config) -> list[tuple[str, str | None]]:
    return [(fault.key, fault.expected) for fault in check(made)]


@pytest.mark.parametrize(("method", "changes", "key", "expected"), CASES)
def test_what_makes_no_sense_is_refused_once_with_what_would(
    method: str, changes: dict[str, Any], key: str, expected: str
) -> None:
    assert refused(config(method, changes)) == [(key, expected)]


@pytest.mark.parametrize("method", METHODS)
def test_a_method_needs_its_kind_of_target(method: str) -> None:
    other = {"env": {"id": "X-v0"}} if method in FITS else {"table": {"source": "xor"}}
    made = from_plain({"method": method, **other})
    if method in {"search", "evolution"}:
        assert refused(made) == []
        return
    (fault,) = check(made)
    assert fault.key == "method"
    assert str(fault.expected).endswith("with env.id" if method in FITS else "with table.source")
    assert method not in str(fault.expected)
    assert fault.hint.startswith(method)


def test_every_rule_is_broken_by_some_test_above() -> None:
    targets = [{"method": "descent", "env": {"id": "X-v0"}}, {"table": {"source": "xor"}}]
    made = [config(method, changes) for method, changes, *_ in CASES] + [from_plain(each) for each in targets]
    broken = [rule for each in made for rule in broken_rules(each)]
    assert [rule for rule in (*TARGET_RULES, *METHOD_RULES) if rule not in broken] == []


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("search", LAG),
        ("search", {**ENV, **LAG}),
        ("search", {"search__over": "activations", "optimizer__rule": "irprop_plus"}),
        ("search", {"search__low": 3.0}),  # draws do not read it
        ("evolution", LAG),
        ("evolution", {**ENV, **LAG, "policy__recurrent": "gru", "policy__shared": True}),
        ("evolution", {**ENV, "policy__recurrent": "gru", "policy__shared": False}),  # one memory: no value
        ("descent", {"mode": "sync"}),
        ("descent", {**LAG, "mode": "serial"}),
        ("evolution", {"optimizer__rule": "sgd", "optimizer__momentum": 0.9}),
        ("imitation", {**LAG, "optimizer__rule": "sgd", "optimizer__momentum": 0.9}),
        ("imitation", {"imitation__clean": 0.95}),
        ("structure", {**LAG, "structure__barrier": "none"}),
        ("structure", {"optimizer__rule": "rprop_minus"}),
        ("hopping", LAG),
        ("hopping", {"hopping__temperature": 1.0, "tasks__parts": 1}),
        ("descent", LAG),
        ("descent", {**LAG, "optimizer__rule": "sgd", "descent__batch_rows": 32}),
        ("descent", {"optimizer__rule": "sgd", "optimizer__momentum": 0.9}),
        ("descent", {"optimizer__rule": "quickprop", "descent__by": "weights", "descent__how": "numeric"}),
        ("descent", {"descent__batch_rows": 4}),
        ("descent", {"model__output": "softmax", "model__loss": "squared"}),
        ("descent", {"model__output": "sigmoid", "model__loss": "cross_entropy"}),
        ("descent", {"optimizer__schedule": "linear"}),
        ("descent", {"optimizer__schedule": "linear", "stop__rounds": None, "stop__evaluations": 9}),
        ("evolution", {**ENV, "optimizer__schedule": "linear", "stop__steps": None, "stop__rounds": 9}),
        ("imitation", {"optimizer__schedule": "linear"}),
        ("search", {"search__draws": 4}),
        ("search", {"search__draws": 3, "search__over": "grid"}),
        ("evolution", {"evolution__pairs": 4}),
        ("krylov", {"krylov__solver": "minres"}),
        ("krylov", {"krylov__solver": "minres", "krylov__curvature": "hessian"}),
        ("averaging", {**OTTS, "averaging__local": "ott", "averaging__init": "own"}),
        ("averaging", {**OTTS, "averaging__local": "ott", "optimizer__momentum": 0.9}),
        ("averaging", {"averaging__combine": "displacements", "averaging__rounds": 3}),
        ("averaging", {"averaging__combine": "sum", "averaging__init": "own"}),
    ],
)
def test_what_makes_sense_is_allowed(method: str, changes: dict[str, Any]) -> None:
    assert refused(config(method, changes)) == []


@pytest.mark.parametrize("method", METHODS)
def test_the_main_methods_table_judges_no_other_method(method: str) -> None:
    """Their defaults would break it: a2c's keys beside another method are nobody's."""
    made = from_plain(
        {
            "method": method,
            "env": {"id": "X-v0"} if method not in FITS else {},
            "table": {"source": "xor"} if method in FITS else {},
            "trainer": {"algorithm": "a2c"},
        }
    )
    main = [rule for rule in broken_rules(made) if rule in RULES]
    assert bool(main) is (method == "policy_gradient")


@pytest.mark.parametrize("method", ["descent", "trpo"])
def test_what_holds_of_every_run_holds_with_every_method(method: str) -> None:
    made = config(method, {"net__dead": 0.5, "log__tensorboard": True, "mode": "sync", "staleness__ahead": 1})
    assert [fault.key for fault in check(made)] == ["staleness.ahead", "net.dead", "log.tensorboard"]


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (
            [],
            "env.id: missing, expected an environment id, such as CartPole-v1. "
            "Set it in the file or with --env.id",
        ),
        (
            [("method", "descent")],
            "table.source: missing, expected a built-in table, such as digits, or a path, with method descent. "
            "Set it in the file or with --table.source",
        ),
        (
            [("method", "search")],
            "env.id: missing, expected an environment id, such as CartPole-v1, or a table.source, "
            "with method search. Set one of them in the file or with --env.id or --table.source",
        ),
        (
            [("table.source", "xor")],
            "--table.source: method: expected descent, krylov, hopping, structure, averaging, evolution or search "
            "with table.source, found 'policy_gradient'. "
            "policy_gradient plays an environment: give it env.id instead",
        ),
    ],
)
def test_a_run_without_its_target_is_told_what_is_missing(flags: list[tuple[str, str]], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, flags)
    assert str(caught.value).splitlines() == [line]


def test_a_peers_config_without_a_target_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^table\.source: missing"):
        from_plain({"method": "krylov"})


def test_a_faulty_target_is_not_also_missing() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, [("method", "descent"), ("table.source", "5")])
    assert [fault.found for fault in caught.value.faults] == ["5"]


@pytest.mark.parametrize(
    ("changes", "is_one"),
    [
        ({}, True),
        ({"model__hidden": [128]}, True),
        ({"model__loss": "squared"}, True),
        ({"model__loss": "cross_entropy"}, False),
        ({"model__hidden": [8, 8]}, False),
        ({"model__bias": True}, False),
        ({"model__output": "auto"}, False),
        ({"model__activation": "tanh"}, False),
    ],
)
def test_the_form_of_document_004_is_one_hidden_layer_of_sigmoids(
    changes: dict[str, Any], is_one: bool
) -> None:
    assert is_otts(config("averaging", {**OTTS, **changes})) is is_one


@pytest.mark.parametrize(
    "rule", [*MISSING, *TARGET_RULES, *METHOD_RULES], ids=lambda rule: f"{rule.key} {rule.expected[:20]}"
)
def test_a_rule_names_keys_that_exist_and_reads_as_a_sentence(rule: Rule) -> None:
    assert set(rule.keys) <= set(keys())
    assert not rule.reason.endswith(".")
    made = config("descent", {})
    assert "{c." not in rule.expected.format(c=made) + rule.reason.format(c=made)
