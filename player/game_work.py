"""The verb ``play``, the main job: unrolls or waves of episodes for learning, whole greedy episodes for evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from touchline.configs import Config
from touchline.player.play import Play, evaluator_of, lanes_of, policy_for
from touchline.player.work import Arrays, Held, UnknownOrder
from touchline.policy.announcing import announced
from touchline.policy.policy import Snapshot


class GameWork:
    """A Player of the main method: its lanes, its policy, and lanes of their own for evaluations."""

    def __init__(
        self,
        config: Config,
        *,
        seed: int,
        factory: Callable[..., Any] | None = None,
        progress: Callable[[int], bool] = lambda step: True,
        goes_on: Callable[[int], bool] = lambda step: True,
    ) -> None:
        """``progress(t)`` is told each step of an unroll, ``goes_on(t)`` each of an evaluation; both answer whether to
        go on.

        Raises EnvError and SpaceError.
        """
        self._seed, self._progress = seed, progress
        self._lanes = lanes_of(config, base_seed=seed, factory=factory)
        self._policy = policy_for(config, self._lanes)
        self._evaluator = evaluator_of(config, self._policy, factory=factory, progress=goes_on)
        self.spaces: Mapping[str, Any] = announced(self._lanes.observation_space, self._lanes.action_space)
        self.facts: Mapping[str, Any] = asdict(self._lanes.facts)
        self._play: Play | None = None
        self._arguments: Mapping[str, Any] = {}
        self._snapshot: Snapshot | None = None
        self._evaluated = 0  # results that were evaluations: the noise of the others is numbered without them

    @property
    def outside(self) -> int:
        """Numbers of observations that lay outside their space."""
        return 0 if self._play is None else self._play.outside

    def carry_out(
        self, verb: str, arguments: Mapping[str, Any], held: Held, *, seq: int, count: int, standing: bool
    ) -> Iterator[Arrays]:
        """One unroll or the games of a wave under the standing order; an evaluation under one given once."""
        if verb != "play":
            raise UnknownOrder(f"verb: expected play with method policy_gradient, found {verb}")
        snapshot = self._held(held)
        if not standing:
            yield from self._evaluate(arguments, snapshot, count)
            return
        for trajectory in self._play_of(arguments).results(snapshot, seq=seq - self._evaluated):
            yield trajectory.to_arrays(sparse=self._policy.form.sparse)

    def close(self) -> None:
        self._lanes.close()
        self._evaluator.close()

    def _evaluate(self, arguments: Mapping[str, Any], snapshot: Snapshot, count: int) -> Iterator[Arrays]:
        """Whole episodes on lanes of their own: those of the standing order go on afterwards as they stood."""
        self._evaluated += count
        played = self._evaluator.play(
            snapshot,
            episodes=arguments["episodes"],
            seed=arguments["seed"],
            greedy=arguments["greedy"],
        )
        if played is not None:
            yield played.to_arrays()

    def _play_of(self, arguments: Mapping[str, Any]) -> Play:
        """The lanes go on under the next standing order; only one is carried out at a time."""
        if self._play is None or arguments != self._arguments:
            self._arguments = arguments
            self._play = Play(
                self._lanes, self._policy, arguments, base_seed=self._seed, progress=self._progress
            )
        return self._play

    def _held(self, held: Held) -> Snapshot:
        if self._snapshot is None or (self._snapshot.epoch, self._snapshot.version) != (
            held.epoch,
            held.version,
        ):
            self._snapshot = Snapshot.from_arrays(self._policy, held.epoch, held.version, held.arrays)
        return self._snapshot
