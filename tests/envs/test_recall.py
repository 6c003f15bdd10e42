"""The memory task: what it shows, what memory reaches, and what no policy without one can."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from touchline.envs.errors import NotMade
from touchline.envs.recall import Recall
from touchline.envs.resolve import resolve
from touchline.envs.spec import EnvSpec


def played(env: Recall, cue: int, policy: Callable[[list[int]], int]) -> tuple[list[int], list[float]]:
    """The observations and rewards of one episode; the policy is given all observations so far."""
    first, _ = env.reset(seed=0, options={"cue": cue})
    seen, rewards, over = [int(first)], [], False
    while not over:
        observation, reward, over, truncated, _ = env.step(np.int64(policy(seen)))
        assert not truncated
        seen.append(int(observation))
        rewards.append(reward)
    return seen, rewards


def mean_return(env: Recall, policy: Callable[[list[int]], int]) -> float:
    """The expected return, every cue tried once."""
    return float(np.mean([sum(played(env, cue, policy)[1]) for cue in range(env.cues)]))


@pytest.mark.parametrize(
    ("cues", "delay", "shown"), [(2, 0, [1, 3, 3]), (2, 1, [1, 2, 3, 3]), (4, 3, [1, 4, 4, 4, 5, 5])]
)
def test_a_cue_then_nothing_then_the_question(cues: int, delay: int, shown: list[int]) -> None:
    """The last observation is that of the end, which nobody acts on."""
    seen, rewards = played(Recall(cues, delay), 1, lambda seen: 1)
    assert seen == shown
    assert rewards == [0.0] * (delay + 1) + [1.0]


@pytest.mark.parametrize(("cues", "delay"), [(2, 0), (3, 2), (4, 3), (5, 8)])
def test_memory_reaches_the_optimum(cues: int, delay: int) -> None:
    env = Recall(cues, delay)
    assert mean_return(env, lambda seen: seen[0]) == env.optimum == 1.0


@pytest.mark.parametrize(("cues", "delay"), [(2, 0), (2, 3), (3, 1)])
def test_no_policy_of_the_newest_observation_does_better_than_a_guess(cues: int, delay: int) -> None:
    """All of them, by enumeration; a policy that draws is a mixture of these."""
    env = Recall(cues, delay)

    def reached(table: Sequence[int]) -> float:
        return mean_return(env, lambda seen: table[seen[-1]])

    best = max(reached(table) for table in itertools.product(range(cues), repeat=cues + 2))
    assert best == pytest.approx(env.memoryless)


def test_one_observation_less_than_the_delay_is_not_enough_memory() -> None:
    env = Recall(3, 2)
    assert mean_return(env, lambda seen: min(seen[-4:][0], 2)) == 1.0
    assert mean_return(env, lambda seen: min(seen[-3:][0], 2)) == pytest.approx(env.memoryless)


def test_an_answer_before_the_question_is_neither_paid_nor_kept() -> None:
    answers = iter([1, 1, 1, 1, 0])
    assert sum(played(Recall(), 1, lambda seen: next(answers))[1]) == 0.0


def test_cues_are_drawn_evenly_from_the_seed() -> None:
    env = Recall()
    cues = [int(env.reset(seed=seed)[0]) for seed in range(400)]
    assert cues == [int(env.reset(seed=seed)[0]) for seed in range(400)]
    counts = np.bincount(cues, minlength=4)
    assert (abs(counts - 100) < 4 * np.sqrt(400 * 0.25 * 0.75)).all()


def test_the_threshold_is_out_of_reach_without_memory() -> None:
    env = resolve(EnvSpec("touchline/Recall-v0")).make()
    assert env.spec is not None
    threshold = env.spec.reward_threshold
    assert threshold is not None
    recall = env.unwrapped
    assert isinstance(recall, Recall)
    # A hundred guesses in a row, the usual window, come this high less often than once in 10^50 runs.
    assert recall.memoryless + 10 * np.sqrt(0.25 * 0.75 / 100) < threshold <= recall.optimum


@pytest.mark.parametrize("kwargs", [{"cues": 1}, {"delay": -1}])
def test_a_task_without_a_question_is_refused(kwargs: dict[str, int]) -> None:
    with pytest.raises(NotMade, match="expected two cues or more and a delay of 0 or more"):
        resolve(EnvSpec("touchline/Recall-v0", kwargs=kwargs)).make()
