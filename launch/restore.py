"""From a run on disk back to a policy that plays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from touchline.configs import Config, load, policy_arguments
from touchline.envs.errors import UnsupportedSpace
from touchline.envs.resolve import resolve
from touchline.envs.spaces import action_space, observation_space
from touchline.envs.spec import EnvSpec
from touchline.policy.normalizer import Statistics
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.spaces import Box, Dict, Leaf, Space, Tuple, from_plain, inside, leaves
from touchline.record import Checkpoint, CheckpointError, RecordError, RunDirectory, load_checkpoint
from touchline.record.checkpoints import Which

STATISTICS = "normalizer/statistics"
MEASURE = "touchline eval gives its error on the rows"


@dataclass(frozen=True, slots=True)
class Restored:
    """A checkpoint's policy, the environment it was trained on, and the return it was to reach."""

    config: Config
    spec: EnvSpec
    policy: Policy
    snapshot: Snapshot
    goal: float | None

    def on(self, env: Callable[..., Any]) -> Restored:
        """The same policy on an environment object, for a run of one that has no name."""
        spec = replace(self.spec, id=env)
        check_spaces(spec, self.policy)
        return replace(self, spec=spec)


def restore(
    run: RunDirectory, which: Which = "latest", *, overrides: Sequence[tuple[str, str]] = ()
) -> Restored:
    """Read back a checkpoint. ``overrides`` are flags over the run's own config, for another environment.

    Raises CheckpointError, ConfigError, and RecordError for a run on a table; with ``overrides``, EnvError too.
    """
    if not run.config.exists():
        raise RecordError(f"{run.path}: it was ended before it had learnt anything; there is nothing to play")
    config = load(run.config, overrides).config
    if config.table.source is not None:
        raise RecordError(
            f"{run.path}: there is nothing to play: it is of the table {config.target}; {MEASURE}"
        )
    checkpoint = load_checkpoint(run, which)
    policy = _policy_of(config, checkpoint.state["spaces"])
    env = config.env
    spec = EnvSpec(id=env.id, kwargs=env.kwargs, wrappers=env.wrappers, vectorize=env.vectorize)
    if overrides:
        check_spaces(spec, policy)
    snapshot = _snapshot_of(policy, checkpoint, run)
    return Restored(config, spec, policy, snapshot, _goal_of(config, checkpoint.state))


def check_spaces(spec: EnvSpec, policy: Policy) -> None:
    """Refuse an environment that the policy was not made for. Raises EnvError."""
    env = resolve(spec).make()
    try:
        found = observation_space(env.observation_space), action_space(env.action_space)
    finally:
        env.close()
    wanted = policy.observation_space, policy.action_space
    for name, space, other in zip(("observation space", "action space"), wanted, found, strict=True):
        if not _alike(space, other):
            raise UnsupportedSpace(
                where=f"{spec.name}: {name}",
                expected=f"the one trained on, {_text(space)}",
                found=_text(other),
            )


def _alike(one: Space, other: Space) -> bool:
    """Whether a network fits both: the bounds of a Box may differ, and how many bits its floats have."""
    return [(path, _unbounded(leaf)) for path, leaf in leaves(one)] == [
        (path, _unbounded(leaf)) for path, leaf in leaves(other)
    ]


def _unbounded(leaf: Leaf) -> object:
    return (leaf.shape, _numbers(leaf)) if isinstance(leaf, Box) else leaf


def _numbers(box: Box) -> str:
    """Bytes of an image are read as 0 to 1, floats as they are; integers of another size may not hold what comes."""
    return "float" if np.dtype(box.dtype).kind == "f" else box.dtype


def _text(space: Space) -> str:
    """A space without the bounds of a Box, which may be long and do not matter here."""
    if isinstance(space, Box):
        return f"Box of {space.dtype} {list(space.shape)}"
    if isinstance(space, Dict | Tuple):
        parts = [f"{name!r}: {_text(one)}" for name, one in inside(space)]
        return f"{type(space).__name__}({', '.join(parts)})"
    return str(space)


def _policy_of(config: Config, spaces: Mapping[str, Any]) -> Policy:
    return Policy.build(
        observation_space=from_plain(spaces["observation"]),
        action_space=from_plain(spaces["action"]),
        **policy_arguments(config),
    )


def _snapshot_of(policy: Policy, checkpoint: Checkpoint, run: RunDirectory) -> Snapshot:
    try:
        flat = policy.network.layout.flatten(checkpoint.weights)
    except ValueError as error:
        place = run.checkpoints / str(checkpoint.version)
        raise CheckpointError(f"{place}: the weights do not fit the run's config: {error}") from None
    statistics = Statistics.from_array(np.asarray(checkpoint.weights[STATISTICS]))
    return Snapshot.of(policy, int(checkpoint.state["epoch"]), checkpoint.version, flat, statistics)


def _goal_of(config: Config, state: Mapping[str, Any]) -> float | None:
    """The return that the run was to reach: the method's own where it has one, or what it was to stop at; where it had
    neither, the environment's own threshold."""
    own, wanted = state.get("found", {}).get("goal"), config.stop.mean_return
    if own is not None:
        return float(own)
    return wanted if isinstance(wanted, float) else state.get("facts", {}).get("reward_threshold")
