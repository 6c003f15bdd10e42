"""One copy of what a vector form shows, as an environment of its own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import iterate
from numpy.typing import NDArray

from touchline.envs.errors import EnvError, NotMade
from touchline.envs.vector_lanes import final_observations

if TYPE_CHECKING:
    from touchline.envs.resolve import Factory

MAGNIFIED = 4
"""Pixels a side that one pixel of a small observation gets when it is drawn."""


def one_copy(factory: Factory, **extra: Any) -> gymnasium.Env[Any, Any]:
    """One copy of what the vector form shows: the Python form where that is the same, since it can be drawn.

    Raises MissingExtra, and NotMade where there is no vector form.
    """
    vector = factory.make_vector(1)
    if vector is None:
        raise NotMade(f"{factory.name}: vectorize is 'always', but it has no vector form that can be used")
    env = same_in_python(factory, vector, **extra)
    if env is None:
        return Single(vector, extra.get("render_mode"))
    vector.close()
    return env


def same_in_python(
    factory: Factory, vector: VectorEnv[Any, Any, Any], **extra: Any
) -> gymnasium.Env[Any, Any] | None:
    """The Python form, where there is one and its spaces are those of the vector form."""
    try:
        env = factory.make_python(**extra)
    except EnvError:
        return None
    spaces = vector.single_observation_space, vector.single_action_space
    if (env.observation_space, env.action_space) == spaces:
        return env
    env.close()
    return None


class Single(gymnasium.Env[Any, Any]):
    """The only lane of ``vector``, begun and ended by whoever plays it, with a seed for each episode.

    For evaluation, whole episodes and drawing where the vector form shows something else than the Python form
    of its id, as the Atari games do. ``rgb_array`` draws what the policy sees: the newest of a stack of grey frames.
    """

    def __init__(self, vector: VectorEnv[Any, Any, Any], render_mode: str | None = None) -> None:
        assert vector.num_envs == 1, vector.num_envs
        self.vector = vector
        self.observation_space = vector.single_observation_space
        self.action_space = vector.single_action_space
        axes = len(self.observation_space.shape or ())
        frames = self.observation_space.dtype == np.uint8 and axes in (3, 4)
        self.metadata = {"render_modes": ["rgb_array"] if frames else []}
        self.render_mode = render_mode if render_mode in self.metadata["render_modes"] else None
        self.shown: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        observations, _ = self.vector.reset(seed=seed)
        return self._first(observations), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Raises Breach where the vector form begins again within the step and keeps no final observation."""
        row = np.asarray([action], self.action_space.dtype)
        observations, rewards, terminated, truncated, info = self.vector.step(row)
        ended = bool(terminated[0]), bool(truncated[0])
        if any(ended) and self.vector.metadata.get("autoreset_mode") is AutoresetMode.SAME_STEP:
            observations = final_observations(info)
        return self._first(observations), float(rewards[0]), *ended, {}

    def render(self) -> NDArray[np.uint8]:
        """uint8 [height, width, 3], ``MAGNIFIED`` times as large as the frame."""
        assert self.render_mode == "rgb_array", "only an environment made to be drawn is"
        assert self.shown is not None, "nothing is drawn before the first reset"
        coloured = self.shown.shape[-1] == 3
        frame = self.shown if coloured and self.shown.ndim == 3 else self.shown[-1]
        colours = frame if coloured else np.repeat(frame[..., None], 3, axis=-1)
        return colours.repeat(MAGNIFIED, axis=0).repeat(MAGNIFIED, axis=1)

    def close(self) -> None:
        self.vector.close()

    def _first(self, observations: Any) -> Any:
        """The only row, which its receiver owns: the vector form may write its buffer again."""
        self.shown = next(iter(iterate(self.vector.observation_space, observations)))
        return copy.deepcopy(self.shown)
