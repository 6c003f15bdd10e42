"""Environments that give no numbers, in whole runs: what they spoil is set aside and counted, and the run goes on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from launch_runs import supervised

from touchline.launch.local import train
from touchline.protocol.effects import Invalid
from touchline.record import RunDirectory, load_checkpoint, read_lines
from touchline.trainer.failures import RunFailed

ILL = """
import gymnasium, numpy as np

class Ill(gymnasium.Env):
    '''Every so many episodes it has no number, from the third step on, for its observation or its reward.

    ``drawn``: each with that chance, so that lanes do not come to it together.
    '''

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, what="observation", number="nan", every=7, drawn=False):
        self.what, self.number, self.every, self.episodes = what, float(number), every, 0
        self.drawn = drawn

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.episodes = 0, self.episodes + 1
        drawn = self.drawn and self.np_random.random() * self.every < 1
        self.ill = drawn if self.drawn else self.episodes % self.every == 0
        return self.np_random.standard_normal(2).astype(np.float32), {}

    def step(self, action):
        self.steps += 1
        ill = self.steps >= 3 and self.ill
        observation = self.np_random.standard_normal(2).astype(np.float32)
        if ill and self.what == "observation":
            observation[1] = self.number
        reward = self.number if ill and self.what == "reward" else float(action)
        return observation, reward, self.steps >= 10, False, {}
"""


@pytest.fixture
def ill(tmp_path, configure):
    file = tmp_path / "ill.py"
    file.write_text(ILL)

    def made(
        preset="cartpole",
        *,
        what="observation",
        number="nan",
        every=7,
        drawn="false",
        **overrides: object,
    ):
        chosen = {
            "env.id": f"{file}:Ill",
            "env.kwargs": f"{{what: {what}, number: {number}, every: {every}, drawn: {drawn}}}",
            "players.lanes": 2,
            "players.unroll_length": 8,
            "trainer.batch_steps": 32,
            "stop.steps": 1600,
            "stop.minutes": 1,
        }
        return configure(preset, **(chosen | overrides))

    return made


def assert_set_aside(run: RunDirectory, name: str, number: str) -> None:
    """Ten at most are kept, each with what is wrong, whose it is, its seeds and its arrays."""
    pages = sorted(run.crashes.glob("*-invalid.json"))
    assert 0 < len(pages) <= 10
    for path in pages:
        page = json.loads(path.read_text())
        assert page["detail"].startswith(f"{name}: expected finite numbers, found {number} at [")
        (result,) = page["results"]
        assert result["player"].startswith("player-")
        assert result["episode_seeds"]
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as kept:
            spoilt = kept[f"{result['player']}.{result['seq']}.{name}"]
        assert not np.isfinite(spoilt).all()


def assert_sound(run: RunDirectory) -> None:
    weights = load_checkpoint(run).weights
    assert all(np.isfinite(array).all() for array in weights.values())
    for line in read_lines(run.path / "episodes.jsonl"):
        assert None not in line["returns"]  # as what a NaN would be written


@pytest.mark.parametrize(
    ("preset", "overrides"),
    [
        ("cartpole", {"env.normalize": "true"}),
        ("cartpole", {"what": "reward", "number": "inf"}),
        ("cartpole-reinforce", {"players.unroll_length": "episode", "what": "reward"}),
    ],
)
def test_now_and_then_it_costs_a_result_and_nothing_else(ill, run, preset, overrides):
    config = ill(preset, **{"players.count": 2, **overrides})
    summary = train(config, run)
    assert summary.reason.startswith("steps")
    total = summary.ledger.total
    assert total["dropped_invalid"] > 3
    assert total["trained"] > 3 * total["dropped_invalid"] / 2
    assert total["sent"] == sum(count for bucket, count in total.items() if bucket != "sent")
    name = "rewards" if overrides.get("what") == "reward" else "observations"
    assert_set_aside(run, name, str(overrides.get("number", "nan")))
    assert_sound(run)


@pytest.mark.parametrize("what", ["observation", "reward"])
def test_an_evaluation_that_comes_to_it_ends_nothing(ill, run, what):
    """Its mean may then be no number, and such a one is never the best."""
    config = ill(what=what, every=5, **{"players.count": 1, "eval.every": "50ms", "eval.episodes": 6})
    summary = train(config, run)
    assert summary.reason.startswith("steps")
    lines = list(read_lines(run.path / "evaluations.jsonl"))
    assert lines
    if what == "reward":
        assert None in [line["mean"] for line in lines]
    assert not any("invalid" not in path.name for path in run.crashes.iterdir())
    assert_sound(run)


@pytest.mark.parametrize("mode", ["sync", "serial"])
def test_a_game_that_is_lost_to_it_makes_nothing_lag_where_nothing_does(ill, run, mode):
    """A round is a game short, and its batch waits for the next one: both are of the same version."""
    overrides = {"players.count": 2, "players.unroll_length": "episode", "trainer.batch_episodes": 4}
    summary = train(ill("cartpole-reinforce", mode=mode, drawn="true", **overrides), run)
    assert summary.ledger.total["dropped_invalid"] > 3
    assert summary.lag.max == 0
    sizes = {len(line["lag"]["values"]) for line in read_lines(run.path / "metrics.jsonl")}
    assert min(sizes) == 4
    assert max(sizes) > 4


def test_what_cannot_be_read_at_all_ends_the_run_too(configure, run):
    seen: list[int] = []

    def interfere(runtime, supervisor) -> None:
        if runtime.training is not None and not seen:
            for seq in range(12):
                seen.append(seq)
                runtime._handle(Invalid(0, seq, "torn"))

    config = configure(**{"stop.steps": 10_000_000, "stop.minutes": 1})
    with pytest.raises(RunFailed, match=r"^10 results in a row were unusable: torn"):
        supervised(config, run, count=1, on_event=interfere)
    assert len(seen) == 10


@pytest.mark.parametrize("length", [8, "episode"])
@pytest.mark.parametrize("mode", ["async", "sync", "serial"])
def test_always_it_ends_the_run_with_the_place_named(ill, run, mode, length):
    preset = "cartpole" if length == 8 else "cartpole-reinforce"
    config = ill(
        preset,
        every=1,
        mode=mode,
        **{
            "players.count": 2,
            "players.lanes": 8,
            "players.unroll_length": length,
            "env.normalize": "true",
        },
    )
    with pytest.raises(
        RunFailed, match=r"^10 results in a row were unusable: observations: .* found nan at \["
    ) as caught:
        train(config, run)
    assert caught.value.exit_code == 3
    total = caught.value.summary.ledger.total
    assert total["dropped_invalid"] == 10  # the tenth ends it, whatever came with it
    assert total["sent"] == sum(count for bucket, count in total.items() if bucket != "sent")
    assert total["trained"] == 0
    assert_set_aside(run, "observations", "nan")
    assert_sound(run)


def test_updates_that_all_overflow_end_the_run_with_the_layer_named(ill, run):
    """Rewards that are numbers, and too large for float32's square."""
    config = ill(
        what="reward", number="1e30", every=1, **{"players.count": 1, "trainer.normalize_advantage": "none"}
    )
    with pytest.raises(
        RunFailed, match=r"^10 updates in a row were unusable: \w+/[\w/]+: gradient of "
    ) as caught:
        train(config, run)
    assert caught.value.exit_code == 3
    assert caught.value.summary.version == 0
    total = caught.value.summary.ledger.total
    assert total["dropped_invalid"] == 10 * 2
    assert total["trained"] == 0
    page = json.loads(next(run.crashes.glob("*-invalid.json")).read_text())
    assert len(page["results"]) == 2
    assert "of player-0" in page["detail"]
    assert_sound(run)
