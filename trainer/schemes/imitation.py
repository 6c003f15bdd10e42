"""The best episodes imitated (document 002; with the percentile sieve the cross-entropy method).

A round is ``tasks.parts`` orders of whole episodes, some of them at random, and a greedy test of each model. Players
send the steps that their sieve kept; here they are remembered for some rounds and fitted by cross-entropy. The rows of
an older policy are rows like others, so that staleness is borne. Two models are document 002's two executors: results
train one and the other in turn, and each is trained by what both have played.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.policy.contents import observation_fault, range_fault
from touchline.policy.normalizer import Statistics
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import shuffle_stream, weights_stream
from touchline.policy.spaces import from_plain, raw_dtype, raw_shape
from touchline.targets.imitation import actions_of, check_imitable, row_dtype, snapshot_name
from touchline.targets.optimizers import Optimizer
from touchline.targets.sieve import check_goal
from touchline.trainer.imitating import Buffer, Fit, Fitted, Rows, fit
from touchline.trainer.optimizers import scheduled
from touchline.trainer.policy_gradient import optimizer_of, policy_of
from touchline.trainer.scheme import (
    Arrays,
    Merged,
    ResultError,
    Returned,
    Task,
    expect,
)
from touchline.trainer.soundness import check_weights
from touchline.trainer.training import goal_of, weights_of

FIRST_TEST = -1  # the number of the tests that enter no round: always the same episodes
MOST_GROWTH = 2  # by which the episodes of an order may change from one round to the next


class Imitation:
    """The models, their optimisers and the rows they remember."""

    bears_staleness = True
    ageless = False
    rounds_in_all = None

    def __init__(self, config: Config, policy: Policy, *, goal: float | None) -> None:
        """``goal``: the return that solves an episode; None: there is none. Raises SpaceError, TargetError."""
        check_imitable(policy)
        if config.imitation.sieve == "fixed":
            check_goal(goal)
        self._config, self._policy, self._goal = config, policy, goal
        rng = weights_stream(config.seed)
        self._models = [_Model(policy, config, rng) for _ in range(config.imitation.models)]
        self._episodes = config.imitation.episodes
        self._plays = self._tests = self._fits = 0  # given out so far, and made
        self._steps = self._received = 0  # of the environment, and rows
        self._solved_by: int | None = None

    @staticmethod
    def of(config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Imitation:
        """For what a Player announced. Raises SpaceError, TargetError."""
        actions_of(from_plain(spaces["action"]))  # before there is a policy: it says what would work
        policy = policy_of(config, from_plain(spaces["observation"]), from_plain(spaces["action"]))
        goal = config.imitation.goal
        return Imitation(config, policy, goal=goal_of(config, facts) if goal is None else goal)

    def arrays(self) -> Arrays:
        """The weights of each model, float32 [size]."""
        return {snapshot_name(number): model.flat for number, model in enumerate(self._models)}

    def round(self) -> Sequence[Task]:
        """Orders numbered on and on, the first of a round at random; then the tests, where there is a goal."""
        parts = self._config.tasks.parts
        random = round(self._config.imitation.random * parts)
        best = "sampled" if self._config.imitation.explore else "greedy_first_random"
        tasks = [self._play("random" if part < random else best) for part in range(parts)]
        if self._goal is None:
            return tasks
        return [*tasks, *(self._test(model) for model in range(len(self._models)))]

    def test(self) -> Sequence[Task]:
        """Greedy episodes of the first model, all of them whatever they bring."""
        return [self._task("test", self._config.imitation.consecutive, FIRST_TEST, 0, goal=None)]

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        """Their mean return."""
        return {"test_return": _mean_score(results)}

    def check(self, task: Task, arrays: Arrays) -> None:
        """Raises ResultError."""
        if task.arguments["mode"] == "test":
            names = _check_test(task, arrays)
        else:
            names = _check_rows(task, arrays, self._policy)
        if self._config.imitation.order_seconds is not None and not task.evaluates:
            names.add("seconds")
            expect(arrays, "seconds", shape=(1,))
        unknown = ", ".join(sorted(arrays.keys() - names))
        if unknown:
            raise ResultError(f"result: expected {', '.join(sorted(names))}, found {unknown} too")

    def merge(self, results: Sequence[Returned]) -> Merged:
        """The next version where rows came; the end where a test was passed, at the version that passed it."""
        plays = [one for one in results if not one.task.evaluates]
        tests = [one for one in results if one.task.evaluates]
        steps = sum(int(one.arrays["lengths"].sum()) for one in results)
        self._steps += steps
        self._received += sum(int(one.arrays["kept"].sum()) for one in plays)
        passed = next((one for one in tests if self._passes(one)), None)
        chosen = [one for one in plays if one.task.arguments["mode"] != "random"]
        returns = _numbers(chosen, "scores")
        played = Merged(
            changed=False,
            evaluations=steps,
            error=-float(np.mean(returns)) if returns else None,
            returns=returns,
            lengths=_numbers(chosen, "lengths"),
        )
        if passed is not None:
            return self._solved(passed, replace(played, measures=self._measures(plays, tests, ())))
        fitted = self._fit(plays)
        self._adapt(plays)
        return replace(played, changed=bool(fitted), measures=self._measures(plays, tests, fitted))

    def weights(self) -> Arrays:
        """The first model's parameters by name, as a checkpoint of any policy has them."""
        statistics = Statistics.empty(self._policy.features)
        snapshot = Snapshot.of(self._policy, 0, 0, self._models[0].flat, statistics)
        return weights_of(self._policy, snapshot)

    def state(self) -> Arrays:
        """Optimisers, other models and counters. The rows are not kept: whoever goes on gathers new ones."""
        arrays: dict[str, NDArray[Any]] = {
            "counters": np.array([self._plays, self._tests, self._fits, self._steps, self._episodes])
        }
        for number, model in enumerate(self._models):
            arrays |= {f"{name}/{number}": array for name, array in model.optimizer.state().items()}
            if number:
                arrays[snapshot_name(number)] = model.flat
        return arrays

    def facts(self) -> Mapping[str, Any]:
        """The goal, how many rows came in all, and which model reached it."""
        return {"goal": self._goal, "rows_received": self._received, "solved_by": self._solved_by}

    def _play(self, mode: str) -> Task:
        models = len(self._models)
        number, self._plays = self._plays, self._plays + 1
        return self._task(mode, self._episodes, number, number // models % models, goal=self._goal)

    def _test(self, model: int) -> Task:
        number, self._tests = self._tests, self._tests + 1
        return self._task("test", self._config.imitation.consecutive, number, model, goal=self._goal)

    def _task(self, mode: str, episodes: int, number: int, model: int, *, goal: float | None) -> Task:
        arguments = {"mode": mode, "episodes": episodes, "number": number, "model": model, "goal": goal}
        return Task("play", arguments, evaluates=mode == "test")

    def _passes(self, test: Returned) -> bool:
        scores = test.arrays["scores"]
        return len(scores) == test.task.arguments["episodes"] and bool((scores >= self._goal).all())

    def _solved(self, passed: Returned, played: Merged) -> Merged:
        """The end: what passed becomes the live first model where it is not that already, and its test its error."""
        number = passed.task.arguments["model"]
        flat = passed.base[snapshot_name(number)]
        changed = not np.array_equal(flat, self._models[0].flat)
        if changed:
            self._models[0].flat = np.array(flat)
        self._solved_by = number
        count = self._config.imitation.consecutive
        return replace(
            played,
            changed=changed,
            error=-_mean_score([passed]),
            of_new=True,
            done=f"solved: {count} greedy episodes in a row reached {self._goal:g}",
            solved=True,
        )

    def _fit(self, plays: Sequence[Returned]) -> list[Fitted]:
        """Fit each model to what it remembers, where there is something new among it."""
        fitted = []
        for number, model in enumerate(self._models):
            rows = [_rows(one) for one in plays if one.task.arguments["number"] % len(self._models) == number]
            if not any(map(len, rows)):
                continue  # a fit to the same rows again would only wear them in
            model.buffer.add(rows)
            rng = shuffle_stream(run_seed=self._config.seed, update=self._fits)
            fitted.append(model.fit(self._how(), rng))
            self._fits += 1
        return fitted

    def _how(self) -> Fit:
        optimizer, imitation = self._config.optimizer, self._config.imitation
        rate = scheduled(
            optimizer.learning_rate,
            schedule=optimizer.schedule,
            steps=self._steps,
            total=self._config.stop.steps,
        )
        return Fit(imitation.epochs, imitation.batch_rows, rate, optimizer.max_gradient_norm)

    def _adapt(self, plays: Sequence[Returned]) -> None:
        """So many episodes an order that it takes about ``imitation.order_seconds``."""
        wanted = self._config.imitation.order_seconds
        if wanted is None or not plays:
            return
        seconds = sum(float(one.arrays["seconds"][0]) for one in plays)
        each = max(seconds / sum(len(one.arrays["scores"]) for one in plays), 1e-9)
        most, least = self._episodes * MOST_GROWTH, max(1, self._episodes // MOST_GROWTH)
        self._episodes = min(most, max(least, round(wanted / each)))

    def _measures(
        self, plays: Sequence[Returned], tests: Sequence[Returned], fitted: Sequence[Fitted]
    ) -> dict[str, float]:
        found = {"rows_received": float(self._received)}
        if plays:
            scores = np.concatenate([one.arrays["scores"] for one in plays])
            chosen = scores[np.concatenate([one.arrays["kept"] for one in plays]) > 0]
            found |= {"score_mean": float(scores.mean()), "score_best": float(scores.max())}
            found |= {"threshold": float(chosen.min())} if len(chosen) else {}
        if fitted:
            found["rows"] = float(sum(len(model.buffer) for model in self._models))
            found["cross_entropy_before"] = float(np.mean([one.before for one in fitted]))
            found["cross_entropy"] = float(np.mean([one.after for one in fitted]))
        return found | ({"test_mean": _mean_score(tests)} if tests else {})


class _Model:
    """One policy's weights, with what trains them."""

    def __init__(self, policy: Policy, config: Config, rng: np.random.Generator) -> None:
        self._policy = policy
        self.flat = policy.network.init(rng)  # float32 [size], a new array each version
        self.optimizer: Optimizer = optimizer_of(config, len(self.flat))
        self.buffer = Buffer(keep=config.imitation.keep)

    def fit(self, how: Fit, rng: np.random.Generator) -> Fitted:
        """Raises NotFinite where the weights become what is no number."""
        flat = self.flat.copy()
        fitted = fit(self._policy, flat, self.buffer.rows(), how, optimizer=self.optimizer, rng=rng)
        check_weights(flat, self._policy.network.layout)
        self.flat = flat
        return fitted


def _check_test(task: Task, arrays: Arrays) -> set[str]:
    scores = arrays.get("scores")
    played = 0 if scores is None else scores.size
    if task.arguments["goal"] is None or not 1 <= played <= task.arguments["episodes"]:
        played = task.arguments["episodes"]
    _check_episodes(arrays, played)
    return {"scores", "lengths"}


def _check_rows(task: Task, arrays: Arrays, policy: Policy) -> set[str]:
    lengths = _check_episodes(arrays, task.arguments["episodes"])
    kept = expect(arrays, "kept", shape=lengths.shape, dtype="int64")
    if ((kept < 0) | (kept > lengths)).any():
        raise ResultError(f"kept: expected 0 to the length of each episode, found {kept.tolist()[:8]}")
    rows, space = int(kept.sum()), policy.observation_space
    shape = (rows, *raw_shape(space))
    observations = expect(arrays, "observations", shape=shape, dtype=raw_dtype(space))
    actions = actions_of(policy.action_space)
    taken = expect(arrays, "actions", shape=(rows,), dtype=row_dtype(actions))
    for fault in (
        observation_fault("observations", space, observations),
        range_fault("actions", taken, low=0, stop=actions),
    ):
        if fault is not None:
            raise ResultError(fault)
    return {"scores", "lengths", "kept", "observations", "actions"}


def _check_episodes(arrays: Arrays, episodes: int) -> NDArray[Any]:
    expect(arrays, "scores", shape=(episodes,))
    lengths = expect(arrays, "lengths", shape=(episodes,), dtype="int64")
    if (lengths < 1).any():
        raise ResultError(f"lengths: expected 1 or more, found {lengths.min()}")
    return lengths


def _rows(result: Returned) -> Rows:
    actions = result.arrays["actions"].astype(np.intp)
    weights = np.full(len(actions), result.weight, np.float32)
    return Rows(result.arrays["observations"], actions, weights)


def _numbers(results: Iterable[Returned], name: str) -> list[Any]:
    return [number for one in results for number in one.arrays[name].tolist()]


def _mean_score(results: Iterable[Returned]) -> float:
    return float(np.mean(_numbers(results, "scores")))
