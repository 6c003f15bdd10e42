"""The messages are exactly the design's table, frozen and strict."""

from __future__ import annotations

import msgspec
import pytest

from touchline.protocol import MESSAGES, Ack, Bye, ErrorCode, Gate, SnapshotId, Stop
from touchline.protocol.messages import FromPlayer, FromTrainer, tag

TABLE = {
    "HELLO": "P", "WELCOME": "T", "READY": "P", "ORDER": "T", "WANT": "P", "WEIGHTS": "T", "RESULT": "P",
    "ACK": "T", "NACK": "T", "BEAT": "P", "BYE": "P", "BYE_OK": "T", "ERR": "PT", "STOP": "T",
}  # fmt: skip


def test_the_messages_are_those_of_the_design() -> None:
    assert [tag(message) for message in MESSAGES] == list(TABLE)


def test_each_goes_the_way_the_design_says() -> None:
    ways = {
        tag(message): "P" * (message in FromPlayer.__args__) + "T" * (message in FromTrainer.__args__)
        for message in MESSAGES
    }
    assert ways == TABLE


@pytest.mark.parametrize("message", MESSAGES, ids=tag)
def test_each_is_frozen_and_refuses_unknown_fields(message: type[msgspec.Struct]) -> None:
    assert message.__struct_config__.frozen
    assert message.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize(
    "message", [message for message in MESSAGES if tag(message) not in ("HELLO", "STOP")]
)
def test_each_names_what_it_answers_or_its_session(message: type[msgspec.Struct]) -> None:
    assert "session" in message.__struct_fields__


@pytest.mark.parametrize("message", MESSAGES, ids=tag)
def test_each_is_documented(message: type[msgspec.Struct]) -> None:
    assert (message.__doc__ or "").startswith(("P→T: ", "T→P: ", "Either way: "))


def test_the_tag_of_a_message_is_the_tag_of_its_type() -> None:
    assert tag(Bye(session=1, sent=2, reason="over")) == tag(Bye) == "BYE"


def test_the_error_codes_are_those_of_the_design() -> None:
    expected = "BAD_VERSION AUTH NAME_TAKEN BUSY ENVIRONMENT SPACES BAD_ORDER NO_SESSION BAD_MESSAGE"
    assert [code.value for code in ErrorCode] == expected.split()


def test_a_negative_count_is_refused() -> None:
    plain = msgspec.to_builtins(Ack(session=1, next=0, gate=Gate(1, 0), newest=None, durable=0))
    assert msgspec.convert(plain, Ack).next == 0
    with pytest.raises(msgspec.ValidationError, match="next"):
        msgspec.convert({**plain, "next": -1}, Ack)


def test_a_snapshot_is_named_by_epoch_and_version_together() -> None:
    assert SnapshotId(1, 150) != SnapshotId(2, 150)


def test_a_message_cannot_be_changed() -> None:
    stop = Stop(reason="over")
    with pytest.raises(AttributeError):
        stop.reason = "not yet"  # type: ignore[misc]
