"""Puts the helpers of these tests, and those of the policy's, where they can be imported from."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE / "support", HERE.parent / "policy" / "support"):
    sys.path.insert(0, str(folder))
