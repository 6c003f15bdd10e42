"""Environments of several parts through a whole run, restored and shown."""

from __future__ import annotations

from typing import Any

import cloudpickle
import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from touchline.configs import Config
from touchline.envs.errors import UnsupportedSpace
from touchline.envs.spaces import action_space, observation_space
from touchline.envs.spec import EnvSpec
from touchline.launch.local import train
from touchline.launch.restore import Restored, check_spaces
from touchline.launch.showing import Stage, show
from touchline.policy.policy import Policy
from touchline.policy.seeds import weights_stream

LENGTH = 5


class Parts(gymnasium.Env[Any, Any]):
    """Sees a pair, does a pair, ends after LENGTH steps; ``wide`` makes one part of what it sees wider."""

    metadata = {"render_modes": ["human"]}  # noqa: RUF012
    moves: list[float] = []  # noqa: RUF012
    action_space = spaces.Tuple((spaces.Discrete(2, start=3), spaces.Box(-1.0, 1.0, (1,), np.float32)))

    def __init__(self, wide: int = 2, high: float = 1.0, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        seen = {"at": spaces.Box(-high, high, (wide,), np.float32), "bit": spaces.Discrete(2)}
        self.observation_space = spaces.Dict(seen)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.seen(), {}

    def seen(self) -> Any:
        at = self.np_random.uniform(-1, 1, self.observation_space["at"].shape).astype(np.float32)
        return {"at": at, "bit": self.steps % 2}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), action
        assert isinstance(action, tuple)
        self.moves.append(float(action[1][0]))
        self.steps += 1
        return self.seen(), float(action[0] == 4), self.steps >= LENGTH, False, {}

    def render(self) -> None: ...


def restored(**form: Any) -> Restored:
    env = Parts()
    policy = Policy.build(
        observation_space=observation_space(env.observation_space),
        action_space=action_space(env.action_space),
        hidden=(4,),
        **form,
    )
    snapshot = policy.first_snapshot(weights_stream(0), epoch=1)
    config = Config.model_validate({"env": {"id": "Parts"}})
    return Restored(config, EnvSpec(id=Parts), policy, snapshot, None)


@pytest.mark.parametrize("length", [16, "episode"])
def test_a_run_is_trained(configure, run, length):
    config = configure(mode="serial", stop__steps=400, players__unroll_length=length)
    summary = train(config, run, factory=cloudpickle.dumps(Parts))
    assert summary.steps >= 400
    assert summary.ledger.total["dropped_invalid"] == 0


@pytest.mark.parametrize("form", [{}, {"squash": True, "noise_correlation": 0.9}])
@pytest.mark.parametrize("greedy", [True, False])
def test_episodes_are_shown(form, greedy):
    Parts.moves.clear()
    stage = Stage(restored(**form), seed=0, greedy=greedy)
    shown = list(show(stage, episodes=2))
    assert [one.steps for one in shown] == [LENGTH, LENGTH]
    assert len(set(Parts.moves)) > 1


def test_squashed_actions_are_squashed_when_they_are_shown():
    moves = []
    for form in ({}, {"squash": True}):
        Parts.moves.clear()
        list(show(Stage(restored(log_std=-1.0, **form), seed=0, greedy=False), episodes=2))
        moves.append(np.array(Parts.moves))
    drawn, squashed = moves
    assert (np.abs(drawn) < 1).all()  # so that nothing was clipped
    np.testing.assert_allclose(squashed, np.tanh(drawn), rtol=1e-6)


def test_the_noise_of_a_shown_step_remembers_the_one_before():
    Parts.moves.clear()
    list(show(Stage(restored(noise_correlation=0.999, log_std=-3.0), seed=0, greedy=False), episodes=1))
    steps = np.diff(Parts.moves)
    assert np.abs(steps).max() < 0.2 * np.exp(-3.0)


def test_an_environment_whose_parts_fit_may_have_other_bounds():
    check_spaces(EnvSpec(id=Parts, kwargs={"high": 3.0}), restored().policy)


def test_an_environment_with_a_part_that_does_not_fit_is_refused():
    with pytest.raises(UnsupportedSpace) as caught:
        check_spaces(EnvSpec(id=Parts, kwargs={"wide": 3}), restored().policy)
    assert (
        caught.value.expected
        == "the one trained on, Dict('at': Box of float32 [2], 'bit': Discrete(n=2, start=0))"
    )
    assert caught.value.found == "Dict('at': Box of float32 [3], 'bit': Discrete(n=2, start=0))"
