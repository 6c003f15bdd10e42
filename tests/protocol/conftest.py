"""Puts the helpers of these tests where they can be imported from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

from protocol_peers import Peer, Trainer


@pytest.fixture
def trainer() -> Trainer:
    """One with an order and a first version."""
    made = Trainer()
    made.start()
    return made


@pytest.fixture
def player(trainer: Trainer) -> Peer:
    """One that is ready to play."""
    return Peer(trainer).join()
