"""Evaluation: a fixed number of whole episodes, so that short ones are not over-counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from touchline.envs.lanes import Lanes
from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.player.waves import Waves
from touchline.policy.evaluation import Evaluation
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import episode_seed, mix
from touchline.policy.trajectory import Trajectory

__all__ = ["LANES", "Evaluation", "Evaluator", "evaluate", "seeds_of"]

LANES = 16
Game = tuple[float, int, int]
"""An episode's return, length and seed."""


def evaluate(
    spec: EnvSpec,
    policy: Policy,
    snapshot: Snapshot,
    *,
    episodes: int,
    seed: int,
    greedy: bool = True,
    lanes: int = LANES,
) -> Evaluation:
    """Play ``episodes`` whole episodes in waves and report each. Raises EnvError."""
    with Evaluator(spec, policy, lanes=lanes) as evaluator:
        played = evaluator.play(snapshot, episodes=episodes, seed=seed, greedy=greedy)
    assert played is not None, "nothing could have told it to stop"
    return played


def seeds_of(seed: int, episodes: int) -> list[int]:
    """The seeds of an evaluation's episodes: they do not depend on how many lanes play them."""
    whole = episodes - episodes % LANES
    first, last = (_base(seed, group) for group in (0, 1))
    return [
        episode_seed(base=first, lane=number % LANES, episode=number // LANES)
        if number < whole
        else episode_seed(base=last, lane=number - whole, episode=0)
        for number in range(episodes)
    ]


class Evaluator:
    """Plays evaluations on lanes of its own, kept from one to the next: environments can take long to build."""

    def __init__(
        self,
        spec: EnvSpec,
        policy: Policy,
        *,
        lanes: int = LANES,
        progress: Callable[[int], bool] = lambda step: True,
        lenient: bool = False,
    ) -> None:
        """``progress(t)`` is told each step and answers whether to go on. ``lenient``: a game that comes to what is no
        number is no fault, but may have a return of NaN."""
        self._spec, self._lenient = spec, lenient
        self._policy, self._width, self._progress = policy, lanes, progress
        self._made: dict[int, tuple[Lanes, _Seeds]] = {}
        self.outside = 0  # numbers beyond the bounds of the observation space

    def play(self, snapshot: Snapshot, *, episodes: int, seed: int, greedy: bool = True) -> Evaluation | None:
        """The episodes of ``seed``; None when told to stop on the way. Raises EnvError and EnvironmentFault."""
        seeds = seeds_of(seed, episodes)
        whole = episodes - episodes % self._width
        games: list[Game] = []
        for group, part in enumerate((seeds[:whole], seeds[whole:])):
            games += self._waves(snapshot, part, base=_base(seed, group), greedy=greedy)
        if len(games) < episodes:
            return None
        returns, lengths, seeds_played = zip(*games, strict=True)
        return Evaluation(returns=returns, lengths=lengths, seeds=seeds_played)

    def prepare(self, *, episodes: int) -> None:
        """Build all that so many episodes need, so that what is wrong is said now. Raises EnvError."""
        whole, rest = divmod(episodes, self._width)
        for width in (self._width if whole else 0, rest):
            if width:
                self._lanes(width)

    def close(self) -> None:
        """Release the environments. Closing twice does nothing."""
        made, self._made = self._made, {}
        for lanes, _ in made.values():
            lanes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _waves(self, snapshot: Snapshot, seeds: Sequence[int], *, base: int, greedy: bool) -> Iterator[Game]:
        """The games of these episodes, as many at a time as there are lanes; fewer games when told to stop."""
        if not seeds:
            return
        width = min(self._width, len(seeds))
        lanes, source = self._lanes(width)
        waves = Waves(
            lanes, self._policy, base_seed=base, keep_hidden=False, greedy=greedy, progress=self._progress
        )
        for start in range(0, len(seeds), width):
            source.wave = seeds[start : start + width]
            ended = 0
            for game in waves.collect(snapshot, result=start):
                yield _numbers(game)  # a trajectory is not kept: that of a long episode of images is large
                ended += 1
            self.outside, waves.outside = self.outside + waves.outside, 0
            if ended < width:
                return

    def _lanes(self, width: int) -> tuple[Lanes, _Seeds]:
        if width not in self._made:
            source = _Seeds()
            made = make_lanes(self._spec, width, seed_source=source, native=False)
            made.lenient = self._lenient
            self._made[width] = made, source
        return self._made[width]


class _Seeds:
    """A seed source that is told the seeds of the next wave."""

    def __init__(self) -> None:
        self.wave: Sequence[int] = ()

    def __call__(self, lane: int, episode: int) -> int:
        return self.wave[lane]


def _numbers(game: Trajectory) -> Game:
    return float(game.episode_returns[0]), int(game.episode_lengths[0]), int(game.episode_seeds[0])


def _base(seed: int, group: int) -> int:
    return mix(6, seed, group) >> 1
