"""Wrappers that gymnasium lacks, or has only with a function as argument, which a config file cannot hold.

Each can be named bare in ``env.wrappers``; their arguments are plain data.
"""

from __future__ import annotations

from touchline.envs.wrappers.atari import EpisodicLife, FireReset
from touchline.envs.wrappers.pong import PongPixels
from touchline.envs.wrappers.rewards import ScaleReward, Score, SignReward
from touchline.envs.wrappers.timing import ActionRepeat, Latency

__all__ = [
    "ActionRepeat",
    "EpisodicLife",
    "FireReset",
    "Latency",
    "PongPixels",
    "ScaleReward",
    "Score",
    "SignReward",
]
