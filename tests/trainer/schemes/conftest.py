"""Puts the helpers of these tests, and the references, where they can be imported from."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent.parent
for folder in (HERE / "support", HERE.parent / "support", TESTS / "policy" / "support", TESTS / "reference"):
    sys.path.insert(0, str(folder))
