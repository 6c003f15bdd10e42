"""What is kept of results that must not be learnt from: enough to see what they hold, and to play them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from touchline.policy.seeds import player_seed
from touchline.record import RunDirectory
from touchline.trainer.method import Delivery

STORABLE = "biuf"  # numpy kinds: a peer's arrays are no objects, and none of those are written
HOW_TO_READ = (
    "Rows are steps of the result, from 0. The arrays are in the .npz beside this file, as <player>.<result>.<array>;\n"
    "observations[row, lane] is what the policy saw, actions[row, lane] what it did, rewards[row, lane] what it got."
)
HOW_TO_READ_TASKS = "The arrays are in the .npz beside this file, as <player>.<result>.<array>."
EPISODES = ("episode_seeds", "episode_lengths", "episode_returns")


def set_aside(
    run: RunDirectory,
    deliveries: Sequence[Delivery],
    *,
    detail: str,
    live: int,
    seed: int,
    note: str = HOW_TO_READ,
) -> Path:
    """Keep them under ``crashes/``: where they came from as JSON, their arrays as ``<player>.<seq>.<name>``.

    ``live``: the Trainer's version; ``seed``: the run's; ``note``: how the arrays are to be read.
    """
    payload = {
        "kind": "invalid",
        "detail": detail,
        "live_version": live,
        "run_seed": seed,
        "results": [_described(delivery, seed) for delivery in deliveries],
    }
    arrays = {
        f"{_name(delivery)}.{delivery.seq}.{name}": array
        for delivery in deliveries
        for name, array in delivery.arrays.items()
        if array.dtype.kind in STORABLE
    }
    listed = "\n".join(_told(delivery) for delivery in deliveries)
    return run.set_aside(payload, f"{detail}\n\n{listed}\n\n{note}", arrays)


def _told(delivery: Delivery) -> str:
    """One result, and its episodes in the order of their ends."""
    first = f"result {delivery.seq} of {_name(delivery)}, played by version {delivery.version}"
    seeds, lengths = (_listed(delivery.arrays.get(name)) for name in ("episode_seeds", "episode_lengths"))
    episodes = zip(seeds or [], lengths or [], strict=False)
    return "\n".join([first, *(f"  episode seed {seed}: {length} steps" for seed, length in episodes)])


def _described(delivery: Delivery, seed: int) -> Mapping[str, Any]:
    """``player_seed``: what the seeds of a Player that has not been restarted are counted from."""
    return {
        "player": delivery.player,
        "slot": delivery.slot,
        "seq": delivery.seq,
        "version": delivery.version,
        "player_seed": player_seed(run_seed=seed, slot=delivery.slot, incarnation=0),
        **{name: _listed(delivery.arrays.get(name)) for name in EPISODES},
    }


def _listed(array: NDArray[Any] | None) -> list[Any] | None:
    return None if array is None or array.dtype.kind not in STORABLE else array.tolist()


def _name(delivery: Delivery) -> str:
    return delivery.player or f"slot-{delivery.slot}"
