"""Runs by trust region steps over a short CartPole, with the work that carries them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from driving import drive

from touchline.configs import Config
from touchline.player.trpo_work import TrpoWork
from touchline.trainer.schemes.trpo import Trpo

STEPS, LANES, PARTS = 60, 2, 3
ROWS = STEPS * LANES * PARTS
SHORT = {"id": "CartPole-v1", "kwargs": {"max_episode_steps": 50}}


@contextmanager
def staged() -> Iterator[Callable[..., tuple[Trpo, TrpoWork]]]:
    """What makes (scheme, work) of a config; all that was made is closed at the end."""
    made: list[TrpoWork] = []

    def build(env=None, *, parts=PARTS, lanes=LANES, hidden=(6,), seed=0, policy=None, **trpo):
        config = Config.model_validate(
            {
                "method": "trpo",
                "env": env or SHORT,
                "tasks": {"parts": parts},
                "players": {"lanes": lanes},
                "policy": {"hidden": hidden, **(policy or {})},
                "eval": {"episodes": 3},
                "trpo": {"steps": STEPS, "delta": 0.02, **trpo},
                "seed": seed,
            }
        )
        work = TrpoWork(config, seed=0)
        made.append(work)
        return Trpo.of(config, work.spaces, work.facts), work

    try:
        yield build
    finally:
        for one in made:
            one.close()


def until(scheme, work, what):
    """Rounds driven until the next asks for that."""
    rounds = drive(scheme, work, rounds=100)
    while scheme.round()[0].arguments["what"] != what:
        next(rounds)
    return rounds
