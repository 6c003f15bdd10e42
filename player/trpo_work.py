"""What a Player does for trust region steps: plays trajectories, and computes what the Trainer asks of them.

The Player has already done their forward pass: the hidden states are at hand, so that a curvature product costs none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from touchline.configs import Config
from touchline.player.play import evaluator_of, policy_for, spec_of
from touchline.player.replays import NumberedLanes, Replays
from touchline.player.work import Arrays, Held, UnknownOrder
from touchline.policy.announcing import announced
from touchline.policy.policy import Snapshot
from touchline.policy.seeds import evaluation_seed
from touchline.targets.fisher import check_natural, fisher_product
from touchline.targets.played import moved, surrogate_sums

ORDERS = {
    ("play", "trajectory"): {"number"},
    ("play", "test"): set[str](),
    ("rows", "fisher"): {"number"},
    ("rows", "surrogate"): {"number", "scale"},
}
"""The arguments of each order by its verb and ``what``."""


class TrpoWork:
    """A Player of a run by trust region steps: any Player gives the same results."""

    def __init__(
        self,
        config: Config,
        *,
        seed: int,
        factory: Callable[..., Any] | None = None,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """``seed``: of this Player, which nothing here depends on. Raises EnvError, SpaceError."""
        self._config = config
        self._lanes = NumberedLanes(
            spec_of(config, factory),
            lanes=config.players.lanes,
            length=config.trpo.steps,
            run_seed=config.seed,
            goes_on=goes_on,
        )
        lanes = self._lanes.lanes
        with contextlib.ExitStack() as undo:
            undo.callback(self._lanes.close)
            self._policy = policy_for(config, lanes)
            check_natural(self._policy)
            self.spaces: Mapping[str, Any] = announced(lanes.observation_space, lanes.action_space)
            undo.pop_all()
        self.facts: Mapping[str, Any] = asdict(lanes.facts)
        self.replays = Replays(self._lanes, self._policy, keep=config.tasks.parts)
        self._evaluator = evaluator_of(config, self._policy, factory=factory, progress=lambda step: goes_on())

    @property
    def outside(self) -> int:
        """Numbers of observations that lay outside their space."""
        return self._lanes.outside

    def carry_out(
        self, verb: str, arguments: Mapping[str, Any], held: Held, *, seq: int, count: int, standing: bool
    ) -> Iterator[Arrays]:
        """One result; none when told to stop on the way. The snapshot holds ``parameters`` float32 [size].

        ``play`` by ``what``: ``trajectory`` plays number ``number`` and gives a trajectory's arrays with its hidden
        states; ``test`` plays an evaluation, greedily.
        ``rows`` of trajectory ``number``: ``fisher`` gives ``product`` float64 [size], summed over its steps, with the
        snapshot's ``direction`` float64 [size]; ``surrogate`` gives ``sums`` float64 [3] (gain, divergence, steps) of
        the parameters ``scale`` times ``direction`` away, with ``advantages/<number>`` float32 [steps].

        Raises UnknownOrder, EnvironmentFault.
        """
        what = _what(verb, arguments)
        snapshot = Snapshot.from_arrays(self._policy, held.epoch, held.version, held.arrays)
        result = self._result(what, arguments, snapshot, held.arrays)
        if result is not None:
            yield result

    def close(self) -> None:
        """Release the environments. Closing twice does nothing."""
        self._lanes.close()
        self._evaluator.close()

    def _result(
        self, what: str, arguments: Mapping[str, Any], snapshot: Snapshot, arrays: Arrays
    ) -> Arrays | None:
        match what:
            case "test":
                return self._test(snapshot)
            case "trajectory":
                played = self.replays.play(snapshot, arguments["number"])
                return None if played is None else played.to_arrays()
            case "fisher":
                return self._fisher(snapshot, arrays, arguments["number"])
            case _:
                return self._surrogate(snapshot, arrays, **_without_what(arguments))

    def _test(self, snapshot: Snapshot) -> Arrays | None:
        episodes, seed = self._config.eval.episodes, evaluation_seed(self._config.seed)
        played = self._evaluator.play(snapshot, episodes=episodes, seed=seed)
        if played is None:
            return None
        return {
            "returns": np.array(played.returns, np.float64),
            "lengths": np.array(played.lengths, np.int64),
        }

    def _fisher(self, snapshot: Snapshot, arrays: Arrays, number: int) -> Arrays | None:
        rows = self.replays.rows(snapshot, number)
        if rows is None:
            return None
        w = snapshot.weights.flat.astype(np.float64)
        return {"product": fisher_product(self._policy, w, rows, arrays["direction"])}

    def _surrogate(self, snapshot: Snapshot, arrays: Arrays, *, number: int, scale: float) -> Arrays | None:
        rows = self.replays.rows(snapshot, number)
        if rows is None:
            return None
        candidate = moved(snapshot.weights.flat, arrays["direction"], scale=scale).astype(np.float64)
        advantages = arrays[f"advantages/{number}"].astype(np.float64)
        return {"sums": surrogate_sums(self._policy, candidate, rows, advantages)}


def _what(verb: str, arguments: Mapping[str, Any]) -> str:
    """Which order this is. Raises UnknownOrder."""
    what = str(arguments.get("what"))
    if ORDERS.get((verb, what)) != arguments.keys() - {"what"}:
        known = ", ".join(
            f"{verb} of {what} ({', '.join(sorted(more))})" for (verb, what), more in ORDERS.items()
        )
        raise UnknownOrder(f"order: expected {known}; found {verb} with {dict(arguments)}")
    return what


def _without_what(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name != "what"}
