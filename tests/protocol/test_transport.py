"""The sockets: what is sent arrives, nobody waits for ever, and every end is clean."""

from __future__ import annotations

import stat
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from touchline.protocol import (
    AddressError,
    Limits,
    PlayerSocket,
    Result,
    SendTimeoutError,
    TrainerSocket,
    TransportError,
    decode,
    encode,
)
from touchline.protocol.transport import ZERO_COPY_BYTES


def arrived(socket, seconds: float = 10.0):
    """The next message, waited for."""
    deadline = time.monotonic() + seconds
    while (message := socket.recv()) is None:
        assert time.monotonic() < deadline, "nothing arrived"
        socket.poll(0.05)
    return message


def send_many(send) -> None:
    """More than any queue holds."""
    for _ in range(20_000):
        send()


@pytest.fixture(params=["tcp", "ipc"])
def pair(request: pytest.FixtureRequest):
    trainer = TrainerSocket.local() if request.param == "ipc" else TrainerSocket("tcp://127.0.0.1:*")
    with trainer, PlayerSocket(trainer.address) as player:
        yield trainer, player


def test_messages_go_both_ways(pair) -> None:
    trainer, player = pair
    player.send([b"one", b"", b"three"])
    peer, frames = arrived(trainer)
    assert frames == [b"one", b"", b"three"]
    assert trainer.send([b"back"], peer)
    assert arrived(player) == [b"back"]


@pytest.mark.parametrize("size", [0, ZERO_COPY_BYTES - 1, ZERO_COPY_BYTES, 3_000_000])
def test_arrays_of_any_size_arrive_as_they_were(pair, size: int) -> None:
    trainer, player = pair
    array = np.random.default_rng(0).integers(0, 255, size, np.uint8)
    result = Result(session=1, seq=0, order=0, epoch=0, version=0, meta={})
    player.send(encode(result, {"x": array}))
    _, frames = arrived(trainer)
    decoded = decode(frames, limits=Limits())
    assert decoded.message == result
    np.testing.assert_array_equal(decoded.arrays["x"], array)


def test_messages_of_one_player_keep_their_order(pair) -> None:
    trainer, player = pair
    for number in range(500):
        player.send([number.to_bytes(4, "big")])
    got = [int.from_bytes(arrived(trainer)[1][0], "big") for _ in range(500)]
    assert got == list(range(500))


def test_a_player_may_come_before_its_trainer() -> None:
    with TrainerSocket("tcp://127.0.0.1:*") as first:
        address = first.address
    with PlayerSocket(address) as player:
        player.send([b"early"])
        with TrainerSocket(address) as trainer:
            assert arrived(trainer)[1] == [b"early"]


def test_a_peer_that_is_gone_is_no_error(pair) -> None:
    trainer, _ = pair
    assert trainer.send([b"hello?"], b"nobody") is False


def test_a_reopened_socket_is_another_peer(pair) -> None:
    trainer, player = pair
    player.send([b"one"])
    first, _ = arrived(trainer)
    player.reopen()
    player.send([b"two"])
    second, frames = arrived(trainer)
    assert frames == [b"two"]
    assert first != second


def test_a_queue_that_stays_full_is_an_error_not_a_wait() -> None:
    with PlayerSocket("tcp://127.0.0.1:1", send_timeout_seconds=0.01) as player:
        with pytest.raises(SendTimeoutError, match=r"the queue stayed full for 0.01 s"):
            send_many(lambda: player.send([b"x"]))
        player.reopen()
        player.send([b"there is room again"])


def test_a_peer_that_does_not_read_does_not_hold_up_the_trainer(pair) -> None:
    trainer, player = pair
    player.send([b"hello"])
    peer, _ = arrived(trainer)
    large = bytes(50_000)
    with pytest.raises(SendTimeoutError, match="is full"):
        send_many(lambda: trainer.send([large], peer))
    player.reopen()
    player.send([b"again"])
    assert arrived(trainer)[1] == [b"again"]


def test_wake_ends_a_poll_from_another_thread(pair) -> None:
    trainer, _ = pair
    began = time.monotonic()
    waker = threading.Thread(target=trainer.wake)
    waker.start()
    assert trainer.poll(30.0) is False
    assert time.monotonic() - began < 15.0
    waker.join()


def test_wakes_before_a_poll_are_one_wake(pair) -> None:
    trainer, _ = pair
    for _ in range(100_000):
        trainer.wake()
    assert trainer.poll(30.0) is False
    began = time.monotonic()
    assert trainer.poll(0.05) is False
    assert time.monotonic() - began > 0.03


def test_poll_sees_a_message_even_when_woken(pair) -> None:
    trainer, player = pair
    player.send([b"x"])
    while not trainer.poll(0.1):
        pass
    trainer.wake()
    assert trainer.poll(1.0) is True


def test_poll_gives_up_after_its_time(pair) -> None:
    assert pair[0].poll(0.001) is False


def test_the_local_socket_is_for_this_user_alone_and_is_removed() -> None:
    trainer = TrainerSocket.local()
    folder = Path(trainer.address.removeprefix("ipc://")).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    trainer.close()
    assert not folder.exists()


def test_closing_twice_is_closing_once(pair) -> None:
    for socket in pair:
        socket.close()
        socket.close()
        socket.wake()
        with pytest.raises(TransportError, match="the socket is closed"):
            socket.recv()


def test_a_port_in_use_is_named_with_what_helps(pair) -> None:
    with TrainerSocket("tcp://127.0.0.1:*") as first, pytest.raises(AddressError) as caught:
        TrainerSocket(first.address)
    assert f"{first.address}: in use by another process. Choose another port (net.port), or auto" in str(
        caught.value
    )


@pytest.mark.parametrize("address", ["tcp://0.0.0.0:*", "ipc://" + "x" * 200, "nonsense"])
def test_what_may_not_be_bound_is_not_bound(address: str) -> None:
    with pytest.raises(AddressError):
        TrainerSocket(address)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match=r"cannot be bound"):
        TrainerSocket(f"ipc://{tmp_path}/no/such")


def test_a_frame_beyond_the_limit_never_reaches_the_reader() -> None:
    limits = Limits(max_message_bytes=10_000)
    with (
        TrainerSocket("tcp://127.0.0.1:*", limits=limits) as trainer,
        PlayerSocket(trainer.address) as hostile,
        PlayerSocket(trainer.address) as honest,
    ):
        hostile.send([bytes(10_001)])
        honest.send([b"x"])
        assert arrived(trainer)[1] == [b"x"]
        assert trainer.poll(0.1) is False
