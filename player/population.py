"""Episodes of many policies at once: each lane plays with parameters of its own, and takes the next when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import EnvironmentFault
from touchline.envs.lanes import Ended, Lanes, StepBuffers
from touchline.envs.make import make_lanes
from touchline.envs.spaces import check_observations
from touchline.envs.spec import EnvSpec
from touchline.player.locating import relocated
from touchline.policy.actions import environment_actions
from touchline.policy.dense import activate
from touchline.policy.inputs import only_array
from touchline.policy.policy import Policy
from touchline.policy.torso import DenseTorso

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]


class Played(NamedTuple):
    """Whole episodes of n policies, E each, in the order of their seeds."""

    returns: NDArray[np.float64]  # float64 [n, E]
    lengths: NDArray[np.int64]  # int64 [n, E]


class Game(NamedTuple):
    """One episode to be played."""

    policy: int  # which of the policies
    episode: int  # which of its episodes
    seed: int
    parameters: FloatArray  # float32 [size]


def serves(policy: Policy) -> bool:
    """Whether the network is dense layers alone, which many can go through at a time."""
    plain = type(policy.network.torso) is DenseTorso and policy.network.core is None
    return plain and not policy.form.sparse and not policy.normalized and not policy.reading.images


class Population:
    """Plays greedily on lanes that are kept.

    A lane's forward pass is made with the shapes of a lane alone, so that what it plays depends on its parameters and
    its seed, not on what is played beside it.
    """

    def __init__(self, spec: EnvSpec, lanes: int, *, goes_on: Callable[[], bool] = lambda: True) -> None:
        """``goes_on()`` is asked each step. Raises EnvError."""
        self._goes_on = goes_on
        self._games: Iterator[Game] = iter(())
        self._coming: list[Game | None] = [None] * lanes
        self.lanes: Lanes = make_lanes(spec, lanes, seed_source=self._next_seed, native=False)
        self.outside = 0  # numbers beyond the bounds of the observation space
        self._buffers = StepBuffers.allocate(self.lanes.observation_space, lanes)

    def play(self, policy: Policy, parameters: Iterator[FloatArray], seeds: Sequence[int]) -> Played | None:
        """An episode of each seed by each policy, float32 ``[size]`` one after another; None when told to stop.

        Raises EnvironmentFault.
        """
        self._games = _games(parameters, seeds)
        forward, out = _Forward(policy, self.lanes.count), self._buffers
        to_environment = environment_actions(policy.action_space, squash=policy.form.squash)
        self.lanes.reset(None, out.observations)
        playing = [self._take(forward, lane) for lane in range(self.lanes.count)]
        found: dict[tuple[int, int], tuple[float, int]] = {}
        active = np.array([game is not None for game in playing])
        while active.any():
            some = None if active.all() else active
            self._look(some)
            actions = to_environment(forward(out.observations))
            self.lanes.step(actions, out, some)
            for ended in out.ended:
                _keep(found, playing[ended.lane], ended)
                taken = playing[ended.lane] = self._take(forward, ended.lane)
                active[ended.lane] = taken is not None
            if not self._goes_on():
                return None
        return _played(found, len(seeds))

    def close(self) -> None:
        self.lanes.close()

    def _next_seed(self, lane: int, episode: int) -> int:
        """Of the next game, which this lane plays; any where there is none."""
        game = self._coming[lane] = next(self._games, None)
        return 0 if game is None else game.seed

    def _take(self, forward: _Forward, lane: int) -> Game | None:
        game, self._coming[lane] = self._coming[lane], None
        if game is not None:
            forward.parameters[lane] = game.parameters
        return game

    def _look(self, some: NDArray[np.bool_] | None) -> None:
        """At what the lanes that play are about to act on: all (None), or ``some``."""
        lanes, space, seen = self.lanes, self.lanes.observation_space, self._buffers.observations
        try:
            self.outside += check_observations(space, seen if some is None else seen[some], strict=False)
        except EnvironmentFault as fault:
            lane = fault.lane or 0
            lane = lane if some is None else int(np.flatnonzero(some)[lane])
            place = {"lane": lane, "seed": lanes.seeds[lane], "step": lanes.lengths[lane]}
            raise relocated(fault, **place, actions=np.empty(0)) from None


class _Forward:
    """The likeliest actions of B lanes, each by its own row of ``parameters`` float32 ``[B, size]``."""

    def __init__(self, policy: Policy, lanes: int) -> None:
        network, form = policy.network, policy.form
        self._policy = policy
        self._scratch = policy.reading.scratch(lanes)
        self.parameters = np.zeros((lanes, network.layout.size), np.float32)
        views = {
            slot.name: self.parameters[:, slot.start : slot.stop].reshape(lanes, *slot.shape)
            for slot in network.layout.slots
        }
        torso = "torso" if network.shared else "policy"
        names = [f"{torso}/{layer}" for layer in range(len(form.hidden))] + ["policy/head"]
        self._layers = [(views[f"{name}/weight"], views.get(f"{name}/bias")) for name in names]
        self._log_std = views.get("policy/log_std")

    def __call__(self, observations: AnyArray) -> AnyArray:
        """Raw observations ``[B, ...]`` -> actions as the distribution draws them, ``[B, ...]``."""
        policy = self._policy
        h = only_array(policy.reading.inputs(observations, None, self._scratch))[:, None]
        for number, (weight, bias) in enumerate(self._layers):
            h = np.matmul(h, weight)  # a product for each lane
            if bias is not None:
                h += bias[:, None]
            if number < len(self._layers) - 1:
                activate(policy.form.activation, h)
        head = h[:, 0]
        if not policy.network.head_form.plain:
            # Any lane's deviation will do: the mode of a distribution does not depend on it.
            head = policy.network.head_form.head(head, None if self._log_std is None else self._log_std[0])
        return policy.distribution.mode(head)


def _games(parameters: Iterator[FloatArray], seeds: Sequence[int]) -> Iterator[Game]:
    for policy, flat in enumerate(parameters):
        for episode, seed in enumerate(seeds):
            yield Game(policy, episode, seed, flat)


def _keep(found: dict[tuple[int, int], tuple[float, int]], game: Game | None, ended: Ended) -> None:
    assert game is not None, "only lanes with a game are stepped"
    found[game.policy, game.episode] = (ended.episode_return, ended.length)


def _played(found: dict[tuple[int, int], tuple[float, int]], episodes: int) -> Played:
    numbers = [found[key] for key in sorted(found)]
    returns = np.array([one[0] for one in numbers], np.float64).reshape(-1, episodes)
    return Played(returns, np.array([one[1] for one in numbers], np.int64).reshape(-1, episodes))
