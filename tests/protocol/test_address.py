"""Only what other machines cannot reach may be bound."""

from __future__ import annotations

import pytest

from touchline.protocol import AddressError, check_bind, check_connect


@pytest.mark.parametrize(
    "address",
    [
        "ipc:///tmp/x/trainer",
        "inproc://x",
        "tcp://127.0.0.1:*",
        "tcp://127.8.9.1:5555",
        "tcp://[::1]:80",
        "tcp://localhost:1",
    ],
)
def test_what_may_be_bound(address: str) -> None:
    assert check_bind(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "tcp://0.0.0.0:5555",
        "tcp://*:5555",
        "tcp://192.168.1.4:*",
        "tcp://[::]:1",
        "tcp://eth0:5",
        "tcp://128.0.0.1:1",
    ],
)
def test_what_others_can_reach_needs_keys(address: str) -> None:
    with pytest.raises(AddressError, match=r"needs keys, which are not part of this version\. Use tcp://127"):
        check_bind(address)
    assert check_bind(address, keys=True) == address


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("127.0.0.1:5555", "expected transport://place"),
        ("tcp://", "expected transport://place"),
        ("tcp://127.0.0.1", "expected tcp://host:port"),
        ("tcp://127.0.0.1:http", "expected tcp://host:port"),
        ("tcp://:5555", "expected tcp://host:port"),
        ("udp://127.0.0.1:1", "expected ipc://, inproc:// or tcp://, found udp://"),
    ],
)
def test_what_is_no_address(address: str, text: str) -> None:
    with pytest.raises(AddressError, match=text):
        check_bind(address)
    with pytest.raises(AddressError, match=text):
        check_connect(address)


def test_connecting_needs_a_port_and_no_keys() -> None:
    assert check_connect("tcp://192.168.1.4:5555") == "tcp://192.168.1.4:5555"
    with pytest.raises(AddressError, match="expected a port number"):
        check_connect("tcp://127.0.0.1:*")


@pytest.mark.parametrize("check", [check_bind, check_connect])
def test_a_long_socket_path_is_refused_with_its_length(check) -> None:
    assert check("ipc://" + "x" * 107)
    with pytest.raises(AddressError, match=r"107 bytes at most, this one has 108.*TMPDIR"):
        check("ipc://" + "x" * 108)
    with pytest.raises(AddressError, match="this one has 108"):
        check("ipc://" + "é" * 54)  # bytes, not characters
