"""From a spec to lanes that a Player can step."""

from __future__ import annotations

import contextlib
from typing import Any, Literal

import gymnasium
from gymnasium.vector import AutoresetMode, VectorEnv

from touchline.envs.errors import EnvError, NotMade
from touchline.envs.lanes import Facts, Lanes, SeedSource
from touchline.envs.resolve import Factory, resolve
from touchline.envs.single import same_in_python
from touchline.envs.spaces import action_space, observation_space
from touchline.envs.spec import EnvSpec
from touchline.envs.sync_lanes import SyncLanes
from touchline.envs.vector_lanes import VectorLanes
from touchline.envs.wrappers.rewards import score_of

AUTORESET: dict[AutoresetMode, Literal["same_step", "next_step"]] = {
    AutoresetMode.SAME_STEP: "same_step",
    AutoresetMode.NEXT_STEP: "next_step",
}


def make_lanes(spec: EnvSpec, lanes: int, *, seed_source: SeedSource, native: bool = True) -> Lanes:
    """``lanes`` copies of the environment that ``spec`` names.

    The environment's own vector form is used where it has one with the spaces of its Python form, unless
    the spec has wrappers or says ``never``, or ``native`` is false (whole episodes in waves need lanes that
    are stepped one by one). ``always`` uses it whatever its spaces, and single copies of it where not ``native``.
    Raises an EnvError: whatever is wrong with the name, the packages, the arguments or the spaces.
    """
    factory = resolve(spec)
    if spec.vectorize == "always" and native:
        return _vector_lanes(factory, lanes, seed_source)
    if spec.vectorize == "auto" and native:
        # An environment whose vector form cannot be made may well be made one by one; if not, that says why.
        with contextlib.suppress(EnvError):
            return _vector_lanes(factory, lanes, seed_source, same=True)
    return _sync_lanes(factory, lanes, seed_source)


def facts_of(factory: Factory, env: gymnasium.Env[Any, Any]) -> Facts:
    """What is known of an environment that Python steps."""
    registered = env.spec or factory.registered
    limit = getattr(registered, "max_episode_steps", None)
    return Facts(
        env=factory.name,
        env_version=getattr(registered, "version", None),
        gymnasium_version=gymnasium.__version__,
        reward_threshold=None if _rewards_changed(env) else _threshold(registered),
        max_episode_steps=_wrapped_limit(env) if limit is None else limit,
        autoreset="same_step",
        native=False,
    )


def _sync_lanes(factory: Factory, lanes: int, seed_source: SeedSource) -> SyncLanes:
    with contextlib.ExitStack() as undo:
        envs = []
        for _ in range(lanes):
            envs.append(factory.make())
            undo.callback(envs[-1].close)
        limits = {_own_limit(env) for env in envs}
        limit = limits.pop() if len(limits) == 1 else None
        made = SyncLanes(
            # The lanes count the steps anyway: without an outermost TimeLimit its call is saved.
            envs if limit is None else [env.env for env in envs],  # type: ignore[attr-defined]
            observation_space=observation_space(envs[0].observation_space),
            action_space=action_space(envs[0].action_space),
            facts=facts_of(factory, envs[0]),
            seed_source=seed_source,
            time_limit=limit,
        )
        undo.pop_all()
    return made


def _own_limit(env: gymnasium.Env[Any, Any]) -> int | None:
    """The limit of an outermost TimeLimit, as the wrapper has it: the registry need not know the environment."""
    limited = type(env) is gymnasium.wrappers.TimeLimit
    return env._max_episode_steps if limited else None  # type: ignore[attr-defined]


def _wrapped_limit(env: gymnasium.Env[Any, Any]) -> int | None:
    """The least limit of any TimeLimit around the environment."""
    limits = []
    while isinstance(env, gymnasium.Wrapper):
        limits.append(_own_limit(env))
        env = env.env
    return min((limit for limit in limits if limit is not None), default=None)


def _vector_lanes(
    factory: Factory, lanes: int, seed_source: SeedSource, *, same: bool = False
) -> VectorLanes:
    """``same``: raise NotMade where the Python form shows something else, as of the Atari games."""
    env = factory.make_vector(lanes)
    if env is None or env.metadata.get("autoreset_mode") not in AUTORESET:
        raise NotMade(f"{factory.name}: vectorize is 'always', but it has no vector form that can be used")
    with contextlib.ExitStack() as undo:
        undo.callback(env.close)
        if same:
            _refuse_others(factory, env)
        made = VectorLanes(
            env,
            observation_space=observation_space(env.single_observation_space),
            action_space=action_space(env.single_action_space),
            facts=_vector_facts(factory, env),
            seed_source=seed_source,
        )
        undo.pop_all()
    return made


def _refuse_others(factory: Factory, vector: VectorEnv[Any, Any, Any]) -> None:
    """Raise NotMade where evaluating, drawing and wrapping would meet spaces that were not trained on."""
    env = same_in_python(factory, vector)
    if env is None:
        raise NotMade(f"{factory.name}: its vector form has other spaces than its Python form")
    env.close()


def _vector_facts(factory: Factory, env: VectorEnv[Any, Any, Any]) -> Facts:
    registered = factory.registered
    assert registered is not None
    return Facts(
        env=factory.name,
        env_version=registered.version,
        gymnasium_version=gymnasium.__version__,
        reward_threshold=_threshold(registered),
        max_episode_steps=factory.kwargs.get("max_episode_steps", registered.max_episode_steps),
        autoreset=AUTORESET[env.metadata["autoreset_mode"]],
        native=True,
    )


def _threshold(registered: Any) -> float | None:
    threshold = getattr(registered, "reward_threshold", None)
    return None if threshold is None else float(threshold)


def _rewards_changed(env: gymnasium.Env[Any, Any]) -> bool:
    """Whether a wrapper changes the rewards that are reported: a threshold in the registry then means nothing."""
    changers = (gymnasium.RewardWrapper, gymnasium.wrappers.NormalizeReward)
    env = score_of(env) or env
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, changers):
            return True
        env = env.env
    return False
