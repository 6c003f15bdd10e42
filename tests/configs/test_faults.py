"""What a user reads when a config is wrong: every fault, its place, what was expected, what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.configs import ConfigError, Fault, Place, from_plain, load
from touchline.configs.keys import keys, sections

Flags = list[tuple[str, str]]
NO_ID = (
    "env.id: missing, expected an environment id, such as CartPole-v1. Set it in the file or with --env.id"
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def faults(text: str | None, flags: Flags | None = None, **kwargs: Any) -> list[str]:
    """The lines of the error for a file ``my.yaml`` with this text."""
    if text is not None:
        Path("my.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(None if text is None else "my.yaml", flags or [], **kwargs)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.faults)
    return lines


def test_all_faults_of_a_file_at_once_in_its_order() -> None:
    text = """\
env: {id: CartPole-v1}
players:
  cuont: 4
  lanes: many
trainer: {algorithm: a2c, gradient: reuse, minibatch_steps: null, epochs: 4}
policy:
  hidden: [64, x, 0]
  activation: rellu
optimizer: {lr: 1e-3}
staleness: {correction: importance}
seed: 1
seed: 2
"""
    assert faults(text) == [
        "my.yaml:3:3: unknown key 'players.cuont'. Did you mean 'players.count'?",
        "my.yaml:4:10: players.lanes: expected an integer of at least 1, found 'many'",
        "my.yaml:5:37: trainer.gradient: expected recompute or auto with staleness.correction importance, "
        "found 'reuse'. Every correction needs the live forward pass, and its product with the Players' "
        "activations is not baseline-invariant. To keep reuse, set staleness.correction: none",
        "my.yaml:5:75: trainer.epochs: expected 1 with trainer.algorithm a2c, found 4. It makes one step a "
        "batch: after it, the batch is another policy's. ppo makes several",
        "my.yaml:7:16: policy.hidden[1]: expected an integer of at least 1, found 'x'",
        "my.yaml:7:19: policy.hidden[2]: expected an integer of at least 1, found 0",
        "my.yaml:8:15: policy.activation: expected tanh, relu or elu, found 'rellu'",
        "my.yaml:9:13: unknown key 'optimizer.lr'. Did you mean 'optimizer.learning_rate'?",
        "my.yaml:12:1: key 'seed' appears twice, first in line 11",
    ]


def test_faults_of_flags_follow_those_of_the_file() -> None:
    flags = [("trainer.gamma", "1.5"), ("net.bind", "0.0.0.0"), ("policy.hidden", "["), ("nope", "1")]
    lines = faults("env: {id: X-v0}\nmode: asink\n", flags)
    assert lines[0] == "my.yaml:2:7: mode: expected async, sync or serial, found 'asink'"
    assert lines[1] == "--trainer.gamma: expected a number from 0 to 1, found 1.5"
    assert lines[2] == (
        "--net.bind: expected local or an IPv4 loopback address, such as 127.0.0.1 "
        "(any other needs keys, which this version does not have), found '0.0.0.0'"
    )
    assert lines[3].startswith("--policy.hidden: not YAML: ")
    assert lines[4].startswith("--nope: unknown key 'nope'. ")
    assert len(lines) == 5


def test_the_same_fault_reads_alike_in_a_file_a_flag_and_python() -> None:
    statement = "expected a number from 0 to 1, found 2"
    assert faults("env: {id: X-v0}\ntrainer: {gamma: 2}") == [f"my.yaml:2:18: trainer.gamma: {statement}"]
    assert faults(None, [("env.id", "X-v0"), ("trainer.gamma", "2")]) == [f"--trainer.gamma: {statement}"]
    assert faults(None, values={"env.id": "X-v0", "trainer": {"gamma": 2}}) == [f"trainer.gamma: {statement}"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("players: 3", "10: players: expected a map of count, lanes, unroll_length, restarts, found 3"),
        ("players: {lanes: true}", "18: players.lanes: expected an integer of at least 1, found true"),
        ("players: {lanes: 1.5}", "18: players.lanes: expected an integer of at least 1, found 1.5"),
        (
            "players: {lanes: null}",
            "18: players.lanes: expected an integer of at least 1, found null. "
            "Leave the key out to keep its default",
        ),
        (
            "players: {name: 7}",
            "11: unknown key 'players.name'. Known keys: count, lanes, unroll_length, restarts",
        ),
        (
            "players: {unroll_length: episodes}",
            "26: players.unroll_length: expected an integer of at least 1 or episode, found 'episodes'",
        ),
        (
            "save: {every: 30 seconds}",
            "15: save.every: expected a duration above 0, such as 30s, 5m or 2h, found '30 seconds'",
        ),
        ("log: {tensorboard: 1}", "20: log.tensorboard: expected true or false, found 1"),
        ("net: {keys: k}", "13: net.keys: expected null (this version does not have keys), found 'k'"),
        ("net: {port: 70000}", "13: net.port: expected an integer from 1 to 65535 or auto, found 70000"),
        ("stop: {mean_retrun: 3}", "8: unknown key 'stop.mean_retrun'. Did you mean 'stop.mean_return'?"),
        ("players.count: 3", "1: unknown key 'players.count'. Write it as 'players: {count: …}'"),
        ("gamma: 0.9", "1: unknown key 'gamma'. Did you mean 'trainer.gamma'?"),
        (
            "save: {zzz: 1}",
            "8: unknown key 'save.zzz'. Known keys: every, keep",
        ),
        (
            "policy: {hidden: 64}",
            "18: policy.hidden: expected a list of layer sizes, such as [64, 64], found 64",
        ),
        ("seed: {a: 1}", "7: seed: expected an integer from 0 to 2147483647, found {a: 1}"),
    ],
)
def test_a_wrong_value_is_shown_with_what_was_expected(line: str, fault: str) -> None:
    assert faults(f"env: {{id: X-v0}}\n{line}\n") == [f"my.yaml:2:{fault}"]


@pytest.mark.parametrize(
    ("env", "fault"),
    [
        (
            "{id: 5}",
            "11: env.id: expected an environment id, such as CartPole-v1, found 5. "
            "Quote it if it is meant as text",
        ),
        (
            "{kwargs: {}}",
            "6: env.id: missing, expected an environment id, such as CartPole-v1. "
            "Set it in the file or with --env.id",
        ),
        ("{id: x, kwargs: [1]}", "22: env.kwargs: expected a map of arguments by name, found [1]"),
        (
            "{id: x, wrappers: [A, {B: 1}]}",
            "32: env.wrappers[1].B: expected a map of arguments by name, found 1",
        ),
        (
            "{id: x, wrappers: [3]}",
            "25: env.wrappers[0]: expected the name of a wrapper, or {name: {argument: value}}, found 3",
        ),
    ],
)
def test_faults_of_the_environment(env: str, fault: str) -> None:
    assert faults(f"env: {env}\n") == [f"my.yaml:1:{fault}"]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("- 1", "my.yaml:1:1: the file: expected a map of method, env, table, "),
        ("cartpole", "my.yaml:1:1: the file: expected a map of method, env, table, "),
        ("a: b: c", "my.yaml:1:5: not YAML: "),
    ],
)
def test_a_file_that_is_no_config_at_all(text: str, start: str) -> None:
    assert faults(text)[0].startswith(start)


def test_nothing_at_all_lacks_an_environment() -> None:
    assert faults(None) == [NO_ID]


def test_a_combination_is_placed_at_what_was_set() -> None:
    """The default that clashes has no place; the flag or line that made it clash has."""
    lines = faults(None, [("env.id", "X-v0"), ("trainer.algorithm", "a2c")])
    assert len(lines) == 3
    assert all(line.startswith("--trainer.algorithm: ") for line in lines)
    assert [line.split(": ")[1] for line in lines] == [
        "staleness.correction",
        "trainer.epochs",
        "trainer.minibatch_steps",
    ]


def test_a_combination_with_a_faulty_key_is_not_judged() -> None:
    """`epochs: x` is one fault, not also a clash of its default."""
    text = "env: {id: X-v0}\ntrainer: {algorithm: a2c, epochs: x, minibatch_steps: null}\n"
    lines = faults(text, [("staleness.correction", "none")])
    assert lines == ["my.yaml:2:35: trainer.epochs: expected an integer of at least 1, found 'x'"]


@pytest.mark.parametrize("test", ["1.0", "1.5", "20.0", "0"])
def test_rows_to_test_on_are_a_share_or_a_whole_number(test: str) -> None:
    lines = faults(f"method: descent\ntable: {{source: xor, test: {test}}}\n")
    assert len(lines) == 1
    expected = "a share of the rows between 0 and 1, or a number of rows without a point or null"
    assert f"table.test: expected {expected}" in lines[0]
    assert lines[0].endswith(f"found {test}")


@pytest.mark.parametrize(("test", "value"), [("0.5", 0.5), ("1", 1), ("10k", 10_000), ("null", None)])
def test_which_of_both_shows_in_how_it_is_written(test: str, value: float | None) -> None:
    found = load(values={"method": "descent", "table.source": "xor"}, overrides=[("table.test", test)])
    assert found.config.table.test == value
    assert type(found.config.table.test) is type(value)


def test_a_combination_is_judged_beside_other_faults() -> None:
    lines = faults("env: {}\nseed: x\nmode: sync\nstaleness: {ahead: 1}\n")
    assert [line.split(": ")[1] for line in lines] == ["env.id", "seed", "staleness.ahead"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("cartpol", "no preset or file 'cartpol'. Did you mean the preset 'cartpole'? Presets: acrobot, "),
        ("CartPole-v1", "no preset or file 'CartPole-v1'. For an environment, use --env.id CartPole-v1"),
        ("zzz", "no preset or file 'zzz'. Presets: acrobot, "),
        ("", "no preset or file ''. Presets: acrobot, "),
        ("004", "no preset or file '004'. Presets that begin so: 004-averaging, 004-ott, 004-shared"),
        ("002.yaml", "no file '002.yaml'. Presets that begin so: 002-cartpole, 002-cartpole-fixed, 002-"),
        ("pong", "no preset or file 'pong'. Did you mean the preset 'pong-pixels'? Presets: "),
        ("half", "no preset or file 'half'. Did you mean the preset 'halfcheetah'? Presets: "),
        ("acrobat.yaml", "no file 'acrobat.yaml'. Did you mean the preset 'acrobot'? Presets: "),
        ("folder.yaml", "folder.yaml: cannot be read: Is a directory"),
        ("latin.yaml", "latin.yaml: expected UTF-8 text, found byte 3 that is not"),
        ("large.yaml", "large.yaml: expected at most 1048576 bytes of config, found more"),
    ],
)
def test_a_source_that_cannot_be_read(source: str, text: str) -> None:
    Path("folder.yaml").mkdir()
    Path("latin.yaml").write_bytes(b"a: \xe9")
    Path("large.yaml").write_bytes(b"#" * 1_100_000)
    with pytest.raises(ConfigError) as caught:
        load(source)
    assert str(caught.value).startswith(text)


def test_what_a_terminal_would_obey_is_shown_escaped() -> None:
    (line,) = faults('env: {id: X-v0}\nmode: "\\e[31m"\n')
    assert line.endswith(r"found '\x1b[31m'")


def test_a_long_value_is_cut() -> None:
    (line,) = faults(f"env: {{id: X-v0}}\nmode: {'x' * 500}\n")
    assert len(line) < 130
    assert line.endswith("…")


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        3,
        "x",
        {},
        {"env": None},
        {1: 2},
        {"env": {"id": "x"}, "nope": 1},
        {"env": {"id": "x", 5: 1}},
    ],
)
def test_plain_data_from_a_peer_is_a_config_or_a_config_error(plain: object) -> None:
    with pytest.raises(ConfigError) as caught:
        from_plain(plain)
    assert caught.value.faults


def test_a_peers_key_that_is_no_text_is_an_unknown_key() -> None:
    with pytest.raises(ConfigError) as caught:
        from_plain({"env": {"id": "x"}, 1: 2})
    assert str(caught.value).startswith("unknown key '[1]'. Known keys: method, env, table, ")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("auto"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*keys(), *sections(), "zz", "players.zz"]), json_like, max_size=6))
def test_any_values_are_a_config_or_a_config_error(values: dict[str, Any]) -> None:
    try:
        load(None, values={"env": {"id": "X-v0"}, **values})
    except ConfigError as error:
        lines = [str(fault) for fault in error.faults]
    else:
        lines = []
    assert all(line and "\n" not in line for line in lines)


def test_the_parts_of_a_fault_read_as_a_sentence() -> None:
    at = Place("my.yaml", 3, 5)
    assert str(Fault(at, "a.b", "x", "y")) == "my.yaml:3:5: a.b: expected x, found y"
    assert str(Fault(at, "a.b", "x", "y", "Do z")) == "my.yaml:3:5: a.b: expected x, found y. Do z"
    assert str(Fault(at, "a.b", "x", None)) == "my.yaml:3:5: a.b: missing, expected x"
    assert str(Fault(at, "a.b", None, "odd")) == "my.yaml:3:5: odd"
    assert str(Fault(Place("--a.b"), "a.b", "x", "y")) == "--a.b: expected x, found y"
    assert str(Fault(Place("--a"), "a.b", "x", "y")) == "--a: a.b: expected x, found y"
    assert str(Fault(Place(), "a.b", "x", "y")) == "a.b: expected x, found y"


def test_an_error_has_one_line_a_fault() -> None:
    error = ConfigError(Fault(Place("f", line, 1), "", None, "odd") for line in (1, 2))
    assert str(error) == "f:1:1: odd\nf:2:1: odd"
    assert isinstance(error, ValueError)


def test_a_key_that_is_only_a_little_alike_is_not_suggested() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'env\.workers'\. Known keys: id, kwargs, wrappers"):
        load(values={"env.id": "CartPole-v1", "env.workers": 3})


def test_a_longer_key_that_begins_so_is_suggested() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'policy\.noise_correlation'\?"):
        load(values={"env.id": "CartPole-v1", "policy.noise": 0.5})
