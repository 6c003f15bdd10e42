"""Lines of the live view: made of plain (text, style) pairs, fitted, cut and broken to a width in cells."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from touchline.cli.live_text import Glyphs, plain_line

Part = tuple[str, str]  # text, style
Line = list[Part]

LABEL_WIDTH = 9
GAP = "   "
MESSAGE_LINES = 2


def wrapped(text: str, width: int, glyphs: Glyphs) -> list[str]:
    """A note in MESSAGE_LINES lines at most, broken at a space where there is one."""
    lines: list[str] = []
    rest = plain_line(text)
    while rest and len(lines) < MESSAGE_LINES - 1 and cell_len(rest) > width:
        fits = set_cell_size(rest, width)
        if not rest.startswith(fits):  # a wide letter does not fit, and was filled with a blank
            fits = fits[:-1]
        at_space = fits.rfind(" ") if rest[len(fits) : len(fits) + 1] != " " else len(fits)
        end = at_space if at_space > len(fits) // 2 else len(fits)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, cut(rest, width, glyphs)] if rest else lines


def row(label: str, facts: Sequence[Line], width: int) -> Line:
    """A label, and as many facts as fit beside it."""
    return [(label.ljust(LABEL_WIDTH), "dim"), *fit(facts, width - LABEL_WIDTH, gap=GAP)]


def fit(facts: Sequence[Line], width: int, *, gap: str) -> Line:
    """As many of ``facts`` as fit, the first ones first: what is less important stands further right."""
    line: Line = []
    for index, fact in enumerate(facts):
        wider = [*line, (gap, ""), *fact] if index else [*fact]
        if index and breadth(wider) > width:
            break
        line = wider
    return line


def crop(line: Line, width: int) -> Line:
    """For a terminal narrower than a label and its number: a line that wraps would tear the view."""
    room, kept = width, []
    for text, style in line:
        kept.append((text if cell_len(text) <= room else set_cell_size(text, room), style))
        room = max(0, room - cell_len(text))
    return kept


def breadth(line: Line) -> int:
    """In cells."""
    return sum(cell_len(text) for text, _ in line)


def cut(text: str, width: int, glyphs: Glyphs) -> str:
    """The text, safe for a line; its end left out where it is too long."""
    text = plain_line(text)
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)).rstrip() + glyphs.more
