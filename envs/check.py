"""Play an environment for a while, and say what is wrong with it as expected / found / where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import gymnasium
import numpy as np

from touchline.envs.contract import Breach, as_five, as_observation, as_pair, as_reward, breach_of, describe
from touchline.envs.errors import EnvironmentFault, UnsupportedSpace
from touchline.envs.make import facts_of
from touchline.envs.resolve import Factory, resolve
from touchline.envs.spaces import action_space, check_observations, observation_space
from touchline.envs.spec import EnvSpec
from touchline.policy.spaces import Box, leaves, path_text

Severity = Literal["error", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong (``error``), or worth knowing before a run (``note``)."""

    where: str
    expected: str
    found: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, found {self.found}"


def check(spec: EnvSpec, *, steps: int = 1000, seed: int = 0) -> list[Finding]:
    """Play ``steps`` random steps, twice, and return what was found; an empty list is a clean bill.

    Raises UnknownEnvironment, UnknownWrapper, MissingExtra or NotMade: then there is nothing to check.
    """
    factory = resolve(spec)
    env = factory.make()
    try:
        findings = list(_check_spaces(env))
        if not findings:
            first = _Play(env, seed=seed, steps=steps)
            findings = [*first.findings, *_check_again(factory, first, seed=seed, steps=steps)]
            findings += _check_facts(factory, env, first)
    finally:
        closed = _close(env)
    return list(dict.fromkeys([*findings, *closed]))


def report(spec: EnvSpec, findings: Sequence[Finding]) -> str:
    """The findings as text: one block each, errors first."""
    if not findings:
        return f"{spec.name}: nothing wrong was found"
    ordered = sorted(findings, key=lambda finding: finding.severity)
    errors = sum(finding.severity == "error" for finding in findings)
    lines = [f"{spec.name}: {_plural(errors, 'error')}, {_plural(len(findings) - errors, 'note')}"]
    for finding in ordered:
        lines += [
            f"{finding.severity}: {finding.where}",
            f"    expected  {finding.expected}",
            f"    found     {finding.found}",
        ]
    return "\n".join(lines)


class _Play:
    """Random steps in one environment: what was wrong, and a trace to compare another play with."""

    def __init__(self, env: gymnasium.Env[Any, Any], *, seed: int, steps: int) -> None:
        self.findings: list[Finding] = []
        self.trace: list[
            tuple[Any, ...]
        ] = []  # (observation,) of a reset, (observation, reward, ends) of a step
        self.ends = 0
        self._env, self._space = env, observation_space(env.observation_space)
        env.action_space.seed(seed)
        try:
            self._play(seed, steps)
        except Breach as breach:
            self._add(breach.where, breach.expected, breach.found)
        except EnvironmentFault as fault:
            self._add(fault.where, fault.expected, fault.found)

    def _play(self, seed: int, steps: int) -> None:
        self._reset(seed)
        for _ in range(steps):
            if self._step():
                self.ends += 1
                self._reset(seed + self.ends)

    def _reset(self, seed: int) -> None:
        result = _called("reset()", lambda: self._env.reset(seed=seed))
        observation = as_pair(result)
        self._info("reset()", result[1])
        self.trace.append((self._observed(observation),))

    def _step(self) -> bool:
        action = self._env.action_space.sample()
        result = as_five(_called("step()", lambda: self._env.step(action)))
        observation, reward, terminated, truncated, info = result
        for name, value in (("terminated", terminated), ("truncated", truncated)):
            if not isinstance(value, bool | np.bool_):
                self._add(name, "a bool", describe(value))
        self._info("step()", info)
        ends = bool(terminated), bool(truncated)
        self.trace.append((self._observed(observation), as_reward(reward), ends))
        return any(ends)

    def _observed(self, observation: Any) -> Any:
        array = np.array(as_observation(observation, self._space))
        check_observations(self._space, array[None], strict=True)
        return array

    def _info(self, where: str, info: Any) -> None:
        if not isinstance(info, dict):
            self._add(where, "a dict as info", describe(info))

    def _add(self, where: str, expected: str, found: str) -> None:
        self.findings.append(Finding(where, expected, found))


def _called(call: str, function: Any) -> Any:
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise breach_of(call, error) from error


def _close(env: gymnasium.Env[Any, Any]) -> list[Finding]:
    """A note where it raises, which a run overlooks: what was played counts."""
    try:
        _called("close()", env.close)
    except Breach as breach:
        return [Finding(breach.where, breach.expected, breach.found, "note")]
    return []


def _check_spaces(env: gymnasium.Env[Any, Any]) -> Iterator[Finding]:
    for convert, space in ((observation_space, env.observation_space), (action_space, env.action_space)):
        try:
            convert(space)
        except UnsupportedSpace as error:
            yield Finding(error.where, error.expected, f"{error.found}{error.hint and '. '}{error.hint}")


def _check_again(factory: Factory, first: _Play, *, seed: int, steps: int) -> list[Finding]:
    """The same seeds and actions in a second copy, which must give the same trace."""
    if first.findings or (factory.registered is not None and factory.registered.nondeterministic):
        return []
    env = factory.make()
    try:
        second = _Play(env, seed=seed, steps=steps)
    finally:
        _close(env)
    for index, (one, other) in enumerate(zip(first.trace, second.trace, strict=False)):
        if not _same(one, other):
            call = "reset(seed)" if len(one) == 1 else "step()"
            found = f"a difference at call {index} ({call}) under seed {seed}"
            return [Finding("determinism", "the same observations and rewards under the same seed", found)]
    return second.findings


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(one) == len(other) and np.array_equal(one[0], other[0]) and one[1:] == other[1:]


def _check_scales(env: gymnasium.Env[Any, Any]) -> Iterator[Finding]:
    """Notes on wrappers whose statistics each lane would keep for itself."""
    ours = {"NormalizeReward": "trainer.normalize_rewards", "NormalizeObservation": "env.normalize"}
    while isinstance(env, gymnasium.Wrapper):
        name = type(env).__name__
        if name in ours:
            wanted = f"one scale for all lanes, kept in checkpoints: {ours[name]}"
            yield Finding(f"wrapper {name}", wanted, "one in each lane, which no checkpoint keeps", "note")
        env = env.env


def _check_facts(factory: Factory, env: gymnasium.Env[Any, Any], play: _Play) -> Iterator[Finding]:
    yield from _check_scales(env)
    facts = facts_of(factory, env)
    if facts.reward_threshold is None:
        yield Finding("reward_threshold", "a return to stop at", "none: set stop.mean_return", "note")
    if play.ends == 0 and not play.findings and facts.max_episode_steps is None:
        found = f"none in {len(play.trace) - 1} random steps, and no time limit"
        yield Finding("episode", "an end", found, "note")
    space = action_space(env.action_space)
    for path, leaf in leaves(space):
        if not isinstance(leaf, Box) or np.isfinite((leaf.low, leaf.high)).all():
            continue
        where = path_text("action space", path)
        some = np.isfinite((leaf.low, leaf.high)).any()
        found = "a Box without some: actions are clipped on those sides alone that have one"
        yield Finding(
            where, "finite bounds", found if some else "a Box without: actions are not clipped", "note"
        )


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
