"""Who may start what: the Trainer's grants, the gate they pass, and the law that counts them.

A grant promises that a result will be played with exactly one version. It is given when the Player wants it,
the gate allows it, and there is an order and a snapshot to give; until then the WANT waits.
"""

from __future__ import annotations

from collections.abc import Iterable

from touchline.protocol.codec import encode
from touchline.protocol.effects import SendTo
from touchline.protocol.gate import Gate
from touchline.protocol.lag import LagLaw
from touchline.protocol.limits import Limits
from touchline.protocol.machine import TrainerState
from touchline.protocol.messages import Ack, SnapshotId, Want, Weights
from touchline.protocol.parts import split_frames
from touchline.protocol.slots import Command, Grant, Pacing, Slot, Snapshot


class Pacer:
    """Grants for all slots. ``standing`` is the order for all, ``start_version`` what the gate demands."""

    def __init__(self, *, epoch: int, pacing: Pacing, limits: Limits) -> None:
        self.epoch = epoch
        self.pacing = pacing
        self.law = LagLaw()
        self.snapshot: Snapshot | None = None
        self.standing: Command | None = None
        self.start_version = 0
        self.begun = False
        self.over = False
        self._limits = limits

    @property
    def version(self) -> int | None:
        return None if self.snapshot is None else self.snapshot.version

    def publish(self, snapshot: Snapshot) -> None:
        """The newest version from now on. The first may have any number; after it, one by one."""
        if self.snapshot is None:
            self.law = LagLaw(live=snapshot.version)
        else:
            assert snapshot.version == self.snapshot.version + 1, "versions are published one by one"
            self.law.incremented()
        self.snapshot = snapshot

    def begin(self, ready: int) -> bool:
        """With this many Players ready, whether the barrier falls now."""
        falls = not self.begun and ready >= self.pacing.barrier
        self.begun = self.begun or falls
        return falls

    def gate(self, slot: Slot) -> Gate:
        """What the slot may start."""
        limit = slot.account.taken_through + self.pacing.width * (1 + self.pacing.ahead)
        return Gate(limit, self.start_version)

    def ack(self, slot: Slot, beat: int | None = None) -> SendTo:
        """What has arrived of the slot, and its gate."""
        ack = Ack(
            session=slot.session,
            next=slot.account.next,
            gate=self.gate(slot),
            newest=self.version,
            durable=slot.durable,
            beat=beat,
            waiting=None if slot.want is None else slot.want.seq,
        )
        return SendTo(slot.peer, encode(ack))

    def want(self, slot: Slot, want: Want) -> list[SendTo]:
        """Takes a WANT. One whose answer was lost gets the same answer again: the grant stands."""
        granted = slot.grants.get(want.seq)
        if granted is not None:
            return self._say(slot, granted, want)
        if want.seq >= slot.account.next:
            slot.want = want
        return self.answer(slot)

    def answer_all(self, slots: Iterable[Slot]) -> list[SendTo]:
        """``answer`` for each."""
        return [said for slot in slots for said in self.answer(slot)]

    def answer(self, slot: Slot) -> list[SendTo]:
        """Grants what the slot waits for, where that is possible now."""
        want, snapshot = slot.want, self.snapshot
        command = slot.once[0] if slot.once else self.standing
        if want is None or snapshot is None or command is None:
            return []
        if slot.state is not TrainerState.PLAYING or not self.begun or self.over:
            return []
        count = min(want.count, self.pacing.width) if command.standing else 1
        if not self.gate(slot).allows(seq=want.seq, count=count, version=snapshot.version):
            return []
        if not command.standing:
            slot.once.popleft()
        grant = Grant(want.seq, count, snapshot, command)
        for seq in range(want.seq, want.seq + count):
            slot.grants[seq] = grant
            if command.trains:
                self.law.granted((slot.index, seq), snapshot.version)
        slot.want, slot.granted_version = None, snapshot.version
        return self._say(slot, grant, want)

    def settled(self, slot: Slot, seq: int) -> None:
        """A result of this Trainer's grants has been settled. Those of another epoch are not in its law, nor are
        those that enter no update."""
        key = (slot.index, seq)
        if key in self.law:
            self.law.consumed(key)

    def lose(self, slot: Slot) -> None:
        """The slot's Player is presumed gone. Its grants stay, in case it comes back with their results."""
        for seq, grant in slot.grants.items():
            if grant.command.trains:
                self.law.lost((slot.index, seq))
        slot.want = None
        slot.once.clear()

    def regain(self, slot: Slot) -> None:
        """The Player presumed gone is back."""
        for seq, grant in slot.grants.items():
            if grant.command.trains:
                self.law.granted((slot.index, seq), grant.snapshot.version)

    def forget(self, slot: Slot) -> None:
        """Nothing of what was granted to the slot will come."""
        for seq in slot.grants:
            if (slot.index, seq) in self.law:
                self.law.lost((slot.index, seq))
        slot.grants.clear()
        slot.once.clear()

    def _say(self, slot: Slot, grant: Grant, want: Want) -> list[SendTo]:
        command, snapshot = grant.command, grant.snapshot
        said: list[SendTo] = []
        if not command.standing or want.missing == command.order:
            said.append(SendTo(slot.peer, encode(command.addressed(slot.session))))
        modified = want.held != SnapshotId(self.epoch, snapshot.version)
        weights = Weights(
            session=slot.session,
            seq=grant.seq,
            count=grant.count,
            order=command.order,
            epoch=self.epoch,
            version=snapshot.version,
            modified=modified,
            gate=self._gate_of(slot, grant),
        )
        if not modified:
            return [*said, SendTo(slot.peer, encode(weights))]
        messages = split_frames(weights, snapshot.specs, snapshot.frames, limits=self._limits)
        return [*said, *(SendTo(slot.peer, frames) for frames in messages)]

    def _gate_of(self, slot: Slot, grant: Grant) -> Gate:
        """The gate that let the grant pass: said again, it may be older than what holds the others now."""
        gate = self.gate(slot)
        limit = max(gate.start_limit, grant.seq + grant.count)
        return Gate(limit, min(gate.start_version, grant.snapshot.version))
