"""The verb ``play`` with a sieve: whole episodes, of which only the steps worth imitating are sent."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.player.games import Game, Games
from touchline.player.play import policy_for, spec_of
from touchline.player.work import Arrays, Held, UnknownOrder
from touchline.policy.announcing import announced
from touchline.policy.policy import Snapshot
from touchline.policy.seeds import imitation_seed
from touchline.targets.imitation import actions_of, check_imitable, row_dtype, snapshot_name
from touchline.targets.sieve import best_episodes, kept_steps

Mode = Literal["sampled", "greedy_first_random", "random", "test"]
MODES: tuple[Mode, ...] = get_args(Mode)
RANDOM_STEPS: Mapping[Mode, int | None] = {
    "sampled": 0, "greedy_first_random": 1, "random": None, "test": 0
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlayOrder:
    """What an order asks for. ``number``: which seeds episodes and actions follow from, with the run's; ``model``:
    whose policy plays; ``goal``: the return that solves an episode, None: there is none."""

    mode: Mode
    episodes: int
    number: int
    model: int
    goal: float | None

    @staticmethod
    def of(verb: str, arguments: Mapping[str, Any]) -> PlayOrder:
        """Raises UnknownOrder."""
        names = list(PlayOrder.__dataclass_fields__)
        if verb != "play" or sorted(arguments) != sorted(names) or arguments["mode"] not in MODES:
            raise UnknownOrder(
                f"order: expected play with {', '.join(names)}, mode one of {', '.join(MODES)}, "
                f"found {verb} with {dict(arguments)}"
            )
        return PlayOrder(**arguments)


class ImitationWork:
    """A Player of a run by imitation: plays orders of whole episodes, the same whoever plays them."""

    def __init__(
        self,
        config: Config,
        *,
        seed: int,
        factory: Callable[..., Any] | None = None,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """``seed``: of this Player, which nothing here depends on. Raises EnvError, SpaceError."""
        self._config, self._goes_on = config, goes_on
        self._games = Games(
            spec_of(config, factory), lanes=config.players.lanes, progress=lambda step: goes_on()
        )
        lanes = self._games.lanes
        with contextlib.ExitStack() as undo:
            undo.callback(self._games.close)
            actions = actions_of(lanes.action_space)  # before there is a policy: it says what would work
            self._policy = policy_for(config, lanes)
            check_imitable(self._policy)
            self.spaces: Mapping[str, Any] = announced(lanes.observation_space, lanes.action_space)
            undo.pop_all()
        self._row_dtype = row_dtype(actions)
        self.facts: Mapping[str, Any] = asdict(lanes.facts)

    @property
    def outside(self) -> int:
        """Numbers of observations that lay outside their space."""
        return self._games.outside

    def carry_out(
        self, verb: str, arguments: Mapping[str, Any], held: Held, *, seq: int, count: int, standing: bool
    ) -> Iterator[Arrays]:
        """One result; none when told to stop on the way. Raises UnknownOrder, EnvironmentFault.

        ``scores`` float64 ``[n]`` and ``lengths`` int64 ``[n]`` of all episodes. Of those that are to be learnt from
        also ``kept`` int64 ``[n]``, the steps that the sieve kept of each, and these K steps in the order of the
        episodes: ``observations`` ``[K, ...]`` raw, ``actions`` ``[K]``. ``seconds`` float64 ``[1]`` where orders are
        cut by the time they take.
        """
        order = PlayOrder.of(verb, arguments)
        began = time.perf_counter()
        games = self._played(order, self._snapshot(held, order.model))
        if games is None:
            return
        arrays = {
            "scores": np.array([game.score for game in games], np.float64),
            "lengths": np.array([game.length for game in games], np.int64),
        }
        if order.mode != "test":
            arrays |= self._rows(order, games)
            if self._config.imitation.order_seconds is not None:
                arrays["seconds"] = np.array([time.perf_counter() - began])
        yield arrays

    def close(self) -> None:
        """Release the environments. Closing twice does nothing."""
        self._games.close()

    def _snapshot(self, held: Held, model: int) -> Snapshot:
        name = snapshot_name(model)
        return Snapshot.from_arrays(self._policy, held.epoch, held.version, {"parameters": held.arrays[name]})

    def _played(self, order: PlayOrder, snapshot: Snapshot) -> list[Game] | None:
        """The order's games; of a test those up to the first that misses the goal. None when told to stop."""
        tests = order.mode == "test"
        games: list[Game] = []
        for wave in self._games.play(
            self._policy,
            snapshot,
            episodes=order.episodes,
            seed=imitation_seed(run_seed=self._config.seed, number=order.number, test=tests),
            greedy=order.mode in {"greedy_first_random", "test"},
            random_steps=RANDOM_STEPS[order.mode],
        ):
            for game in wave:
                games.append(game)
                if tests and order.goal is not None and game.score < order.goal:
                    return games
        return games if len(games) == order.episodes else None

    def _rows(self, order: PlayOrder, games: Sequence[Game]) -> dict[str, NDArray[Any]]:
        """The steps that the sieve keeps. A first step that was random is never among them."""
        masks = self._sieved(order, games)
        if RANDOM_STEPS[order.mode] != 0:
            for mask in masks:
                mask[:1] = False
        kept = list(zip(games, masks, strict=True))
        return {
            "observations": np.concatenate([game.observations[mask] for game, mask in kept]),
            "actions": np.concatenate([game.actions[mask] for game, mask in kept]).astype(self._row_dtype),
            "kept": np.array([np.count_nonzero(mask) for mask in masks], np.int64),
        }

    def _sieved(self, order: PlayOrder, games: Sequence[Game]) -> list[NDArray[np.bool_]]:
        settings = self._config.imitation
        if settings.sieve == "percentile":
            chosen = best_episodes(scores=np.array([game.score for game in games]), best=settings.best)
            good = set(chosen.tolist())
            return [np.full(game.length, number in good) for number, game in enumerate(games)]
        assert order.goal is not None, "the Trainer gives one with fixed thresholds"
        return [
            kept_steps(
                rewards=game.rewards,
                score=game.score,
                goal=order.goal,
                take=settings.take,
                clean=settings.clean,
                cut=settings.cut,
            )
            for game in games
        ]
