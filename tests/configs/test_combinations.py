"""The table of combinations: what is refused, why, and that what is not refused holds together."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import pytest

from touchline.configs import Config, check, from_plain, resolve_gradient
from touchline.configs.combinations import RULES, is_invariant, splits
from touchline.configs.judging import broken_rules
from touchline.configs.keys import keys
from touchline.configs.rules import Rule
from touchline.configs.schema import Advantage, Algorithm, Correction, Gradient

# One sound config of each algorithm, as dotted keys; a test states only how it differs.
SOUND: dict[str, dict[str, Any]] = {
    "ppo": {},
    "a2c": {
        "trainer.algorithm": "a2c",
        "trainer.epochs": 1,
        "trainer.minibatch_steps": None,
        "staleness.correction": "none",
    },
    "reinforce": {
        "trainer.algorithm": "reinforce",
        "trainer.advantage": "monte_carlo",
        "trainer.epochs": 1,
        "trainer.minibatch_steps": None,
        "staleness.correction": "none",
        "players.unroll_length": "episode",
    },
}
VTRACE = {"trainer.advantage": "vtrace", "staleness.correction": "vtrace"}


def config(algorithm: str, **changes: Any) -> Config:
    """A sound config of the algorithm with changes; ``__`` stands for the dot."""
    plain: dict[str, Any] = {"env": {"id": "X-v0"}}
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    for name, value in {**SOUND[algorithm], **dotted}.items():
        section, _, field = name.rpartition(".")
        (plain.setdefault(section, {}) if section else plain)[field] = value
    return from_plain(plain)


def refused(algorithm: str, **changes: Any) -> list[tuple[str, str | None]]:
    return [(fault.key, fault.expected) for fault in check(config(algorithm, **changes))]


@pytest.mark.parametrize("algorithm", SOUND)
def test_the_sound_configs_are_sound(algorithm: str) -> None:
    assert check(config(algorithm)) == []


@pytest.mark.parametrize(
    ("algorithm", "changes"),
    [
        ("ppo", {"trainer__gradient": "recompute"}),
        ("ppo", {"trainer__epochs": 1, "trainer__minibatch_steps": None}),
        ("ppo", {"trainer__advantage": "n_step"}),
        ("ppo", {"trainer__advantage": "monte_carlo", "players__unroll_length": "episode"}),
        ("ppo", {"mode": "sync", "trainer__normalize_advantage": "center"}),
        ("ppo", {"staleness__ahead": 3}),
        ("ppo", {"optimizer__schedule": "linear", "trainer__clip_schedule": "linear"}),
        ("ppo", {"optimizer__momentum": 0.9}),  # adam does not read it
        ("ppo", {"eval__every": 60.0}),
        ("ppo", {"policy__recurrent": "gru", "policy__shared": True}),
        ("ppo", {"policy__recurrent": "gru", "policy__shared": True, "trainer__minibatch_steps": None}),
        ("ppo", {"policy__network": "mine:Torso"}),
        ("ppo", {"mode": "serial", "staleness__max_lag": 8, "staleness__inject": [0, 8]}),
        ("ppo", {"mode": "serial", "staleness__inject": "runs/7"}),
        ("reinforce", {"policy__value": False, "trainer__batch_episodes": 10}),
        ("reinforce", {"mode": "serial", "trainer__batch_episodes": 10, "players__lanes": 3}),
        ("reinforce", {"mode": "sync", "trainer__batch_episodes": 10, "players__lanes": 8}),
        ("reinforce", {"trainer__normalize_advantage": "center_episode", "trainer__return_resets": "reward"}),
        ("a2c", {"trainer__gradient": "reuse"}),
        ("a2c", {"trainer__gradient": "live"}),
        ("a2c", {"trainer__gradient": "recompute"}),
        ("a2c", {"trainer__gradient": "reuse", "trainer__value_head": "snapshot"}),
        ("a2c", {"trainer__gradient": "live", "trainer__value_head": "snapshot"}),
        ("a2c", {"trainer__value_head": "snapshot"}),
        ("reinforce", {"policy__value": False, "trainer__value_head": "snapshot"}),
        (
            "ppo",
            {
                "trainer__batch_episodes": 10,
                "trainer__batch_steps": 100,
                "players__unroll_length": "episode",
            },
        ),
        ("a2c", {"staleness__correction": "importance"}),
        ("a2c", {"staleness__correction": "truncated", "trainer__gradient": "recompute"}),
        ("a2c", {"staleness__correction": "centred", "trainer__normalize_advantage": "center"}),
        ("a2c", {"trainer__advantage": "vtrace", "staleness__correction": "vtrace"}),
        ("a2c", {"trainer__minibatch_steps": 2048}),
        ("a2c", {"trainer__minibatch_steps": 5000}),
        ("a2c", {"trainer__gradient": "reuse", "trainer__normalize_advantage": "center"}),
        ("a2c", {"mode": "serial", "optimizer__rule": "sgd", "optimizer__momentum": 0.9}),
        ("reinforce", {"trainer__gradient": "reuse", "staleness__on_excess": "hold"}),
        ("reinforce", {"staleness__correction": "importance"}),
        ("reinforce", {"staleness__correction": "centred"}),
    ],
)
def test_what_makes_sense_is_allowed(algorithm: str, changes: dict[str, Any]) -> None:
    assert check(config(algorithm, **changes)) == []


@pytest.mark.parametrize(
    ("algorithm", "changes", "key", "expected"),
    [
        (
            "a2c",
            {"trainer__gradient": "reuse", "staleness__correction": "importance"},
            "trainer.gradient",
            "recompute or auto with staleness.correction importance",
        ),
        (
            "a2c",
            {"trainer__gradient": "live", "staleness__correction": "centred"},
            "trainer.gradient",
            "recompute or auto with staleness.correction centred",
        ),
        (
            "a2c",
            {
                "trainer__gradient": "reuse",
                "trainer__advantage": "vtrace",
                "staleness__correction": "vtrace",
            },
            "trainer.gradient",
            "recompute or auto with staleness.correction vtrace",
        ),
        (
            "ppo",
            {"trainer__gradient": "reuse"},
            "trainer.gradient",
            "recompute or auto with trainer.algorithm ppo",
        ),
        (
            "ppo",
            {"staleness__correction": "none"},
            "staleness.correction",
            "clip with trainer.algorithm ppo",
        ),
        (
            "a2c",
            {"staleness__correction": "clip"},
            "staleness.correction",
            "none, importance, truncated or centred with trainer.algorithm a2c",
        ),
        ("a2c", {"trainer__epochs": 2}, "trainer.epochs", "1 with trainer.algorithm a2c"),
        (
            "a2c",
            {"trainer__minibatch_steps": 512},
            "trainer.minibatch_steps",
            "null or at least trainer.batch_steps (2048) with trainer.algorithm a2c",
        ),
        (
            "a2c",
            {"trainer__advantage": "vtrace"},
            "staleness.correction",
            "vtrace with trainer.advantage vtrace",
        ),
        (
            "a2c",
            {
                "trainer__minibatch_steps": 4096,
                "trainer__batch_episodes": 10,
                "players__unroll_length": "episode",
            },
            "trainer.minibatch_steps",
            "null with trainer.batch_episodes and trainer.algorithm a2c",
        ),
        (
            "ppo",
            {"trainer__value_head": "snapshot"},
            "trainer.value_head",
            "live with a recomputed forward pass",
        ),
        (
            "a2c",
            {"trainer__value_head": "snapshot", "staleness__correction": "centred"},
            "trainer.value_head",
            "live with a recomputed forward pass",
        ),
        (
            "a2c",
            {"trainer__value_head": "snapshot", "trainer__gradient": "recompute"},
            "trainer.value_head",
            "live with a recomputed forward pass",
        ),
        (
            "a2c",
            {"staleness__correction": "vtrace"},
            "trainer.advantage",
            "vtrace with staleness.correction vtrace",
        ),
        (
            "ppo",
            {"trainer__advantage": "vtrace", "staleness__correction": "vtrace"},
            "trainer.algorithm",
            "a2c with vtrace",
        ),
        (
            "reinforce",
            {"trainer__advantage": "gae"},
            "trainer.advantage",
            "monte_carlo with trainer.algorithm reinforce",
        ),
        (
            "reinforce",
            {"players__unroll_length": 128},
            "players.unroll_length",
            "episode with trainer.advantage monte_carlo",
        ),
        (
            "a2c",
            {"optimizer__rule": "sgd", "optimizer__momentum": 0.5},
            "optimizer.momentum",
            "0 with mode async",
        ),
        (
            "ppo",
            {"trainer__normalize_advantage": "center"},
            "trainer.normalize_advantage",
            "scale or none with mode async and staleness.correction clip",
        ),
        (
            "a2c",
            {"trainer__normalize_advantage": "center", "trainer__gradient": "recompute"},
            "trainer.normalize_advantage",
            "scale or none with mode async and staleness.correction none",
        ),
        (
            "a2c",
            {"trainer__normalize_advantage": "center", "staleness__correction": "truncated"},
            "trainer.normalize_advantage",
            "scale or none with mode async and staleness.correction truncated",
        ),
        (
            "ppo",
            {"staleness__on_excess": "hold", "staleness__max_lag": 0},
            "staleness.max_lag",
            "at least 1 with staleness.on_excess hold and mode async",
        ),
        ("ppo", {"mode": "sync", "staleness__ahead": 1}, "staleness.ahead", "0 with mode sync"),
        ("ppo", {"mode": "serial", "staleness__ahead": 1}, "staleness.ahead", "0 with mode serial"),
        (
            "ppo",
            {"optimizer__schedule": "linear", "stop__steps": None},
            "stop.steps",
            "a number of steps with optimizer.schedule linear",
        ),
        (
            "ppo",
            {"trainer__clip_schedule": "linear", "stop__steps": None},
            "stop.steps",
            "a number of steps with trainer.clip_schedule linear",
        ),
        (
            "ppo",
            {"net__dead": 0.6},
            "net.dead",
            "at least twice net.heartbeat (0.5 seconds)",
        ),
        ("ppo", {"policy__recurrent": "gru"}, "policy.shared", "true with policy.recurrent gru"),
        (
            "ppo",
            {"policy__recurrent": "lstm", "policy__shared": True, "trainer__minibatch_steps": 500},
            "trainer.minibatch_steps",
            "null, or a multiple of players.unroll_length (128) with policy.recurrent lstm",
        ),
        (
            "ppo",
            {"policy__recurrent": "gru", "policy__shared": True, "players__unroll_length": "episode"},
            "trainer.minibatch_steps",
            "null with policy.recurrent gru and whole episodes (players.unroll_length: episode)",
        ),
        (
            "ppo",
            {"policy__network": "mine:Torso", "policy__convolutions": "small"},
            "policy.network",
            "null with policy.convolutions, policy.layer_norm or policy.sparse",
        ),
        (
            "ppo",
            {"policy__network": "mine:Torso", "policy__layer_norm": True},
            "policy.network",
            "null with policy.convolutions, policy.layer_norm or policy.sparse",
        ),
        (
            "ppo",
            {"policy__sparse": True, "env__normalize": True},
            "policy.sparse",
            "false with policy.convolutions or env.normalize",
        ),
        ("ppo", {"policy__value": False}, "trainer.advantage", "monte_carlo with policy.value false"),
        (
            "ppo",
            {"trainer__batch_episodes": 10},
            "players.unroll_length",
            "episode with trainer.batch_episodes",
        ),
        (
            "ppo",
            {"mode": "sync", "trainer__normalize_advantage": "center_episode"},
            "trainer.normalize_advantage",
            "scale, center or none with players.unroll_length 128",
        ),
        (
            "ppo",
            {"trainer__return_resets": "reward"},
            "trainer.return_resets",
            "episode with trainer.advantage gae",
        ),
        ("ppo", {"staleness__inject": 4}, "staleness.inject", "null with mode async"),
        (
            "ppo",
            {"mode": "serial", "staleness__inject": [2, 9]},
            "staleness.inject",
            "at most staleness.max_lag (2)",
        ),
        ("ppo", {"log__tensorboard": True}, "log.tensorboard", "false"),
    ],
)
def test_what_makes_no_sense_is_refused_once_with_what_would(
    algorithm: str, changes: dict[str, Any], key: str, expected: str
) -> None:
    assert refused(algorithm, **changes) == [(key, expected)]


def test_a_refusal_says_what_was_found_and_why() -> None:
    (fault,) = check(config("a2c", trainer__epochs=3))
    assert fault.found == "3"
    assert "one step a batch" in fault.hint
    assert str(fault).startswith("trainer.epochs: expected 1 with trainer.algorithm a2c, found 3. ")


def test_every_rule_is_broken_by_some_test_above() -> None:
    cases = test_what_makes_no_sense_is_refused_once_with_what_would.pytestmark[0].args[1]
    broken = [rule for algorithm, changes, *_ in cases for rule in broken_rules(config(algorithm, **changes))]
    assert [rule for rule in RULES if rule not in broken] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.key} {rule.expected[:20]}")
def test_a_rule_names_keys_that_exist_and_reads_as_a_sentence(rule: Rule) -> None:
    assert set(rule.keys) <= set(keys())
    assert rule.reason[0].isupper()
    assert not rule.reason.endswith(".")
    for written in (rule.expected.format(c=config("ppo")), rule.reason.format(c=config("ppo"))):
        assert "{" not in written


@pytest.mark.parametrize(
    ("algorithm", "changes", "gradient"),
    [
        ("ppo", {}, "recompute"),
        ("ppo", {"trainer__epochs": 1, "trainer__minibatch_steps": None}, "recompute"),
        ("a2c", {}, "reuse"),
        ("a2c", {"staleness__correction": "importance"}, "recompute"),
        ("a2c", {"trainer__gradient": "live"}, "live"),
        ("a2c", {"trainer__gradient": "recompute"}, "recompute"),
        ("a2c", {"trainer__minibatch_steps": 100_000}, "reuse"),
        ("a2c", {"trainer__minibatch_steps": 512}, "recompute"),
        ("a2c", {"trainer__epochs": 2}, "recompute"),
        ("reinforce", {}, "reuse"),
    ],
)
def test_auto_is_reuse_for_one_uncorrected_pass_else_recompute(
    algorithm: str, changes: dict[str, Any], gradient: str
) -> None:
    assert resolve_gradient(config(algorithm, **changes)) == gradient


@pytest.mark.parametrize(
    ("minibatch", "several"), [(None, False), (2047, True), (2048, False), (4096, False)]
)
def test_a_pass_is_split_by_a_smaller_minibatch(minibatch: int | None, several: bool) -> None:
    assert splits(config("a2c", trainer__minibatch_steps=minibatch).trainer) is several


@pytest.mark.parametrize(
    ("gradient", "correction", "invariant"),
    [
        ("reuse", "none", True),
        ("live", "none", True),
        ("recompute", "none", False),
        ("auto", "none", True),
        ("recompute", "importance", True),
        ("recompute", "centred", True),
        ("recompute", "truncated", False),
        ("recompute", "clip", False),
        ("recompute", "vtrace", False),
    ],
)
def test_baseline_invariance_is_as_derived(gradient: str, correction: str, invariant: bool) -> None:
    changed = config("a2c", trainer__gradient=gradient, staleness__correction=correction)
    assert is_invariant(changed) is invariant


CHOICES = list(
    itertools.product(get_args(Algorithm), get_args(Advantage), get_args(Gradient), get_args(Correction))
)


def allowed() -> list[tuple[str, str, str, str]]:
    """Every allowed combination, with the other keys chosen in its favour."""
    found = []
    for algorithm, advantage, gradient, correction in CHOICES:
        changed = config(
            algorithm,
            trainer__advantage=advantage,
            trainer__gradient=gradient,
            staleness__correction=correction,
            players__unroll_length="episode",
        )
        if not check(changed):
            found.append((algorithm, advantage, gradient, correction))
    return found


def test_the_allowed_combinations_are_these() -> None:
    """All 288 combinations against the table written out by algorithm."""
    forward = ("recompute", "auto")
    any_gradient = ("reuse", "live", *forward)
    weights = ("importance", "truncated", "centred")
    no_vtrace = ("monte_carlo", "n_step", "gae")
    expected = {
        *itertools.product(["ppo"], no_vtrace, forward, ["clip"]),
        *itertools.product(["a2c"], no_vtrace, any_gradient, ["none"]),
        *itertools.product(["a2c"], no_vtrace, forward, weights),
        *itertools.product(["a2c"], ["vtrace"], forward, ["vtrace"]),
        *itertools.product(["reinforce"], ["monte_carlo"], any_gradient, ["none"]),
        *itertools.product(["reinforce"], ["monte_carlo"], forward, weights),
    }
    assert set(allowed()) == expected
    assert len(CHOICES) == 288


def test_what_is_allowed_never_corrects_without_a_forward_pass_nor_repeats_pushed_activations() -> None:
    for algorithm, _, gradient, correction in allowed():
        if gradient in {"reuse", "live"}:
            assert correction == "none"
            assert algorithm != "ppo"


OTHERS: dict[str, tuple[Any, ...]] = {
    "mode": ("async", "serial"),
    "players__unroll_length": (128, "episode"),
    "policy__value": (True, False),
    "trainer__normalize_advantage": ("scale", "center", "center_episode"),
    "trainer__return_resets": ("episode", "reward"),
    "trainer__batch_episodes": (None, 4),
    "trainer__minibatch_steps": (None, 500),
    "trainer__value_head": ("live", "snapshot"),
}


def test_a_refused_key_is_never_called_for_twice() -> None:
    """Two faults of one key would ask for two different things at once. A 53rd of all combinations, evenly spread."""
    everything = itertools.product(CHOICES, *OTHERS.values())
    for (algorithm, advantage, gradient, correction), *others in itertools.islice(everything, 0, None, 53):
        changed = config(
            algorithm,
            trainer__advantage=advantage,
            trainer__gradient=gradient,
            staleness__correction=correction,
            **dict(zip(OTHERS, others, strict=True)),
        )
        named = [fault.key for fault in check(changed)]
        assert len(named) == len(set(named)), (changed.trainer, changed.mode, named)


@pytest.mark.parametrize("mode", ["async", "sync", "serial"])
@pytest.mark.parametrize("on_excess", ["downweight", "drop", "hold"])
@pytest.mark.parametrize("max_lag", [0, 1, 8])
@pytest.mark.parametrize("algorithm", SOUND)
def test_every_way_past_the_bound_is_for_every_mode_but_holding_for_nothing(
    mode: str, on_excess: str, max_lag: int, algorithm: str
) -> None:
    """Whatever the correction: what is done about a result's age does not look at how its gradient is taken."""
    found = refused(algorithm, mode=mode, staleness__on_excess=on_excess, staleness__max_lag=max_lag)
    impossible = (mode, on_excess, max_lag) == ("async", "hold", 0)
    assert bool(found) is impossible
    if impossible:
        assert found[0][0] == "staleness.max_lag"


@pytest.mark.parametrize("gradient", get_args(Gradient))
@pytest.mark.parametrize("correction", ["none", "importance", "centred"])
def test_a_snapshots_value_head_is_for_pushed_activations(gradient: str, correction: str) -> None:
    """Where the forward pass is made anew there is none of the snapshot to keep."""
    changed = config(
        "a2c",
        trainer__gradient=gradient,
        staleness__correction=correction,
        trainer__value_head="snapshot",
    )
    named = [fault.key for fault in check(changed)]
    assert ("trainer.value_head" in named) is (resolve_gradient(changed) == "recompute")


def test_a_batch_of_episodes_is_split_by_any_minibatch() -> None:
    """Its steps are not known before: a ppo that asks for minibatches gets them whatever batch_steps says."""
    episodes = {"trainer__batch_episodes": 10, "players__unroll_length": "episode"}
    assert splits(config("ppo", **episodes, trainer__minibatch_steps=4096).trainer)
    assert not splits(config("ppo", **episodes, trainer__minibatch_steps=None).trainer)
