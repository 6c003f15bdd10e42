"""Spaces as plain data: what a Player announces in READY and a Trainer builds a network from.

They cross the wire as maps of strings and numbers; what comes from a peer is checked field by field.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, assert_never

from touchline.policy.kinds import (
    BOX_DTYPES,
    SUPPORTED_ACTIONS,
    SUPPORTED_OBSERVATIONS,
    Box,
    Dict,
    Discrete,
    Leaf,
    MultiBinary,
    MultiDiscrete,
    Path,
    Space,
    SpaceError,
    Tuple,
    inside,
    leaves,
    path_text,
    raw_dtype,
    raw_shape,
)

__all__ = [
    "BOX_DTYPES",
    "MAX_DEPTH",
    "SUPPORTED_ACTIONS",
    "SUPPORTED_OBSERVATIONS",
    "Box",
    "Dict",
    "Discrete",
    "Leaf",
    "MultiBinary",
    "MultiDiscrete",
    "Path",
    "Space",
    "SpaceError",
    "Tuple",
    "from_plain",
    "inside",
    "leaves",
    "path_text",
    "raw_dtype",
    "raw_shape",
    "to_plain",
]
KINDS: dict[str, type[Space]] = {
    "box": Box,
    "discrete": Discrete,
    "multi_discrete": MultiDiscrete,
    "multi_binary": MultiBinary,
    "tuple": Tuple,
    "dict": Dict,
}
MAX_DEPTH = 8  # of Dict and Tuple in one another
MAX_LEAVES = 1024
MAX_DIGEST = 64  # of SHA-256 in hexadecimal
MAX_NUMBERS = 2**26  # in one leaf: a peer could name a shape that no memory holds


def to_plain(space: Space) -> dict[str, Any]:
    """A map of strings and numbers that ``from_plain`` reads back to an equal space."""
    kind = next(name for name, cls in KINDS.items() if isinstance(space, cls))
    if isinstance(space, Dict | Tuple):
        names = {"names": space.names} if isinstance(space, Dict) else {}
        return {"kind": kind, **names, "spaces": [to_plain(one) for one in space.spaces]}
    plain = {"kind": kind, **{field.name: getattr(space, field.name) for field in fields(space)}}
    for bound in ("low", "high"):
        values = plain.get(bound)
        if values and len(set(values)) == 1:  # an image's bounds would not fit into a message one by one
            plain[bound] = values[0]
    if plain.get("digest") == "":
        del plain["digest"]
    return plain


def from_plain(plain: Mapping[str, Any]) -> Space:
    """The space that ``to_plain`` wrote. Raises SpaceError for anything else; it may come from a peer."""
    space = _read(plain, 0)
    if (count := len(leaves(space))) > MAX_LEAVES:
        raise SpaceError(f"space: expected at most {MAX_LEAVES} leaves, found {count}")
    return space


def _read(plain: object, depth: int) -> Space:
    if not isinstance(plain, Mapping):
        raise SpaceError(f"space: expected a map with a kind, found {plain!r}")
    fields = dict(plain)
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise SpaceError(f"space: expected a kind among {', '.join(KINDS)}, found {kind!r}")
    if depth > MAX_DEPTH:
        raise SpaceError(f"space: expected at most {MAX_DEPTH} Dict and Tuple in one another, found more")
    try:
        if "spaces" in fields:
            fields["spaces"] = [_read(one, depth + 1) for one in _listed("spaces", fields["spaces"])]
        for bound in {"low", "high"} & fields.keys():
            if isinstance(fields[bound], int | float):
                fields[bound] = (fields[bound],) * _count(fields.get("shape") or ())
        space = KINDS[kind](**{name: _frozen(value) for name, value in fields.items()})
        _validate(space)
    except SpaceError:
        raise
    except (TypeError, ValueError) as error:
        raise SpaceError(f"space {kind}: {error}") from None
    return space


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _validate(space: Space) -> None:
    match space:
        case Box():
            _validate_box(space)
        case Discrete():
            _positive_integers("n", (space.n,))
            if not _is_integer(space.start):
                raise ValueError(f"start: expected an integer, found {space.start!r}")
        case MultiDiscrete():
            _validate_multi_discrete(space)
        case MultiBinary():
            _count(space.shape)
        case Dict():
            _validate_dict(space)
        case Tuple():
            if not space.spaces:
                raise ValueError("spaces: expected one at least, found none")
        case _:
            assert_never(space)


def _validate_box(space: Box) -> None:
    size = _count(space.shape)
    if space.dtype not in BOX_DTYPES:
        raise ValueError(f"dtype: expected one of {', '.join(BOX_DTYPES)}, found {space.dtype!r}")
    _numbers("low", space.low)
    _numbers("high", space.high)
    if not isinstance(space.digest, str) or len(space.digest) > MAX_DIGEST:
        raise ValueError(f"digest: expected at most {MAX_DIGEST} characters, found {space.digest!r}")
    if len(space.low) != size or len(space.high) != size:
        raise ValueError(f"bounds: expected {size} of each, found {len(space.low)} and {len(space.high)}")


def _validate_multi_discrete(space: MultiDiscrete) -> None:
    _positive_integers("nvec", space.nvec)
    starts = _listed("start", space.start)
    wrong = [start for start in starts if not _is_integer(start)]
    if wrong:
        raise ValueError(f"start: expected integers, found {wrong[0]!r}")
    if starts and len(starts) != len(space.nvec):
        raise ValueError(f"start: expected {len(space.nvec)} or none, found {len(starts)}")
    if _listed("shape", space.shape) and _count(space.shape) != len(space.nvec):
        raise ValueError(f"shape: expected one of {len(space.nvec)} numbers, found {list(space.shape)}")


def _validate_dict(space: Dict) -> None:
    names = _listed("names", space.names)
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise ValueError(f"names: expected strings, each once, found {list(names)}")
    if not names or len(names) != len(space.spaces):
        raise ValueError(f"names: expected one for each space, found {len(names)} for {len(space.spaces)}")


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _listed(field: str, values: object) -> tuple[Any, ...]:
    if not isinstance(values, tuple | list):
        raise ValueError(f"{field}: expected a list, found {values!r}")
    return tuple(values)


def _positive_integers(field: str, values: object) -> None:
    if not isinstance(values, tuple):
        raise ValueError(f"{field}: expected a list of integers, found {values!r}")
    wrong = [value for value in values if not (_is_integer(value) and value >= 1)]
    if wrong:
        raise ValueError(f"{field}: expected integers of at least 1, found {wrong[0]!r}")


def _count(shape: Any) -> int:
    """How many numbers an array of this shape has. Raises ValueError for what is no shape."""
    shape = _frozen(shape)
    _positive_integers("shape", shape)
    count: int = math.prod(shape)
    if count > MAX_NUMBERS:
        raise ValueError(f"shape: expected at most {MAX_NUMBERS} numbers, found {count}")
    return count


def _numbers(field: str, values: object) -> None:
    if not isinstance(values, tuple) or any(not isinstance(value, int | float) for value in values):
        raise ValueError(f"{field}: expected a list of numbers, found {values!r}")
