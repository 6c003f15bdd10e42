"""Every Player of a run, by name, by slot and by peer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from touchline.protocol.ledger import Ledger
from touchline.protocol.limits import Limits
from touchline.protocol.machine import TrainerState
from touchline.protocol.messages import Plain
from touchline.protocol.parts import Reassembly
from touchline.protocol.slots import PlayerRow, Slot, row_of


class Roster:
    """The slots, each kept for its name once it has had one; and the spaces that all of them share."""

    def __init__(self, limits: Limits, state: Mapping[str, Any] | None) -> None:
        self.ledger = Ledger.restored(state["ledger"]) if state else Ledger()
        self.spaces: Plain | None = state["spaces"] if state else None
        self._limits = limits
        self._slots: list[Slot] = []
        self._by_name: dict[str, Slot] = {}
        self._by_peer: dict[bytes, Slot] = {}
        for held in state["slots"] if state else ():
            self._restore(held)

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots)

    def __getitem__(self, index: int) -> Slot:
        return self._slots[index]

    def named(self, name: str) -> Slot | None:
        return self._by_name.get(name)

    def at(self, peer: bytes) -> Slot | None:
        return self._by_peer.get(peer)

    def seat(self, slot: Slot, peer: bytes) -> None:
        """The slot is spoken to at this peer, and no other."""
        self.unseat(slot)
        self._by_peer[peer] = slot

    def unseat(self, slot: Slot) -> None:
        """The slot is spoken to nowhere."""
        if self._by_peer.get(slot.peer) is slot:
            del self._by_peer[slot.peer]

    def open(self, name: str) -> Slot:
        """The next free slot, for a name that has none."""
        slot = Slot(len(self._slots), self.ledger.account(name), Reassembly(self._limits))
        self._by_name[name] = slot
        self._slots.append(slot)
        return slot

    def live(self) -> list[Slot]:
        """Those in session."""
        return [slot for slot in self._slots if slot.live]

    def playing(self) -> list[Slot]:
        """Those whose environment stands."""
        return [slot for slot in self._slots if slot.state is TrainerState.PLAYING]

    def rows(self) -> list[PlayerRow]:
        """All of them for the live view."""
        return [row_of(slot) for slot in self._slots]

    def state(self) -> dict[str, Any]:
        """As plain data, for a checkpoint."""
        slots = [{"name": slot.name, **slot.state_dict()} for slot in self._slots]
        return {"ledger": self.ledger.state(), "slots": slots, "spaces": self.spaces}

    def saved(self, state: Mapping[str, Any]) -> None:
        """What this ``state`` had settled is durable."""
        for slot in self._slots:
            if slot.name in state["ledger"]:
                slot.durable = state["ledger"][slot.name]["settled_through"]

    def _restore(self, held: Mapping[str, Any]) -> None:
        slot = self.open(held["name"])
        if held["process"] is not None:
            host, pid, incarnation = held["process"]
            slot.process = (host, pid, incarnation)
        slot.incarnation = held["incarnation"]
