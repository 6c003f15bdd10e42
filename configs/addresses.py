"""Where a Trainer may listen: its own socket, or an address that nobody outside this machine can reach."""

from touchline.configs.kinds import Kind, text

LOCAL = "local"


def is_loopback(address: str) -> bool:
    """Whether nobody outside this machine can reach the address; ``local`` is the run's own socket. IPv4 only."""
    return address in {LOCAL, "localhost"} or _is_loopback_v4(address)


def _is_loopback_v4(address: str) -> bool:
    parts = address.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(p.isdecimal() and int(p) < 256 for p in parts)


ADDRESS = Kind(
    "local | loopback address",
    "local or an IPv4 loopback address, such as 127.0.0.1 (any other needs keys, which this version does not have)",
    text("", accepts=is_loopback).read,
    {"type": "string"},
)
