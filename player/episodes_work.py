"""The verb ``points`` with an environment as what is minimised: minus the mean return of a policy's parameters.

A policy plays greedily, and all points of an iteration play the same episodes: what they differ in is their
parameters alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.player.evaluate import LANES, Evaluator, seeds_of
from touchline.player.play import policy_for, spec_of
from touchline.player.population import Played, Population, serves
from touchline.player.work import Arrays, Held, UnknownOrder
from touchline.policy.announcing import announced
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import evaluation_seed, points_seed
from touchline.targets.best import best_of
from touchline.targets.grid import Grid
from touchline.targets.numbered import drawn, perturbed

FloatArray = NDArray[np.floating[Any]]
WHATS = ("grid", "draws", "evolution", "centre")


class EpisodesWork:
    """A Player that scores policies by whole episodes."""

    def __init__(
        self,
        config: Config,
        *,
        seed: int,
        factory: Callable[..., Any] | None = None,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """``seed``, the Player's own, is of no use here: any Player plays the same. Raises EnvError, SpaceError."""
        self._config, self._goes_on = config, goes_on
        spec = spec_of(config, factory)
        self._population = Population(spec, config.players.lanes, goes_on=goes_on)
        lanes = self._population.lanes
        try:
            self._policy = policy_for(config, lanes)
            self.spaces: Mapping[str, Any] = announced(lanes.observation_space, lanes.action_space)
        except Exception:
            self._population.close()
            raise
        self.facts: Mapping[str, Any] = asdict(lanes.facts)
        self._one_by_one: Evaluator | None = None
        if not serves(self._policy):
            self._population.close()
            self._one_by_one = Evaluator(
                spec, self._policy, lanes=min(LANES, config.players.lanes), progress=lambda step: goes_on()
            )

    @property
    def outside(self) -> int:
        return (self._one_by_one or self._population).outside

    def carry_out(
        self, verb: str, arguments: Mapping[str, Any], held: Held, *, seq: int, count: int, standing: bool
    ) -> Iterator[Arrays]:
        """One result; none when told to stop on the way. ``arguments`` are by ``what``, over the numbers [``start``,
        ``stop``) of the round ``iteration``; the snapshot holds ``parameters`` float32 [size].

        ``grid``, ``draws``: ``best`` float64 [2], the least value and the number it is at (as over a table).
        ``evolution``: ``values`` float64 [stop − start], the mean return of each perturbation.
        ``centre``: the snapshot itself, played by an evaluation's seeds.
        Each with ``returns`` float64 and ``lengths`` int64 of all episodes, number by number.

        Raises UnknownOrder, EnvironmentFault.
        """
        what = arguments.get("what")
        if verb != "points" or what not in WHATS:
            raise UnknownOrder(
                f"verb: expected points of {', '.join(WHATS)} with an environment, found {verb} of {what}"
            )
        base = Snapshot.from_arrays(self._policy, held.epoch, held.version, held.arrays)
        result = self._centre(base) if what == "centre" else self._points(what, arguments, base.weights.flat)
        if result is not None:
            yield result

    def close(self) -> None:
        self._population.close()
        if self._one_by_one is not None:
            self._one_by_one.close()

    def _points(self, what: str, arguments: Mapping[str, Any], base: FloatArray) -> Arrays | None:
        numbers, iteration = range(arguments["start"], arguments["stop"]), arguments["iteration"]
        points = _points_of(self._config, what, base, iteration)
        # A search compares points of different rounds: the episodes are then the same for the whole run.
        seed = points_seed(run_seed=self._config.seed, iteration=iteration if what == "evolution" else 0)
        episodes = self._config.evolution.episodes
        played = self._play((points(number) for number in numbers), seed=seed, episodes=episodes)
        if played is None:
            return None
        scores = played.returns.mean(axis=1)
        if what == "evolution":
            return {"values": scores, **_flat(played)}
        return {"best": np.array(best_of(-scores, numbers), np.float64), **_flat(played)}

    def _centre(self, base: Snapshot) -> Arrays | None:
        seed, episodes = evaluation_seed(self._config.seed), self._config.eval.episodes
        played = self._play(iter([base.weights.flat]), seed=seed, episodes=episodes)
        return None if played is None else _flat(played)

    def _play(self, parameters: Iterator[FloatArray], *, seed: int, episodes: int) -> Played | None:
        if self._one_by_one is None:
            return self._population.play(self._policy, parameters, seeds_of(seed, episodes))
        return _one_by_one(self._one_by_one, self._policy, parameters, seed=seed, episodes=episodes)


def _points_of(config: Config, what: str, base: FloatArray, iteration: int) -> Callable[[int], FloatArray]:
    """From a number to parameters float32 ``[size]``."""
    seed, size = config.seed, len(base)
    match what:
        case "grid":
            search = config.search
            grid = Grid.of(search.low, search.high, search.step, size)
            return lambda number: grid.point(number).astype(np.float32)
        case "draws":
            radius = config.search.radius
            return lambda k: _single(
                drawn(base, radius=radius, seed=seed, iteration=iteration, numbers=range(k, k + 1))
            )
        case _:
            sigma = config.evolution.sigma
            return lambda k: _single(
                perturbed(base, sigma=sigma, seed=seed, iteration=iteration, numbers=range(k, k + 1))
            )


def _single(points: FloatArray) -> FloatArray:
    point: FloatArray = points[0].astype(np.float32)
    return point


def _flat(played: Played) -> dict[str, NDArray[Any]]:
    return {"returns": played.returns.reshape(-1), "lengths": played.lengths.reshape(-1)}


def _one_by_one(
    evaluator: Evaluator, policy: Policy, parameters: Iterator[FloatArray], *, seed: int, episodes: int
) -> Played | None:
    """As a ``Population`` plays, for networks that it does not serve."""
    seeds = seeds_of(seed, episodes)
    returns: list[Sequence[float]] = []
    lengths: list[Sequence[int]] = []
    for flat in parameters:
        statistics = policy.first_snapshot(np.random.default_rng(0), epoch=0).statistics
        snapshot = Snapshot.of(policy, 0, 0, flat, statistics)
        found = evaluator.play(snapshot, episodes=episodes, seed=seed)
        if found is None:
            return None
        games = dict(zip(found.seeds, zip(found.returns, found.lengths, strict=True), strict=True))
        returns.append([games[one][0] for one in seeds])
        lengths.append([games[one][1] for one in seeds])
    return Played(np.array(returns, np.float64), np.array(lengths, np.int64))
