"""A policy: spaces, network, distribution and observation encoding, built alike on both sides of the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.dense import Activation
from touchline.policy.distributions import Distribution, distribution_of
from touchline.policy.features import encode, feature_size
from touchline.policy.network import Network, Weights
from touchline.policy.normalizer import Normalizer, Statistics
from touchline.policy.spaces import Box, Discrete, Space, SpaceError

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a Player needs to play and a Trainer to differentiate. It holds no weights: snapshots do."""

    observation_space: Space
    action_space: Space
    network: Network
    distribution: Distribution
    normalized: bool

    @staticmethod
    def build(
        *,
        observation_space: Space,
        action_space: Space,
        hidden: Sequence[int],
        activation: Activation,
        shared: bool,
        log_std: float,
        normalize: bool,
        centred: bool = False,
    ) -> Policy:
        """``centred``: it is to be trained with centred truncation, which is for one categorical choice.

        Raises SpaceError for an action space that no distribution fits, or that ``centred`` does not.
        """
        if centred and not isinstance(action_space, Discrete):
            raise SpaceError(
                "staleness.correction centred: expected a Discrete action space, found "
                f"{type(action_space).__name__}. importance serves every one"
            )
        distribution = distribution_of(action_space)
        continuous = isinstance(action_space, Box)
        network = Network.build(
            features=feature_size(observation_space),
            outputs=action_space.size if isinstance(action_space, Box) else distribution.parameters,
            hidden=hidden,
            activation=activation,
            shared=shared,
            log_std=log_std if continuous else None,
        )
        return Policy(observation_space, action_space, network, distribution, normalize)

    def first_snapshot(self, rng: np.random.Generator, *, epoch: int) -> Snapshot:
        """Version 0: initial weights and statistics that have seen nothing."""
        return Snapshot.of(self, epoch, 0, self.network.init(rng), Statistics.empty(self.network.features))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Immutable weights and normaliser, identified by (epoch, version)."""

    epoch: int
    version: int
    weights: Weights
    statistics: Statistics
    normalizer: Normalizer | None

    @staticmethod
    def of(policy: Policy, epoch: int, version: int, flat: FloatArray, statistics: Statistics) -> Snapshot:
        """A snapshot over ``flat``, which it owns from now on and makes read-only."""
        flat.flags.writeable = False
        normalizer = Normalizer(statistics) if policy.normalized else None
        return Snapshot(epoch, version, policy.network.bind(flat), statistics, normalizer)

    def to_arrays(self) -> dict[str, AnyArray]:
        """``parameters`` float32 [size], ``statistics`` float64 [1 + 2 D] where observations are normalised."""
        arrays: dict[str, AnyArray] = {"parameters": self.weights.flat}
        if self.normalizer is not None:
            arrays["statistics"] = self.statistics.to_array()
        return arrays

    @staticmethod
    def from_arrays(policy: Policy, epoch: int, version: int, arrays: Mapping[str, AnyArray]) -> Snapshot:
        """What ``to_arrays`` wrote. Raises ValueError where it does not fit the policy."""
        features = policy.network.features
        flat = _expected(arrays, "parameters", "float32", policy.network.layout.size)
        statistics = Statistics.empty(features)
        if policy.normalized:
            statistics = Statistics.from_array(_expected(arrays, "statistics", "float64", 1 + 2 * features))
        return Snapshot.of(policy, epoch, version, flat, statistics)

    def rows(self, policy: Policy, raw: AnyArray, out: FloatArray | None = None) -> FloatArray:
        """Raw observations ``[N, ...]`` as this snapshot's network reads them: encoded and normalised."""
        rows = encode(policy.observation_space, raw, out)
        if self.normalizer is None:
            return rows
        return self.normalizer(rows, out=out)


def _expected(arrays: Mapping[str, AnyArray], name: str, dtype: str, size: int) -> AnyArray:
    found = arrays.get(name)
    if found is None or found.dtype != dtype or found.shape != (size,):
        shown = "nothing" if found is None else f"{found.dtype} {list(found.shape)}"
        raise ValueError(f"{name}: expected {dtype} [{size}], found {shown}")
    return found
