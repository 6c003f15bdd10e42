"""What ``touchline check --policy`` prints."""

from __future__ import annotations

from collections.abc import Iterator

from touchline.cli.table import table
from touchline.policy.custom_check import TOLERANCE, Tried

UNSEEN = (6, (6,))  # inputs, and the shape of an observation, where no environment says them


def report(reference: str, tried: Tried, *, features: int, env: str | None) -> str:
    """One line on the network, the gradient layer by layer, then what is wrong."""
    inputs = f"{features} inputs" + (f" of {env}" if env else "")
    lines = [f"{reference}: {inputs}, {tried.size} outputs"]
    if tried.measured:
        lines += ["", *_gradients(tried)]
    for fault in tried.faults:
        lines += [
            "",
            f"error: {fault.where}",
            f"    expected  {fault.expected}",
            f"    found     {fault.found}",
        ]
    return "\n".join([*lines, "", _verdict(tried)])


def _gradients(tried: Tried) -> Iterator[str]:
    rows = [
        (
            one.name,
            " x ".join(map(str, one.shape)) or "1",
            str(one.samples),
            f"{one.error:.1e}" if one.samples else "no derivative",
        )
        for one in tried.measured
    ]
    return table(("parameters", "shape", "tried", "largest error"), rows, right={2, 3})


def _verdict(tried: Tried) -> str:
    if not tried.faults:
        return (
            "nothing wrong was found: backward agrees with central differences of forward in float64, to "
            f"{TOLERANCE:.0e} of each array's largest entry"
        )
    count = len(tried.faults)
    said = f"{count} fault{'s' if count > 1 else ''}"
    return said if tried.measured else f"{said}. The gradient is tried once nothing else is wrong"
