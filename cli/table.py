"""Columns of text, as wide as they need to be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import click

GAP = "  "


def table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()
) -> Iterator[str]:
    """The title's line and one a row; columns in ``right`` are aligned right, empty ones left out."""
    kept = [column for column in range(len(titles)) if titles[column] or any(row[column] for row in rows)]
    widths = {column: max(_width(row[column]) for row in [titles, *rows]) for column in kept}

    def line(cells: Sequence[str]) -> str:
        padded = (_padded(cells[column], widths[column], right=column in right) for column in kept)
        return GAP.join(padded).rstrip()

    yield click.style(line(titles), dim=True)
    for row in rows:
        yield line(row)


def _width(cell: str) -> int:
    return len(click.unstyle(cell))


def _padded(cell: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if right else cell + space
