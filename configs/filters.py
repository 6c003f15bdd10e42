"""The kind of ``policy.convolutions``: a word for a published network, or a list of filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from touchline.configs.kinds import Kind, Schema, integer, list_of


@dataclass(frozen=True, slots=True)
class Convolution:
    """One layer: ``filters`` of ``size`` × ``size``, every ``stride`` pixels, ``padding`` zeros on each side."""

    filters: int
    size: int
    stride: int = 1
    padding: int = 0


SMALL = (Convolution(16, 8, 4), Convolution(32, 4, 2))  # Mnih et al. 2013, with one hidden layer of 256
LARGE = (Convolution(32, 8, 4), Convolution(64, 4, 2), Convolution(64, 3, 1))  # Mnih et al. 2015, with 512
NETWORKS = {"small": SMALL, "large": LARGE}

_LIMITS = {"filters": integer(1), "size": integer(1), "stride": integer(1), "padding": integer(0)}
_ITEM: Schema = {
    "type": "object",
    "properties": {name: kind.schema for name, kind in _LIMITS.items()},
    "required": ["filters", "size"],
    "additionalProperties": False,
}


def _read_one(value: object) -> Convolution:
    if isinstance(value, Convolution):
        return value
    names = {field.name for field in fields(Convolution)}
    if not isinstance(value, Mapping) or not {"filters", "size"} <= value.keys() <= names:
        raise ValueError("not a convolution")
    return Convolution(**{str(name): _LIMITS[str(name)].parse(part) for name, part in value.items()})


CONVOLUTION = Kind(
    "{filters, size, stride, padding}",
    "a map such as {filters: 32, size: 8, stride: 4}, with padding 0 unless given",
    _read_one,
    _ITEM,
)


_LISTED = list_of(CONVOLUTION, "small, large or a list of {filters: 32, size: 8, stride: 4}")


def _read(value: Any) -> tuple[Convolution, ...]:
    if isinstance(value, str) and value in NETWORKS:
        return NETWORKS[value]
    found: tuple[Convolution, ...] = _LISTED.read(value)
    return found


CONVOLUTIONS = Kind(
    "small | large | [{…}, …]",
    _LISTED.expected,
    _read,
    {"anyOf": [{"enum": list(NETWORKS)}, _LISTED.schema]},
)
