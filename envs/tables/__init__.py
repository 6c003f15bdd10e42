"""Tables: rows of inputs with the outputs that belong to them, from built-in sources and from files.

``read_table`` gives a ``Table``. No data set comes with touchline: what is not computed is read from a path.
"""

from __future__ import annotations

from touchline.envs.tables.read import SOURCES, read_table
from touchline.envs.tables.table import Table

__all__ = ["SOURCES", "Table", "read_table"]
