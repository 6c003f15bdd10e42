"""What a run says of numbers that are none: enough to see them again, in every mode."""

from __future__ import annotations

import importlib.util
import re

import numpy as np
import pytest

from touchline.cli.live_text import plain_line
from touchline.launch.local import train
from touchline.launch.serial import SerialRun
from touchline.trainer.failures import RunFailed

ILL = """
import gymnasium, numpy as np

class Ill(gymnasium.Env):
    '''Its third draw of an episode decides whether the fourth observation has no number.'''

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, share=0.3):
        self.share = share

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.ill = 0, self.np_random.random() < self.share
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.steps += 1
        observation = np.zeros(2, np.float32)
        observation[1] = np.nan if self.ill and self.steps >= 4 else 0.0
        return observation, 1.0, self.steps >= 10, False, {}
"""
PLACE = re.compile(r"found nan at \[row \d+, lane \d, element 1\] \(episode seed (\d+), step (\d+)\)")


@pytest.fixture
def ill(tmp_path, configure):
    file = tmp_path / "ill.py"
    file.write_text(ILL)

    def made(share=0.1, **overrides):
        chosen = {
            "env.id": f"{file}:Ill",
            "env.kwargs": f"{{share: {share}}}",
            "players.count": 1,
            "players.lanes": 2,
            "players.unroll_length": 7,
            "trainer.batch_steps": 28,
            "stop.steps": 1400,
            "stop.minutes": 1,
        }
        return configure(**(chosen | overrides))

    return made


def assert_seen_again(file, text, share):
    """The seed that is named gives the same at the step that is named, and not before."""
    seed, step = map(int, PLACE.search(text).groups())
    spec = importlib.util.spec_from_file_location("ill_again", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    env = module.Ill(share)
    seen = [env.reset(seed=seed)[0], *(env.step(0)[0] for _ in range(step))]
    assert [bool(np.isnan(one).any()) for one in seen] == [False] * step + [True]


@pytest.mark.parametrize("length", [7, "episode"])
@pytest.mark.parametrize("mode", ["async", "serial"])
def test_the_named_seed_gives_the_same_again(ill, run, tmp_path, mode, length):
    train(ill(mode=mode, **{"players.unroll_length": length}), run)
    texts = list(run.crashes.glob("*-invalid.txt"))
    assert texts
    for path in texts:
        text = path.read_text()
        assert_seen_again(tmp_path / "ill.py", text, 0.1)
        assert f"episode seed {PLACE.search(text)[1]}: " in text.split("result ", 1)[1]


def test_serial_mode_says_it_too(ill, run):
    serial = SerialRun(ill(mode="serial"), run)
    serial.run()
    said = plain_line(serial.status().message)
    assert said.startswith("player-0: result ")
    assert PLACE.search(said)
    assert re.search(r"; kept in \d+-invalid.txt$", said)


def test_a_run_that_it_ends_says_where_and_what_to_type(ill, run, tmp_path):
    with pytest.raises(RunFailed, match="10 results in a row were unusable: observations") as caught:
        train(ill(share=1.0), run)
    assert_seen_again(tmp_path / "ill.py", caught.value.headline, 1.0)
    assert "-invalid.txt; its arrays are beside it (.npz)" in caught.value.detail
    assert f"touchline check {tmp_path}/ill.py:Ill" in caught.value.detail
