"""What the verbs over a table share: the table, the network whose error on it is minimised, and the config."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from touchline.configs import Config
from touchline.envs.tables import Table
from touchline.targets.network import TableNetwork


@dataclass(frozen=True, slots=True)
class Bench:
    """``goes_on()`` is asked now and then in long work: False means to stop, and that nothing need be sent."""

    table: Table
    network: TableNetwork
    config: Config
    goes_on: Callable[[], bool] = lambda: True
