"""GRU and LSTM: against their equations one number at a time, against single steps, and by finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from policy_numerics import assert_gradient

from touchline.policy.recurrent import FORGET_BIAS, GRU, LSTM, Sequences, starts_of, states_before, unrolled

FEATURES, SIZE, STEPS, LANES = 3, 2, 5, 4
CORES = {
    "gru": GRU(features=FEATURES, size=SIZE),
    "lstm": LSTM(features=FEATURES, size=SIZE),
    "gru without biases": GRU(features=FEATURES, size=SIZE, bias=False),
    "lstm without biases": LSTM(features=FEATURES, size=SIZE, bias=False),
}
every_core = pytest.mark.parametrize("core", CORES.values(), ids=CORES.keys())


def flat_size(core):
    return sum(math.prod(shape) for shape in core.shapes.values())


def views(core, flat):
    found, start = {}, 0
    for name, shape in core.shapes.items():
        stop = start + math.prod(shape)
        found[name] = flat[start:stop].reshape(shape)
        start = stop
    return found


def example(core, seed=0):
    """(parameters flat, rows, sequences with episodes that begin on the way), float64."""
    rng = np.random.default_rng(seed)
    starts = rng.random((STEPS, LANES)) < 0.3
    sequences = Sequences(starts, rng.standard_normal((LANES, core.state_size)))
    return (
        0.7 * rng.standard_normal(flat_size(core)),
        rng.standard_normal((STEPS * LANES, FEATURES)),
        sequences,
    )


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def gru_by_hand(p, x, h):
    """One step of one row, from the equations."""

    def sums(gate):
        column = gate * SIZE
        return [
            (
                sum(x[i] * p["input"][i, column + j] for i in range(FEATURES)) + p["bias"][column + j],
                sum(h[i] * p["hidden"][i, column + j] for i in range(SIZE)),
            )
            for j in range(SIZE)
        ]

    r, z = ([sigmoid(a + b) for a, b in sums(gate)] for gate in (0, 1))
    n = [math.tanh(a + r[j] * (b + p["candidate_bias"][j])) for j, (a, b) in enumerate(sums(2))]
    return [(1 - z[j]) * n[j] + z[j] * h[j] for j in range(SIZE)]


def lstm_by_hand(p, x, state):
    c, h = state[:SIZE], state[SIZE:]

    def gate(number, squash):
        return [
            squash(
                sum(x[i] * p["input"][i, number * SIZE + j] for i in range(FEATURES))
                + sum(h[i] * p["hidden"][i, number * SIZE + j] for i in range(SIZE))
                + p["bias"][number * SIZE + j]
            )
            for j in range(SIZE)
        ]

    i, f, g, o = gate(0, sigmoid), gate(1, sigmoid), gate(2, math.tanh), gate(3, sigmoid)
    after = [f[j] * c[j] + i[j] * g[j] for j in range(SIZE)]
    return [*after, *(o[j] * math.tanh(after[j]) for j in range(SIZE))]


BY_HAND = {"gru": gru_by_hand, "lstm": lstm_by_hand}


def with_biases(core, p):
    """A core without biases is one whose biases are 0."""
    zeros = {"bias": np.zeros(p["input"].shape[1]), "candidate_bias": np.zeros(SIZE)}
    return {**zeros, **p}


@pytest.mark.parametrize("name", CORES)
def test_a_step_is_the_equations(name):
    core = CORES[name]
    flat, x, sequences = example(core)
    p = views(core, flat)
    kept = core.step(p, x[:LANES], sequences.state)
    by_hand, biased = BY_HAND[name.split()[0]], with_biases(core, p)
    expected = [by_hand(biased, x[lane], list(sequences.state[lane])) for lane in range(LANES)]
    np.testing.assert_allclose(core.state_after(kept), expected, rtol=1e-12)
    np.testing.assert_array_equal(kept[-1], core.state_after(kept)[:, -SIZE:])
    assert tuple(layer.shape[1:] for layer in kept) == core.kept


@every_core
def test_an_unroll_is_its_steps_one_after_the_other(core):
    flat, x, sequences = example(core)
    p = views(core, flat)
    whole = [layer.reshape(STEPS, LANES, -1) for layer in unrolled(core, p, x, sequences)]
    for lane in range(LANES):
        state = sequences.state[lane : lane + 1]
        for t in range(STEPS):
            if sequences.starts[t, lane]:
                state = np.zeros_like(state)
            kept = core.step(p, x[t * LANES + lane][None], state)
            for layer, one in zip(whole, kept, strict=True):
                np.testing.assert_allclose(layer[t, lane], one[0], rtol=1e-12, atol=1e-15)
            state = core.state_after(kept)


@every_core
def test_an_unroll_cut_in_two_goes_on_where_it_was(core):
    flat, x, sequences = example(core)
    p = views(core, flat)
    whole = unrolled(core, p, x, sequences)
    cut = 3 * LANES
    first = unrolled(core, p, x[:cut], Sequences(sequences.starts[:3], sequences.state))
    carried = core.state_after([layer[-LANES:] for layer in first])
    carried = np.where(sequences.starts[3][:, None], 0, carried)
    later = np.vstack([np.zeros((1, LANES), bool), sequences.starts[4:]])
    second = unrolled(core, p, x[cut:], Sequences(later, carried))
    for layer, *parts in zip(whole, first, second, strict=True):
        np.testing.assert_allclose(layer, np.concatenate(parts), rtol=1e-12, atol=1e-15)


@every_core
@pytest.mark.parametrize("seed", range(3))
def test_backward_through_time_from_what_was_kept(core, seed):
    flat, x, sequences = example(core, seed)
    d = np.random.default_rng(seed + 9).standard_normal((STEPS * LANES, SIZE))

    def loss(at, rows):
        return float((d * unrolled(core, views(core, at), rows, sequences)[-1]).sum())

    gradient = np.zeros(flat.size)
    kept = unrolled(core, views(core, flat), x, sequences)
    d_x = core.backward(views(core, flat), x, kept, d, sequences, views(core, gradient))
    assert_gradient(gradient, lambda at: loss(at, x), flat)
    assert_gradient(d_x, lambda rows: loss(flat, rows), x)


@every_core
def test_backward_adds_and_leaves_what_it_was_given(core):
    flat, x, sequences = example(core)
    d = np.ones((STEPS * LANES, SIZE))
    kept = unrolled(core, views(core, flat), x, sequences)
    given = [x, d, sequences.state, *kept]
    before = [array.copy() for array in given]
    once, twice = np.zeros(flat.size), np.zeros(flat.size)
    core.backward(views(core, flat), x, kept, d, sequences, views(core, once))
    for _ in range(2):
        core.backward(views(core, flat), x, kept, d, sequences, views(core, twice))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-12)
    for array, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_core
def test_nothing_flows_across_the_start_of_an_episode(core):
    """Where every step begins an episode, neither the carried state nor earlier rows matter."""
    flat, x, sequences = example(core)
    p, alone = views(core, flat), Sequences(np.ones((STEPS, LANES), bool), sequences.state)
    one = unrolled(core, p, x, alone)[-1]
    other = unrolled(core, p, np.vstack([x[:LANES] + 1, x[LANES:]]), Sequences(alone.starts, 5 * alone.state))
    np.testing.assert_array_equal(one[LANES:], other[-1][LANES:])
    assert (states_before(core, unrolled(core, p, x, alone), alone) == 0).all()


@every_core
def test_initial_gates_are_orthogonal_and_the_lstm_keeps_its_memory(core):
    flat = np.ones(flat_size(core), np.float32)
    p = views(core, flat)
    core.init(p, np.random.default_rng(0))
    for name in ("input", "hidden"):
        for start in range(0, p[name].shape[1], SIZE):
            block = p[name][:, start : start + SIZE]
            np.testing.assert_allclose(block.T @ block, np.eye(SIZE), atol=1e-6)
    assert_biases(core, p)


def assert_biases(core, p):
    """All 0 but the forget gates' of an LSTM."""
    for name in (name for name in core.shapes if name.endswith("bias")):
        expected = np.zeros(core.shapes[name])
        if isinstance(core, LSTM):
            expected[SIZE : 2 * SIZE] = FORGET_BIAS
        np.testing.assert_array_equal(p[name], expected)


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_gates_begin_with_a_scaled_deviation_where_asked(kind):
    """1/√inputs everywhere, as of any other layer: of what x enters by the features, of what h enters by the size."""
    features, size = 400, 100
    core = kind(features=features, size=size, initialization="scaled_normal")
    p = views(core, np.ones(flat_size(core), np.float32))
    core.init(p, np.random.default_rng(0))
    assert p["input"].std() == pytest.approx(1 / math.sqrt(features), rel=0.02)
    assert p["hidden"].std() == pytest.approx(1 / math.sqrt(size), rel=0.02)
    block = p["hidden"][:, :size]
    assert np.abs(block.T @ block - np.eye(size)).max() > 0.1
    assert (p["bias"][:size] == 0).all()


@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_without_biases_there_are_the_products_alone(name):
    assert list(CORES[f"{name} without biases"].shapes) == ["input", "hidden"]


@every_core
def test_large_sums_do_not_overflow(core):
    flat, x, sequences = example(core)
    with np.errstate(all="raise"):
        kept = unrolled(core, views(core, 100 * flat), 100 * x, sequences)
    assert all(np.isfinite(layer).all() for layer in kept)


def test_a_state_begins_anew_after_an_end_and_after_the_step_that_autoreset_adds():
    ended = np.array([[True, False], [False, False], [False, True], [False, False]])
    valid = np.array([[True, True], [False, True], [True, True], [True, True]])
    expected = [[False, False], [True, False], [True, False], [False, True]]
    np.testing.assert_array_equal(starts_of(ended, valid), expected)
