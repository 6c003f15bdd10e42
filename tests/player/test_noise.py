"""Noise that remembers, as it is played: it runs on from unroll to unroll, and each game of a wave has its own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.player.unrolls import Unrolls
from touchline.player.waves import Waves
from touchline.policy.seeds import action_stream

SEED, LENGTH, LANES, RHO = 7, 10, 4, 0.95


@pytest.fixture
def pendulum(stage):
    """Episodes of 15 steps, so that some end within an unroll and some between two."""

    def build(rho=RHO):
        return stage(
            "Pendulum-v1", **{"policy.noise_correlation": rho, "env.kwargs": "{max_episode_steps: 15}"}
        )

    return build


def unrolls_of(here):
    return Unrolls(here.lanes, here.policy, length=LENGTH, base_seed=SEED, keep_hidden=False)


def noise_in(trajectory):
    """What was added to the means, in deviations ``[T, B]``."""
    mean, log_std = trajectory.head[..., 0], trajectory.head[..., 1]
    return (trajectory.actions[..., 0].astype(np.float64) - mean) / np.exp(log_std)


def chain(innovations, rho):
    """e_t = rho e_(t-1) + sqrt(1 - rho^2) xi_t, one number at a time."""
    noise = [innovations[0]]
    for one in innovations[1:]:
        noise.append(rho * noise[-1] + math.sqrt(1 - rho * rho) * one)
    return np.array(noise)


def innovations_of(results):
    """Standard normals of the results' own streams, one after the other ``[T, B]``."""
    return np.concatenate(
        [
            action_stream(base=SEED, result=result).standard_normal((LENGTH, LANES, 1), np.float32)[..., 0]
            for result in results
        ]
    )


def test_noise_runs_on_from_unroll_to_unroll_and_is_replayed_from_the_seeds_alone(pendulum):
    here = pendulum()
    unrolls = unrolls_of(here)
    played = [noise_in(unrolls.collect(here.snapshot(k), result=k)) for k in range(4)]
    np.testing.assert_allclose(np.concatenate(played), chain(innovations_of(range(4)), RHO), atol=1e-5)


def test_noise_without_correlation_is_of_its_own_stream_alone(pendulum):
    here = pendulum(rho=0.0)
    unrolls = unrolls_of(here)
    for k in (3, 5):
        played = noise_in(unrolls.collect(here.snapshot(), result=k))
        np.testing.assert_allclose(played, innovations_of([k]), atol=1e-5)


def test_across_a_boundary_noise_is_as_correlated_as_within(pendulum):
    here = pendulum()
    unrolls = unrolls_of(here)
    noise = np.stack([noise_in(unrolls.collect(here.snapshot(), result=k)) for k in range(40)])
    across = np.mean(noise[:-1, -1] * noise[1:, 0]) / np.mean(noise * noise)
    within = np.mean(noise[:, :-1] * noise[:, 1:]) / np.mean(noise * noise)
    assert across == pytest.approx(within, abs=0.1)
    assert across > 0.8


def test_what_was_told_to_stop_is_not_gone_on_from(pendulum):
    """Its steps were never sent: who replays what was sent does not know of them."""
    here, stopping = pendulum(), [False]
    unrolls = Unrolls(
        here.lanes,
        here.policy,
        length=LENGTH,
        base_seed=SEED,
        keep_hidden=False,
        progress=lambda t: not (stopping[0] and t == 4),
    )
    first = noise_in(unrolls.collect(here.snapshot(), result=0))
    stopping[0] = True
    assert unrolls.collect(here.snapshot(), result=1) is None
    stopping[0] = False
    second = noise_in(unrolls.collect(here.snapshot(), result=2))
    np.testing.assert_allclose(np.concatenate([first, second]), chain(innovations_of([0, 2]), RHO), atol=1e-5)


def test_every_wave_begins_anew(pendulum):
    here = pendulum()
    waves = Waves(here.lanes, here.policy, base_seed=SEED, keep_hidden=False)
    for result in (0, LANES):
        games = list(waves.collect(here.snapshot(), result=result))
        first = action_stream(base=SEED, result=result).standard_normal((1, LANES, 1), np.float32)[0, :, 0]
        np.testing.assert_allclose([noise_in(game)[0, 0] for game in games], first, atol=1e-5)
