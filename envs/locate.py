"""Where environments and wrappers are found: references as ``policy.references`` loads them, with our errors."""

from __future__ import annotations

from types import ModuleType

from touchline.envs.errors import MissingExtra, NotMade, UnknownEnvironment
from touchline.policy import references
from touchline.policy.references import (
    ImportFailed,
    NotFound,
    did_you_mean,
    error_line,
    get_object,
    nearest,
    public_callables,
    split_reference,
)

__all__ = [
    "EXTRAS",
    "did_you_mean",
    "error_line",
    "get_object",
    "load_module",
    "missing_extra",
    "nearest",
    "public_callables",
    "split_reference",
]

EXTRAS = {
    "box2d": "box2d",
    "mujoco": "mujoco",
    "ale_py": "atari",
    "opencv": "atari",
    "pygame": "view",
    "sklearn": "tables",
}
"""Words in the complaint of a missing package, and the extra of touchline that brings it."""


def missing_extra(name: str, error: BaseException) -> MissingExtra:
    """The error that names what to install, from the complaint of what is not."""
    complaint = error_line(error).partition(", run `")[0].partition(", you can install it")[0]
    extra = next((extra for word, extra in EXTRAS.items() if word in complaint.lower()), None)
    module = getattr(error, "name", None)
    if extra:
        how = f"in its checkout, pip install '.[{extra}]'"
        return MissingExtra(f"{name}: {complaint}. Install touchline with its extra {extra}: {how}")
    what = module.partition(".")[0] if module else "what it needs"
    return MissingExtra(f"{name}: {complaint}. Install it: pip install {what}")


def load_module(place: str, *, reference: str) -> ModuleType:
    """The module of a reference, imported. Raises UnknownEnvironment, MissingExtra or NotMade."""
    try:
        return references.load_module(place, reference=reference)
    except NotFound as error:
        raise UnknownEnvironment(str(error)) from None
    except ImportFailed as failed:
        if isinstance(failed.error, ModuleNotFoundError):
            raise missing_extra(reference, failed.error) from failed.error
        raise NotMade(str(failed)) from failed.error
