"""Episodes to look at: one environment, drawn as it is played."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.contract import as_observation
from touchline.envs.errors import EnvError, EnvironmentFault, NotMade
from touchline.envs.nesting import owned_actions
from touchline.envs.resolve import resolve
from touchline.envs.wrappers.rewards import score_of
from touchline.launch.restore import Restored
from touchline.player.actor import Actor
from touchline.policy.actions import environment_actions
from touchline.policy.seeds import action_stream, episode_seed, mix
from touchline.policy.spaces import raw_dtype
from touchline.policy.trajectory import action_dtype, action_shape
from touchline.record import RecordError

if TYPE_CHECKING:
    import gymnasium

Frame = NDArray[np.uint8]  # uint8 [height, width, 3]
DEFAULT_FRAMES_PER_SECOND = 30
MAX_FRAMES = 2_000  # of a video: half a minute to a minute, and some megabytes
WEBP_QUALITY = 75


class MissingPillow(RecordError):
    """pillow is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "a video needs pillow: install touchline with its extra view (in its checkout, pip install '.[view]')"
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """A policy on one copy of its environment. ``seed`` decides the episodes, and sampled actions."""

    restored: Restored
    seed: int
    greedy: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One episode that was shown; ``cut``: it went on after the last frame of the video."""

    number: int
    episode_return: float
    steps: int
    cut: bool = False

    def __str__(self) -> str:
        end = " so far: the video ends here" if self.cut else ""
        return f"episode {self.number}: return {self.episode_return:.1f} in {self.steps:,} steps{end}"


def show(stage: Stage, *, episodes: int) -> Iterator[Shown]:
    """Play in a window. Raises EnvError."""
    env = _made(stage, "human")
    try:
        yield from _episodes(stage, env, episodes, frames=None)
    finally:
        env.close()


def film(stage: Stage, path: Path, *, episodes: int) -> Iterator[Shown]:
    """Play, and write what was seen to ``path`` as an animated WebP. Raises EnvError, and MissingPillow."""
    if importlib.util.find_spec("PIL") is None:  # looked up first, so that nothing is played in vain
        raise MissingPillow
    for name in (
        "SDL_VIDEODRIVER",
        "SDL_AUDIODRIVER",
    ):  # pygame draws into memory, and says nothing of a screen
        os.environ[name] = "dummy"  # whatever was asked for: a video needs no screen
    env = _made(stage, "rgb_array")
    frames: list[Frame] = []
    try:
        yield from _episodes(stage, env, episodes, frames=frames)
    finally:
        env.close()
    _write(frames, path, float(env.metadata.get("render_fps") or DEFAULT_FRAMES_PER_SECOND))


def _made(stage: Stage, mode: str) -> gymnasium.Env[Any, Any]:
    factory = resolve(stage.restored.spec)
    try:
        env = factory.make(render_mode=mode)
    except NotMade as error:
        if "render_mode" in str(error) or "takes no arguments" in str(error):
            raise _not_drawn(factory.name, mode) from None
        raise
    if env.render_mode != mode:
        env.close()
        raise _not_drawn(factory.name, mode)
    return env


def _not_drawn(name: str, mode: str) -> EnvError:
    return NotMade(f"{name}: it cannot be drawn: it does not take render_mode={mode!r}")


def _episodes(
    stage: Stage, env: gymnasium.Env[Any, Any], episodes: int, *, frames: list[Frame] | None
) -> Iterator[Shown]:
    base = mix(7, stage.seed) >> 1
    for number in range(episodes):
        shown = _episode(stage, env, number, base, frames)
        yield shown
        if shown.cut:
            return


def _episode(
    stage: Stage, env: gymnasium.Env[Any, Any], number: int, base: int, frames: list[Frame] | None
) -> Shown:
    act = _Act(stage, action_stream(base=base, result=number))
    total, steps = 0.0, 0
    score = score_of(env)
    try:
        observation, _ = env.reset(seed=episode_seed(base=base, lane=0, episode=number))
        began = 0.0 if score is None else score.total
        _draw(env, frames)
        ended = False
        while not ended:
            if frames is not None and len(frames) >= MAX_FRAMES:
                return Shown(number + 1, total, steps, cut=True)
            observation, reward, terminated, truncated, _ = env.step(act(observation))
            total = total + float(reward) if score is None else score.total - began
            steps += 1
            ended = bool(terminated or truncated)
            _draw(env, frames)
    except EnvError:
        raise
    except Exception as error:
        raise EnvironmentFault(
            where="step()", expected="an episode", found=f"{type(error).__name__}: {error}", step=steps
        ) from error
    return Shown(number + 1, total, steps)


class _Act:
    """From one raw observation to one action as the environment takes it."""

    def __init__(self, stage: Stage, rng: np.random.Generator) -> None:
        self._policy, self._snapshot = stage.restored.policy, stage.restored.snapshot
        self._actor = Actor(self._policy, lanes=1, greedy=stage.greedy)
        self._to_environment = environment_actions(self._policy.action_space, squash=self._policy.form.squash)
        self._actions = np.empty((1, *action_shape(self._policy)), action_dtype(self._policy))
        self._rng = rng
        self._state: NDArray[Any] | None = None  # one object plays one episode
        self._noise: NDArray[Any] | None = None  # of the step before

    def __call__(self, observation: Any) -> Any:
        space, distribution = self._policy.observation_space, self._policy.distribution
        noise = self._noise = distribution.draw_noise(self._rng, (1, 1), self._noise)[0]
        rows = np.asarray(as_observation(observation, space), raw_dtype(space))[None]
        hidden = self._actor.act(
            self._snapshot,
            rows,
            noise,
            hidden_out=None,
            head_out=None,
            actions_out=self._actions,
            state=self._state,
        )
        if self._policy.network.core is not None:
            self._state = self._policy.network.state_after(hidden)
        return owned_actions(self._policy.action_space, self._to_environment(self._actions))[0]


def _draw(env: gymnasium.Env[Any, Any], frames: list[Frame] | None) -> None:
    """A window draws itself; a video's frame is asked for."""
    if frames is not None:
        frame: Any = env.render()
        frames.append(np.asarray(frame, np.uint8))


def _write(frames: list[Frame], path: Path, frames_per_second: float) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    first, *others = (Image.fromarray(frame) for frame in frames)
    first.save(
        path,
        save_all=True,
        append_images=others,
        duration=round(1000 / frames_per_second),
        loop=0,
        quality=WEBP_QUALITY,
        method=0,  # the quickest: a minute of video is written while one waits
    )
