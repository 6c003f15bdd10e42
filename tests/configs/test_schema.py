"""The schema: its defaults, that it is frozen, and that every key is documented."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from touchline.configs.keys import OF_SECTION, SYNONYMS, Key, keys, nearest, sections
from touchline.configs.reference import describe, describe_sections
from touchline.configs.schema import Config
from touchline.configs.validation import from_plain

# The documented shape, by hand: a default that moves is a decision, not a slip.
DEFAULTS = {
    "method": "policy_gradient",
    "env": {
        "id": "X-v0",
        "kwargs": {},
        "wrappers": (),
        "normalize": False,
        "vectorize": "auto",
        "step_timeout": 60.0,
    },
    "table": {
        "source": None,
        "target": None,
        "classes": None,
        "rows": None,
        "test": None,
        "scale": "none",
        "test_every": 10,
    },
    "model": {
        "hidden": (16,),
        "activation": "tanh",
        "output": "auto",
        "loss": "auto",
        "bias": True,
        "initialization": "glorot",
        "scale": 1.0,
    },
    "tasks": {"parts": 4, "remainder": "spread", "lease": 300.0},
    "players": {"count": "auto", "lanes": 16, "unroll_length": 128, "restarts": 5},
    "policy": {
        "hidden": (64, 64),
        "activation": "tanh",
        "shared": False,
        "layer_norm": False,
        "convolutions": (),
        "recurrent": "none",
        "recurrent_size": 64,
        "sparse": False,
        "network": None,
        "network_kwargs": {},
        "bias": True,
        "initialization": "orthogonal",
        "value": True,
        "binary": "softmax",
        "std": "independent",
        "log_std": 0.0,
        "squash": False,
        "noise_correlation": 0.0,
    },
    "trainer": {
        "algorithm": "ppo",
        "advantage": "gae",
        "batch_steps": 2048,
        "batch_episodes": None,
        "epochs": 4,
        "minibatch_steps": 512,
        "gamma": 0.99,
        "return_resets": "episode",
        "gae_lambda": 0.95,
        "n_steps": 5,
        "entropy_cost": 0.0,
        "baseline_cost": 0.5,
        "clip": 0.2,
        "clip_schedule": "constant",
        "gradient": "auto",
        "value_head": "live",
        "normalize_rewards": False,
        "normalize_advantage": "scale",
        "reduction": "mean",
        "truncate_at": 1.0,
        "clip_rho_threshold": 1.0,
        "clip_c_threshold": 1.0,
    },
    "optimizer": {
        "rule": "adam",
        "learning_rate": 1e-3,
        "schedule": "constant",
        "max_gradient_norm": 0.5,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "decay": 0.99,
        "momentum": 0.0,
    },
    "staleness": {
        "max_lag": 2,
        "on_excess": "downweight",
        "correction": "clip",
        "inject": None,
        "ahead": 0,
    },
    "mode": "async",
    "stop": {
        "mean_return": "threshold",
        "over_episodes": 100,
        "steps": 2_000_000,
        "evaluations": None,
        "rounds": None,
        "error": None,
        "minutes": None,
    },
    "eval": {"every": None, "episodes": 20},
    "save": {"every": 30.0, "keep": 3},
    "log": {"live": "auto", "tensorboard": False},
    "net": {
        "bind": "local",
        "port": "auto",
        "keys": None,
        "reconnect": 60.0,
        "dead": 10.0,
        "heartbeat": 0.5,
    },
    "search": {
        "over": "draws",
        "low": -1.0,
        "high": 1.0,
        "step": 0.5,
        "radius": 0.1,
        "draws": 64,
        "per": "layer",
        "activations": ("linear", "sigmoid", "tanh", "gauss", "sin", "relu"),
        "coefficients": (1.0,),
        "epochs": 50,
        "limit": 1_000_000,
    },
    "evolution": {"pairs": 32, "sigma": 0.1, "episodes": 1, "weight_decay": 0.0},
    "descent": {"by": "rows", "how": "backprop", "batch_rows": None},
    "krylov": {
        "solver": "cg",
        "curvature": "fisher",
        "damping": 1e-3,
        "iterations": 20,
        "tolerance": 1e-3,
        "halvings": 10,
    },
    "trpo": {
        "delta": 0.01,
        "damping": 0.1,
        "iterations": 10,
        "halvings": 10,
        "steps": 512,
        "value_solver": "gmres",
        "features": 64,
    },
    "hopping": {"step": 0.5, "temperature": 0.0, "iterations": 100, "interval": 50},
    "structure": {
        "epochs": 200,
        "barrier": "level",
        "patience": 2,
        "penalty": 1e-4,
        "max_layers": 3,
        "max_width": 32,
    },
    "imitation": {
        "sieve": "percentile",
        "best": 0.3,
        "goal": None,
        "take": 0.95,
        "clean": 0.2,
        "cut": -1.0,
        "keep": 1,
        "random": 0.0,
        "explore": True,
        "episodes": 16,
        "order_seconds": None,
        "epochs": 5,
        "batch_rows": 1024,
        "consecutive": 10,
        "models": 1,
    },
    "averaging": {
        "combine": "mean",
        "init": "shared",
        "rounds": 1,
        "local": "epochs",
        "local_epochs": 1,
        "batch_rows": 32,
        "inner": 512,
    },
    "seed": 0,
}

MINIMAL = from_plain({"env": {"id": "X-v0"}})


def test_the_defaults_are_the_documented_ones() -> None:
    assert MINIMAL.model_dump() == DEFAULTS
    assert list(MINIMAL.model_dump()) == list(DEFAULTS)


@pytest.mark.parametrize(("name", "key"), keys().items())
def test_a_default_is_what_its_kind_would_read(name: str, key: Key) -> None:
    default = key.info.get_default(call_default_factory=True, validated_data={})
    read = key.kind.parse(default)
    assert read == default
    assert type(read) is type(default)


def test_a_config_is_frozen() -> None:
    with pytest.raises(ValidationError):
        MINIMAL.seed = 3
    with pytest.raises(ValidationError):
        MINIMAL.players.lanes = 3


def test_keys_are_the_leaves_of_the_schema() -> None:
    leaves = [
        f"{section}.{field}"
        for section, fields in DEFAULTS.items()
        if isinstance(fields, dict)
        for field in fields
    ]
    assert set(keys()) == {*leaves, "method", "mode", "seed"}
    assert set(sections()) == {name for name, part in DEFAULTS.items() if isinstance(part, dict)}


def test_every_key_has_help_and_a_type() -> None:
    described = list(describe())
    assert [each.key for each in described] == list(keys())
    for each in described:
        assert len(each.doc) > 12, each.key
        assert each.doc.endswith("."), each.key
        assert each.type, each.key


def test_every_choice_that_has_its_own_key_is_explained() -> None:
    """Of the choices whose words say little, each word is in the help."""
    docs = {each.key: each.doc for each in describe()}
    for name in (
        "trainer.algorithm",
        "trainer.advantage",
        "trainer.gradient",
        "trainer.normalize_advantage",
        "trainer.return_resets",
        "policy.initialization",
        "policy.binary",
        "staleness.on_excess",
        "staleness.correction",
        "env.vectorize",
        "method",
        "model.initialization",
        "model.loss",
        "search.over",
        "descent.by",
        "descent.how",
        "krylov.solver",
        "krylov.curvature",
        "trpo.value_solver",
        "structure.barrier",
        "imitation.sieve",
        "averaging.combine",
        "averaging.local",
        "tasks.remainder",
        "mode",
    ):
        for word in keys()[name].kind.short.split(" | "):
            assert word in docs[name], f"{name}: {word}"


def test_defaults_are_described_as_in_a_file() -> None:
    described = {each.key: each.default for each in describe()}
    assert described["env.id"] == "required"
    assert described["env.kwargs"] == "{}"
    assert described["policy.hidden"] == "[64, 64]"
    assert described["save.every"] == "30s"
    assert described["stop.minutes"] == "null"
    assert described["log.tensorboard"] == "false"
    assert described["seed"] == "0"


def test_sections_are_described() -> None:
    assert list(describe_sections()) == list(sections())
    assert all(doc.endswith(".") for doc in describe_sections().values())
    assert "top-level" not in "".join(describe_sections().values())


@pytest.mark.parametrize(
    ("unknown", "known"),
    [
        ("players.cuont", "players.count"),
        ("player.count", "players.count"),
        ("learning_rate", "optimizer.learning_rate"),
        ("trainer.learning_rate", "optimizer.learning_rate"),
        ("lr", "optimizer.learning_rate"),
        ("trainer.lr", "optimizer.learning_rate"),
        ("num_envs", "players.lanes"),
        ("gamma", "trainer.gamma"),
        ("trainer.entropy", "trainer.entropy_cost"),
        ("optimiser", "optimizer"),
        ("sed", "seed"),
        ("players.unroll-length", "players.unroll_length"),
        ("zzz", None),
        ("players.zzzzz", None),
        ("plaers.lains", "players.lanes"),
        ("env.learning_rat", "optimizer.learning_rate"),
        ("trainr", "trainer"),
        ("population_size", "evolution.pairs"),
        ("evolution.popsize", "evolution.pairs"),
        ("n_workers", "players.count"),
        ("descent.batch_size", "descent.batch_rows"),
        ("batch_size", "trainer.batch_steps"),
        ("averaging.epochs", "averaging.local_epochs"),
        ("table.sourc", "table.source"),
        ("metod", "method"),
        ("hoping", "hopping"),
        ("krylov.dampin", "krylov.damping"),
        ("search.raduis", "search.radius"),
        ("search.values", None),  # and not policy.value
        ("trpo.max_kl", "trpo.delta"),
        ("trainer.schedule", "optimizer.schedule"),  # and not its neighbour clip_schedule
    ],
)
def test_the_nearest_key(unknown: str, known: str | None) -> None:
    assert nearest(unknown) == known


def test_no_synonym_is_a_key_and_each_leads_to_one() -> None:
    assert not set(SYNONYMS) & {key.field for key in keys().values()}
    assert set(SYNONYMS.values()) <= set(keys())
    assert not set(OF_SECTION) & set(keys())
    assert set(OF_SECTION.values()) <= set(keys())


@pytest.mark.parametrize(
    ("plain", "max_lag", "steps", "rounds"),
    [
        ({"env": {"id": "X-v0"}}, 2, 2_000_000, None),
        ({"method": "trpo", "env": {"id": "X-v0"}}, 0, 2_000_000, None),
        ({"method": "descent", "table": {"source": "xor"}}, 0, None, 10_000),
        (
            {
                "method": "descent",
                "table": {"source": "xor"},
                "staleness": {"max_lag": 3},
                "stop": {"rounds": None},
            },
            3,
            None,
            None,
        ),
    ],
)
def test_the_other_methods_go_by_rounds_which_bound_them_on_a_table(
    plain: dict[str, object], max_lag: int, steps: int | None, rounds: int | None
) -> None:
    config = from_plain(plain)
    assert (config.staleness.max_lag, config.stop.steps, config.stop.rounds) == (max_lag, steps, rounds)


@pytest.mark.parametrize(
    ("plain", "target"),
    [
        ({"env": {"id": "X-v0"}}, "X-v0"),
        ({"method": "descent", "table": {"source": "xor"}}, "xor"),
        ({"method": "descent", "table": {"source": "there/rows.csv"}}, "rows"),
    ],
)
def test_a_config_is_named_for_its_target(plain: dict[str, object], target: str) -> None:
    assert from_plain(plain).target == target


def test_a_copy_of_a_config_can_differ() -> None:
    changed = MINIMAL.model_copy(update={"seed": 7})
    assert isinstance(changed, Config)
    assert (changed.seed, MINIMAL.seed) == (7, 0)
