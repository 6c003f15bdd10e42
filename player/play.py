"""The verb ``play``: from a snapshot to trajectories, by unrolls or by waves of whole episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from touchline.configs import Config, policy_arguments
from touchline.envs.lanes import Lanes
from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.player.evaluate import LANES, Evaluator
from touchline.player.unrolls import Unrolls
from touchline.player.waves import Waves
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import episode_seeds
from touchline.policy.trajectory import Trajectory


def lanes_of(config: Config, *, base_seed: int, factory: Callable[..., Any] | None = None) -> Lanes:
    """The lanes that the config asks for; ``factory`` stands for ``env.id`` where the environment is an object.

    Raises EnvError.
    """
    spec = spec_of(config, factory)
    seeds = episode_seeds(base=base_seed, lanes=config.players.lanes)
    native = config.players.unroll_length != "episode"  # whole episodes need lanes stepped one by one
    return make_lanes(spec, config.players.lanes, seed_source=seeds, native=native)


def spec_of(config: Config, factory: Callable[..., Any] | None = None) -> EnvSpec:
    """What ``env`` says of the environment; ``factory`` stands for ``env.id`` where it is an object."""
    env = config.env
    return EnvSpec(
        id=factory if factory is not None else env.id,
        kwargs=env.kwargs,
        wrappers=env.wrappers,
        vectorize=env.vectorize,
    )


def evaluator_of(
    config: Config,
    policy: Policy,
    *,
    factory: Callable[..., Any] | None = None,
    progress: Callable[[int], bool] = lambda step: True,
) -> Evaluator:
    """What plays a run's evaluations: with no more copies of the environment at a time than a Player's lanes."""
    lanes = min(LANES, config.players.lanes)
    return Evaluator(spec_of(config, factory), policy, lanes=lanes, progress=progress, lenient=True)


def policy_for(config: Config, lanes: Lanes) -> Policy:
    """The policy that the config describes for the spaces of these lanes. Raises SpaceError."""
    return Policy.build(
        observation_space=lanes.observation_space,
        action_space=lanes.action_space,
        **policy_arguments(config),
    )


class Play:
    """A standing ``play`` order being carried out."""

    def __init__(
        self,
        lanes: Lanes,
        policy: Policy,
        arguments: Mapping[str, Any],
        *,
        base_seed: int,
        progress: Callable[[int], bool] = lambda step: True,
    ) -> None:
        """``arguments``: ``unroll_length`` (steps, or "episode"), ``hidden``, ``greedy``, as the order says them."""
        lanes.lenient = True  # the Trainer sets aside what is no number, and the run goes on
        length, hidden, greedy = arguments["unroll_length"], arguments["hidden"], arguments["greedy"]
        self._waves: Waves | None = None
        self._unrolls: Unrolls | None = None
        if length == "episode":
            self._waves = Waves(
                lanes, policy, base_seed=base_seed, keep_hidden=hidden, greedy=greedy, progress=progress
            )
        else:
            self._unrolls = Unrolls(
                lanes,
                policy,
                length=length,
                base_seed=base_seed,
                keep_hidden=hidden,
                greedy=greedy,
                progress=progress,
            )

    @property
    def outside(self) -> int:
        """How many numbers lay beyond the bounds of the observation space: wrong, but nothing to end a run for."""
        source = self._waves or self._unrolls
        return 0 if source is None else source.outside

    def results(self, snapshot: Snapshot, *, seq: int) -> Iterator[Trajectory]:
        """What one grant gives: one unroll, or a wave's games as they end; fewer when told to stop."""
        if self._waves is not None:
            yield from self._waves.collect(snapshot, result=seq)
        elif self._unrolls is not None:
            trajectory = self._unrolls.collect(snapshot, result=seq)
            if trajectory is not None:
                yield trajectory
