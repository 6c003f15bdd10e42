"""Where every random number of a run comes from: counters, so that any unroll can be played again.

A Player's base seed is a hash of (run seed, slot, incarnation). An episode's reset seed is a hash of
(base, lane, episode), an unroll's action noise a Philox stream of (base, result number). Nothing depends on
what was drawn before, but correlated noise, which goes on from that of the unroll before.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def mix(*values: int) -> int:
    """A 64-bit hash of integers: splitmix64's finaliser (Steele, Lea, Flood 2014) over a running sum."""
    state = 0
    for value in values:
        state = _absorb(state, value)
    return state


def player_seed(*, run_seed: int, slot: int, incarnation: int) -> int:
    """The base seed of one incarnation of one Player. A restarted Player does not play the same again."""
    return mix(1, run_seed, slot, incarnation) >> 1


def _absorb(state: int, value: int) -> int:
    state = (state ^ (value & _MASK)) + _GOLDEN & _MASK
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
    return state ^ state >> 31


def episode_seeds(*, base: int, lanes: int) -> Callable[[int, int], int]:
    """``episode_seed`` of these lanes as a function of (lane, episode), for where many short episodes ask."""
    states = [mix(2, base, lane) for lane in range(lanes)]
    return lambda lane, episode: _absorb(states[lane], episode) >> 33


def episode_seed(*, base: int, lane: int, episode: int) -> int:
    """The seed given to one episode's reset: 31 bits, which every environment accepts."""
    return mix(2, base, lane, episode) >> 33


def action_stream(*, base: int, result: int, block: int = 0) -> np.random.Generator:
    """The generator of the action noise of result ``result``; ``block`` numbers what is drawn later."""
    return _stream(mix(3, base), block, result)


def weights_stream(run_seed: int) -> np.random.Generator:
    """The generator of a run's initial weights."""
    return _stream(mix(4, run_seed), 0, 0)


def shuffle_stream(*, run_seed: int, update: int) -> np.random.Generator:
    """The generator of the minibatch order of one update."""
    return _stream(mix(5, run_seed), 0, update)


def lag_stream(*, run_seed: int, slot: int, result: int) -> np.random.Generator:
    """The generator of the lag of result ``result`` of a Player, where a study draws it."""
    return _stream(mix(6, run_seed), slot, result)


def centring_stream(*, run_seed: int, update: int) -> np.random.Generator:
    """The generator of the extra actions that centred truncation draws in one update."""
    return _stream(mix(7, run_seed), 0, update)


def evaluation_seed(run_seed: int) -> int:
    """The seed of a run's evaluations, the same for each of them: 31 bits, as ``touchline eval --seed`` takes it."""
    return mix(8, run_seed) >> 33


def points_seed(*, run_seed: int, iteration: int) -> int:
    """The seed of the episodes that all points of one iteration are scored by: 31 bits, as of an evaluation."""
    return mix(9, run_seed, iteration) >> 33


def trajectory_seed(*, run_seed: int, number: int) -> int:
    """The base seed of trajectory ``number`` of a run whose trajectories are the same whoever plays them."""
    return mix(10, run_seed, number) >> 1


def features_stream(run_seed: int) -> np.random.Generator:
    """The generator of random features of the observation, one draw for a whole run."""
    return _stream(mix(11, run_seed), 0, 0)


def imitation_seed(*, run_seed: int, number: int, test: bool) -> int:
    """The base seed of the episodes of order ``number`` of a run by imitation; tests are numbered by themselves."""
    return mix(12, run_seed, number, test) >> 1


def _stream(key: int, block: int, number: int) -> np.random.Generator:
    # A list of Python integers, one of them above 2**63, would pass through float64 and lose its last bits.
    counter = np.array([0, 0, block, number], np.uint64)
    return np.random.Generator(np.random.Philox(key=np.array([key, 0], np.uint64), counter=counter))
