"""Which addresses may be bound, and how they are written.

Until messages are authenticated, only sockets that other machines cannot reach: the run's own ``ipc`` socket,
``inproc``, and loopback TCP.
"""

from __future__ import annotations

from ipaddress import ip_address

from touchline.protocol.errors import AddressError

MAX_IPC_PATH_BYTES = 107
"""What the operating system takes as the path of a socket (``sun_path``), less its closing zero."""


def check_bind(address: str, *, keys: bool = False) -> str:
    """The address, if it may be bound. Raises ``AddressError`` with what would work.

    ``keys`` says that peers are authenticated; this version has no keys, so nothing passes it as true yet.
    """
    transport, rest = _split(address)
    match transport:
        case "inproc":
            return address
        case "ipc":
            return _check_ipc(address, rest)
        case "tcp":
            host = _host(address, rest)
            if keys or is_loopback(host):
                return address
            raise AddressError(
                f"{address}: binding an address that other machines can reach needs keys, which are not part "
                "of this version. Use tcp://127.0.0.1:* or the local socket (net.bind: local)"
            )
        case _:
            raise AddressError(f"{address}: expected ipc://, inproc:// or tcp://, found {transport}://")


def check_connect(address: str) -> str:
    """The address, if it reads as one that can be connected to."""
    transport, rest = _split(address)
    if transport == "ipc":
        return _check_ipc(address, rest)
    if transport == "tcp" and not _port(address, rest).isdecimal():
        raise AddressError(f"{address}: expected a port number to connect to, such as tcp://127.0.0.1:5555")
    if transport not in ("tcp", "inproc"):
        raise AddressError(f"{address}: expected ipc://, inproc:// or tcp://, found {transport}://")
    return address


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``: 127.0.0.0/8, ::1, localhost."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _split(address: str) -> tuple[str, str]:
    transport, mark, rest = address.partition("://")
    if not mark or not rest:
        raise AddressError(f"{address}: expected transport://place, such as tcp://127.0.0.1:5555")
    return transport, rest


def _host(address: str, rest: str) -> str:
    _port(address, rest)
    return rest.rpartition(":")[0]


def _port(address: str, rest: str) -> str:
    host, mark, port = rest.rpartition(":")
    if not mark or not host or not (port == "*" or port.isdecimal()):
        raise AddressError(f"{address}: expected tcp://host:port, the port a number or *")
    return port


def _check_ipc(address: str, path: str) -> str:
    size = len(path.encode())
    if size > MAX_IPC_PATH_BYTES:
        raise AddressError(
            f"{address}: a socket's path is {MAX_IPC_PATH_BYTES} bytes at most, this one has {size}. "
            "Use a shorter folder (TMPDIR), or tcp://127.0.0.1:*"
        )
    return address
