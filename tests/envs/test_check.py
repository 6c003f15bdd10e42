"""What ``check`` finds, as expected / found / where."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from touchline.envs.check import Finding, check, report
from touchline.envs.errors import NotMade, UnknownEnvironment
from touchline.envs.spec import EnvSpec

GOOD = np.zeros(2, np.float32)


def errors(factory: Any, **options: Any) -> list[tuple[str, str, str]]:
    findings = check(EnvSpec(factory), steps=options.pop("steps", 60), **options)
    return [(one.where, one.expected, one.found) for one in findings if one.severity == "error"]


def notes(factory: Any, **spec: Any) -> list[str]:
    return [one.where for one in check(EnvSpec(factory, **spec), steps=60) if one.severity == "note"]


@pytest.mark.parametrize(
    "env_id",
    [
        "CartPole-v1",
        "touchline/Bandit-v0",
        "touchline/Corridor-v0",
        "touchline/Lock-v0",
        "touchline/Target-v0",
    ],
)
def test_good_environments_are_clean(env_id: str) -> None:
    assert check(EnvSpec(env_id), steps=300) == []


@pytest.mark.parametrize(
    ("result", "where", "expected", "found"),
    [
        ((GOOD, 0.0, False, {}), "step()", "five values", "a tuple of 4 values"),
        ((GOOD, float("nan"), False, False, {}), "reward", "a finite number", "nan"),
        ((GOOD, "a", False, False, {}), "reward", "a number", "'a'"),
        ((np.zeros(3, np.float32), 0.0, False, False, {}), "observation", "float32 [2]", "float32 [3]"),
        (
            (GOOD + 2e9, 0.0, False, False, {}),
            "observation",
            "from -1000000000.0 to",
            "2000000000.0 in element [0]",
        ),
        ((GOOD * np.nan, 0.0, False, False, {}), "observation", "a finite value", "nan"),
        ((GOOD, 0.0, 1, False, {}), "terminated", "a bool", "1"),
        ((GOOD, 0.0, False, None, {}), "truncated", "a bool", "None"),
        ((GOOD, 0.0, False, False, None), "step()", "a dict as info", "None"),
        (RuntimeError("boom"), "step()", "no exception", "RuntimeError: boom"),
        (SystemExit(5), "step()", "no exception", "SystemExit: 5"),
    ],
)
def test_a_broken_step_is_found(counter: Any, result: Any, where: str, expected: str, found: str) -> None:
    [(place, wanted, seen)] = errors(lambda: counter(length=9, at={5: result}))
    assert place == where
    assert expected in wanted
    assert found in seen


@pytest.mark.parametrize(
    ("result", "found"),
    [(GOOD, "an array of float32 [2]"), ((GOOD, None), "None"), (OSError("gone"), "OSError: gone")],
)
def test_a_broken_reset_is_found(counter: Any, result: Any, found: str) -> None:
    [(where, _, seen)] = errors(lambda: counter(on_reset=result))
    assert (where, seen) == ("reset()", found)


def test_an_environment_that_cannot_begin_again_is_found(counter: Any) -> None:
    class Once(counter):  # type: ignore[misc, valid-type]
        def reset(self, **options: Any) -> Any:
            if self.resets:
                raise RuntimeError("once only")
            return super().reset(**options)

    assert errors(Once) == [("reset()", "no exception", "RuntimeError: once only")]


def test_rewards_that_ignore_the_seed_are_found(counter: Any) -> None:
    rng = np.random.default_rng(0)

    class Noisy(counter):  # type: ignore[misc, valid-type]
        def step(self, action: Any) -> Any:
            observation, _, *rest = super().step(action)
            return (observation, float(rng.random()), *rest)

    [(where, expected, found)] = errors(Noisy)
    assert (where, found) == ("determinism", "a difference at call 1 (step()) under seed 0")
    assert "same seed" in expected


def test_a_reset_that_ignores_its_seed_is_found(counter: Any) -> None:
    rng = np.random.default_rng(0)

    class Deaf(counter):  # type: ignore[misc, valid-type]
        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            return super().reset(seed=int(rng.integers(1000)))

    [(where, _, found)] = errors(Deaf)
    assert (where, found) == ("determinism", "a difference at call 0 (reset(seed)) under seed 0")


def test_an_environment_known_to_be_random_is_not_blamed(counter: Any) -> None:
    rng = np.random.default_rng(0)

    class Deaf(counter):  # type: ignore[misc, valid-type]
        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            return super().reset(seed=int(rng.integers(1000)))

    gymnasium.register("test/Deaf-v0", Deaf, nondeterministic=True)
    try:
        assert errors("test/Deaf-v0") == []
    finally:
        del gymnasium.registry["test/Deaf-v0"]


def test_spaces_that_are_not_supported_are_found_together(counter: Any) -> None:
    class Odd(counter):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(action=spaces.Text(2))
            self.observation_space = spaces.Text(3)

    assert [(where, expected) for where, expected, _ in errors(Odd)] == [
        ("observation space", "one of Box, Discrete, MultiDiscrete, MultiBinary, Dict, Tuple"),
        ("action space", "one of Discrete, MultiDiscrete, MultiBinary, Box, Dict, Tuple"),
    ]


def test_notes_tell_what_is_worth_knowing_before_a_run(counter: Any) -> None:
    assert notes(counter) == ["reward_threshold"]
    assert notes(lambda: counter(length=10**6)) == ["reward_threshold", "episode"]
    unbounded = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    assert notes(lambda: counter(action=unbounded)) == ["reward_threshold", "action space"]


def test_every_copy_is_closed(counter: Any) -> None:
    made = []

    def factory() -> Any:
        made.append(counter())
        return made[-1]

    check(EnvSpec(factory), steps=5)
    assert [env.closed for env in made] == [1, 1]


def test_an_unknown_environment_is_raised_not_found() -> None:
    with pytest.raises(UnknownEnvironment):
        check(EnvSpec("CartPole-v7"))


def test_the_report_puts_errors_first() -> None:
    findings = [Finding("a", "b", "c", "note"), Finding("reward", "a number", "None")]
    assert report(EnvSpec("X-v0"), findings).splitlines() == [
        "X-v0: 1 error, 1 note",
        "error: reward",
        "    expected  a number",
        "    found     None",
        "note: a",
        "    expected  b",
        "    found     c",
    ]
    assert report(EnvSpec("X-v0"), []) == "X-v0: nothing wrong was found"
    assert str(findings[1]) == "reward: expected a number, found None"


class Parts(gymnasium.Env[Any, Any]):
    """Observations and actions of several parts; ``ill`` steps show a number beyond its bounds in one of them."""

    observation_space = spaces.Dict({"a": spaces.Box(0.0, 1.0, (2,), np.float32), "b": spaces.Discrete(3)})
    action_space = spaces.Tuple((spaces.Discrete(2), spaces.Box(-np.inf, np.inf, (1,), np.float32)))

    def __init__(self, ill: bool = False) -> None:
        self.ill = ill

    def seen(self) -> Any:
        return {
            "a": np.array([0.5, 3.0 if self.ill and self.steps else 0.5], np.float32),
            "b": self.steps % 3,
        }

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.seen(), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        return self.seen(), 0.0, self.steps >= 5, False, {}


def test_every_part_is_checked_and_named() -> None:
    assert errors(Parts) == []
    assert notes(Parts) == ["reward_threshold", "action space[1]"]
    ((where, expected, found),) = errors(lambda: Parts(ill=True))
    assert where == "observation['a']"
    assert (expected, found) == ("a finite value from 0.0 to 1.0", "3.0 in element [1]")


class Spaceless(gymnasium.Env[Any, Any]):
    """Lacks what ``without`` names, or raises for it."""

    action_space = spaces.Discrete(2)

    def __init__(self, raises: bool = False) -> None:
        self.raises = raises

    @property
    def observation_space(self) -> Any:
        if self.raises:
            raise RuntimeError("boom")
        return None


@pytest.mark.parametrize(
    ("raises", "said"),
    [
        (
            False,
            r"expected a gymnasium.Space in self.observation_space, found none. Give it in the class or in __init__",
        ),
        (True, "RuntimeError: boom"),
    ],
)
def test_an_environment_without_a_space_is_told_so(raises: bool, said: str) -> None:
    with pytest.raises(NotMade, match=said):
        check(EnvSpec(Spaceless, kwargs={"raises": raises}))


def test_a_constructor_that_exits_is_told() -> None:
    def made() -> Any:
        raise SystemExit(3)

    with pytest.raises(NotMade, match="SystemExit: 3"):
        check(EnvSpec(made))


def test_one_that_raises_when_it_is_closed_is_noted(counter: Any) -> None:
    def made() -> Any:
        env = counter(length=9)
        env.close = lambda: 1 / 0
        return env

    assert errors(made) == []
    assert "close()" in notes(made)


def test_what_no_network_is_built_for_comes_with_what_to_do() -> None:
    class Empty(Parts):
        observation_space = spaces.Box(0, 1, (0,), np.float32)

    ((where, _, found),) = errors(Empty)
    assert where == "observation space"
    assert found.endswith(". A Box holds at least one real number")
