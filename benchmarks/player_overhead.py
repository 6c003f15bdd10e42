"""What a Player costs over its environments: 16 lanes of CartPole, played by a policy and by actions drawn beforehand.

    python benchmarks/player_overhead.py [--lanes 16] [--unroll 128] [--repeats 15]

Both sides step the same wrapped environments (``gymnasium.make``, Python, one core) in alternation, so that a noisy
machine disturbs them alike; the figure is the median over the repeats of the ratio of neighbours.
"""

from __future__ import annotations

import argparse
import statistics
import time

import gymnasium
import numpy as np
from threadpoolctl import threadpool_limits

from touchline.configs import load
from touchline.player.play import lanes_of, policy_for
from touchline.player.unrolls import Unrolls
from touchline.policy.seeds import episode_seed, weights_stream


def bare_seconds(envs: list[gymnasium.Env], actions: np.ndarray) -> float:
    """Seconds to step every environment with actions drawn beforehand, int64 [T, B]; an ended one is reset."""
    seed = 0
    began = time.perf_counter()
    for row in actions.tolist():
        for env, action in zip(envs, row, strict=True):
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                seed += 1
                env.reset(seed=seed)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--env", default="CartPole-v1")
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--unroll", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=41)
    options = parser.parse_args()

    overrides = [
        ("env.id", options.env),
        ("env.vectorize", "never"),
        ("players.lanes", str(options.lanes)),
        ("players.unroll_length", str(options.unroll)),
    ]
    config = load("cartpole", overrides).config
    with threadpool_limits(1):
        lanes = lanes_of(config, base_seed=1)
        policy = policy_for(config, lanes)
        snapshot = policy.first_snapshot(weights_stream(0), epoch=1)
        unrolls = Unrolls(lanes, policy, length=options.unroll, base_seed=1, keep_hidden=True)
        envs = [gymnasium.make(options.env, disable_env_checker=True) for _ in range(options.lanes)]
        for lane, env in enumerate(envs):
            env.reset(seed=episode_seed(base=1, lane=lane, episode=0))
        played, bare = [], []
        for repeat in range(options.repeats + 2):
            began = time.perf_counter()
            trajectory = unrolls.collect(snapshot, result=repeat)
            seconds = time.perf_counter() - began
            assert trajectory is not None
            if repeat >= 2:  # the first two warm the caches and the allocator
                played.append(seconds)
                bare.append(bare_seconds(envs, trajectory.actions))
        lanes.close()
    steps = options.unroll * options.lanes
    ratios = [a / b for a, b in zip(played, bare, strict=True)]
    print(f"{options.env}, {options.lanes} lanes, unrolls of {options.unroll}, median of {options.repeats}:")
    print(f"  environments alone, actions drawn beforehand  {steps / statistics.median(bare):10,.0f} steps/s")
    print(
        f"  a Player: forward, draw, hidden states, values {steps / statistics.median(played):9,.0f} steps/s"
    )
    print(f"  the Player costs {statistics.median(ratios) - 1:+.1%} (quartiles {_quartiles(ratios)})")


def _quartiles(ratios: list[float]) -> str:
    low, _, high = statistics.quantiles(ratios, n=4)
    return f"{low - 1:+.1%} to {high - 1:+.1%}"


if __name__ == "__main__":
    main()
