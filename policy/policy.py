"""A policy: spaces, network, distribution and observation encoding, built alike on both sides of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.building import network_of
from touchline.policy.distributions import Distribution, distribution_of
from touchline.policy.form import Form
from touchline.policy.inputs import Inputs
from touchline.policy.network import Network, Weights
from touchline.policy.normalizer import Normalizer, Statistics
from touchline.policy.reading import Reading
from touchline.policy.spaces import Space

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a Player needs to play and a Trainer to differentiate. It holds no weights: snapshots do."""

    observation_space: Space
    action_space: Space
    form: Form
    reading: Reading
    network: Network
    distribution: Distribution

    @staticmethod
    def build(*, observation_space: Space, action_space: Space, **form: Any) -> Policy:
        """``form``: the fields of ``Form``. Raises SpaceError for a space that no part of the policy fits."""
        return Policy.of(observation_space, action_space, Form(**form))

    @staticmethod
    def of(observation_space: Space, action_space: Space, form: Form) -> Policy:
        """The policy of this form for these spaces. Raises SpaceError where they do not fit."""
        reading = Reading.of(observation_space, form)
        distribution = distribution_of(action_space, form)
        network = network_of(reading, distribution, form)
        return Policy(observation_space, action_space, form, reading, network, distribution)

    @property
    def normalized(self) -> bool:
        """Whether there are statistics: where the form asks for them and there are numbers to take them of."""
        return self.form.normalize and self.features > 0

    @property
    def features(self) -> int:
        """D: how many numbers of an observation are normalised."""
        return self.reading.features

    def first_snapshot(self, rng: np.random.Generator, *, epoch: int) -> Snapshot:
        """Version 0: initial weights and statistics that have seen nothing."""
        return Snapshot.of(self, epoch, 0, self.network.init(rng), Statistics.empty(self.features))


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
        features = policy.features
        flat = _expected(arrays, "parameters", "float32", policy.network.layout.size)
        statistics = Statistics.empty(features)
        if policy.normalized:
            statistics = Statistics.from_array(_expected(arrays, "statistics", "float64", 1 + 2 * features))
        return Snapshot.of(policy, epoch, version, flat, statistics)

    def rows(self, policy: Policy, raw: AnyArray, out: FloatArray | None = None) -> Inputs:
        """Raw observations ``[N, ...]`` as this snapshot's network reads them: vectors encoded and normalised."""
        return policy.reading.inputs(raw, self.normalizer, out)


def _expected(arrays: Mapping[str, AnyArray], name: str, dtype: str, size: int) -> AnyArray:
    found = arrays.get(name)
    if found is None or found.dtype != dtype or found.shape != (size,):
        shown = "nothing" if found is None else f"{found.dtype} {list(found.shape)}"
        raise ValueError(f"{name}: expected {dtype} [{size}], found {shown}")
    return found
