"""Numbers that are none never reach the live weights: what is refused, what is named, and that nothing moves."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from policy_trajectories import ACTIONS, OBSERVED, trajectory_of
from trainer_batches import pieces_of, two_versions

from touchline.configs import load
from touchline.policy.normalizer import Statistics
from touchline.policy.parameters import Layout
from touchline.trainer.estimates import Rows
from touchline.trainer.method import Delivery
from touchline.trainer.policy_gradient import PolicyGradient, policy_of
from touchline.trainer.soundness import (
    NotFinite,
    blame,
    check_gradient,
    check_statistics,
    check_weights,
)

STEPS, LANES = 6, 2
LAYOUT = Layout({"policy/0/weight": (2, 2), "policy/0/bias": (2,), "value/head/weight": (3, 1)})
A2C = {
    "trainer.algorithm": "a2c",
    "trainer.gradient": "reuse",
    "trainer.epochs": 1,
    "trainer.minibatch_steps": "null",
    "trainer.normalize_advantage": "none",
    "staleness.correction": "none",
}
PPO = {"trainer.epochs": 3, "trainer.minibatch_steps": STEPS * LANES}
VTRACE = A2C | {
    "trainer.gradient": "recompute",
    "trainer.advantage": "vtrace",
    "staleness.correction": "vtrace",
}
COMMON = {
    "env.id": "CartPole-v1",
    "env.normalize": "true",
    "trainer.batch_steps": 2 * STEPS * LANES,
    "players.unroll_length": STEPS,
    "players.lanes": LANES,
    "policy.hidden": "[5, 4]",
}
FORMS = {"reuse": A2C, "ppo": PPO, "vtrace": VTRACE, "rmsprop": A2C | {"optimizer.rule": "rmsprop"}}


class Trainer:
    """A method and a Player that answers it, with a hand in what it sends."""

    def __init__(self, form, **changes):
        values = COMMON | form | {key.replace("__", "."): value for key, value in changes.items()}
        config = load(None, [(key, str(value)) for key, value in values.items()]).config
        self.method = PolicyGradient(policy_of(config, OBSERVED, ACTIONS["categorical"]), config, epoch=1)
        self.rng, self.seq = np.random.default_rng(0), 0

    def deliver(self, spoil=lambda arrays: arrays):
        method, self.seq = self.method, self.seq + 1
        kwargs = {"steps": STEPS, "lanes": LANES, "autoreset": False}
        arrays = trajectory_of(method.policy, method.live, self.rng, **kwargs).to_arrays()
        if not method.settings.wants_hidden:
            arrays = {name: array for name, array in arrays.items() if not name.startswith("hidden")}
        version = method.live.version
        return method.absorb(Delivery(2, self.seq, version, spoil(arrays), 0, player="player-2"))

    def state(self):
        """All that an update moves, as bytes."""
        live = self.method.live
        arrays = [live.weights.flat, live.statistics.to_array(), *self.method.optimizer_state().values()]
        return [array.tobytes() for array in arrays], live.version, dict(self.method.report())


def paid(amount):
    """One step of the result is paid so much: finite, and too much for what is made of it."""

    def spoil(arrays):
        rewards = arrays["rewards"].copy()
        rewards[3, 1] = amount
        return arrays | {"rewards": rewards}

    return spoil


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("normalize", ["true", "false"])
def test_a_batch_whose_gradient_overflows_moves_nothing(form, normalize):
    trainer = Trainer(form, env__normalize=normalize)
    for _ in range(4):
        trainer.deliver()
    before = trainer.state()
    trainer.deliver()
    absorbed = trainer.deliver(paid(3e38))
    assert (absorbed.changed, absorbed.failed) == (False, True)
    assert absorbed.settled == [((2, 5), "dropped_invalid"), ((2, 6), "dropped_invalid")]
    assert [one.key for one in absorbed.aside] == [(2, 5), (2, 6)]
    assert re.match(r"(policy|value)/[\w/]+: gradient (is|of) ", absorbed.detail)
    assert trainer.state() == before


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_after_such_a_batch_the_run_goes_on_as_if_it_had_never_been(form):
    """What a batch trains to does not depend on one that was set aside before it, bit for bit."""
    states = []
    for spoilt in (False, True):
        trainer = Trainer(form, env__normalize="false", trainer__normalize_rewards="false")
        trainer.deliver()
        trainer.deliver()
        if spoilt:
            rng = trainer.rng.bit_generator.state
            trainer.deliver(paid(3e38))
            assert trainer.deliver().failed
            trainer.rng.bit_generator.state = rng
        for _ in range(4):
            absorbed = trainer.deliver()
        assert absorbed.changed
        states.append(trainer.state())
    assert states[0] == states[1]


@pytest.mark.parametrize(
    ("advantage", "said"),
    [("gae", r"advantage 3e\+38 at step 3, lane 1"), ("monte_carlo", r"advantage inf at step \d, lane 1")],
)
def test_the_step_that_is_to_blame_is_named(advantage, said):
    """The greatest advantage of the result that spoils the sum; the first that is itself infinite."""
    trainer = Trainer(A2C, trainer__advantage=advantage, players__unroll_length="episode")
    trainer.deliver()

    def spoil(arrays):
        none = np.zeros_like(arrays["terminated"])
        twice = {"rewards": arrays["rewards"].copy(), "terminated": none, "truncated": none}
        twice["rewards"][4, 1] = 0 if advantage == "gae" else 3e38
        ended = {"final_steps": 0, "final_observations": 0, "final_values": 0}
        return paid(3e38)(arrays | twice | {name: arrays[name][:0] for name in ended})

    detail = trainer.deliver(spoil).detail
    assert re.search(rf": gradient .*\({said} of result 2 of player-2\)$", detail), detail


def test_weights_that_a_learning_rate_drives_out_of_float32_are_not_published():
    for form in (A2C, PPO, A2C | {"optimizer.rule": "sgd"}):
        trainer = Trainer(form, optimizer__learning_rate="1e39", optimizer__max_gradient_norm="null")
        before = trainer.state()
        trainer.deliver()
        absorbed = trainer.deliver()
        assert re.match(
            r"(policy|value)/[\w/]+: weight would be .*\. The learning rate is too high$", absorbed.detail
        )
        assert trainer.state() == before


def test_the_scale_of_rewards_stays_too():
    trainer = Trainer(A2C, trainer__normalize_rewards="true", optimizer__learning_rate="1e39")
    before = trainer.state()
    trainer.deliver()
    assert trainer.deliver().failed
    assert trainer.state() == before
    assert "rewards/statistics" in trainer.method.optimizer_state()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["observations", "rewards", "values", "log_probs", "head"])
def test_a_result_that_holds_no_numbers_enters_no_batch(name, number):
    def spoil(arrays):
        array = arrays[name].copy()
        array.reshape(-1)[array.size // 2] = number
        return arrays | {name: array}

    trainer = Trainer(A2C)
    trainer.deliver()
    before = trainer.state()
    absorbed = trainer.deliver(spoil)
    assert absorbed.settled == [((2, 2), "dropped_invalid")]
    assert (absorbed.failed, [one.key for one in absorbed.aside]) == (False, [(2, 2)])
    assert absorbed.detail.startswith(f"{name}: expected finite numbers, found {number} at [")
    assert trainer.state() == before
    assert trainer.deliver().changed  # the batch is completed by the next


def flat_with(number, index):
    flat = np.ones(LAYOUT.size, np.float32)
    flat[index] = number
    return flat


@pytest.mark.parametrize(
    ("index", "layer"), [(0, "policy/0/weight"), (5, "policy/0/bias"), (6, "value/head/weight")]
)
@pytest.mark.parametrize(("number", "said"), [(np.nan, "NaN"), (-np.inf, "-inf")])
def test_the_layer_is_named(index, layer, number, said):
    flat = flat_with(number, index)
    with pytest.raises(NotFinite, match=rf"^{layer}: gradient is {said}$"):
        check_gradient(float(np.nan), flat, LAYOUT)
    with pytest.raises(
        NotFinite, match=rf"^{layer}: weight would be {said}\. The learning rate is too high$"
    ):
        check_weights(flat, LAYOUT)


def test_a_gradient_whose_square_overflows_is_none():
    flat = flat_with(-3e19, 4)
    norm = float(np.sqrt(np.float32(np.inf)))
    with pytest.raises(NotFinite, match=r"^policy/0/bias: gradient of 3e\+19, whose square overflows$"):
        check_gradient(norm, flat, LAYOUT)


def test_what_is_finite_passes():
    flat = flat_with(1e18, 0)
    check_gradient(1e18, flat, LAYOUT)
    check_weights(flat, LAYOUT)
    check_statistics(Statistics.empty(3), Statistics.empty(3))
    seen = Statistics.empty(3).moved(np.zeros((4, 3)))
    check_statistics(seen, seen.moved(np.full((1, 3), 1e5)))
    check_statistics(Statistics.empty(3), Statistics.empty(3).moved(np.array([[0.0, 0, 1e30], [0, 0, 0]])))


def test_statistics_that_overflow_are_refused():
    array = Statistics.empty(2).to_array()
    array[-1] = np.inf
    with pytest.raises(NotFinite, match="normalizer/statistics"):
        check_statistics(Statistics.empty(2), Statistics.from_array(array))


def test_one_number_that_would_make_nothing_of_all_others_is_refused():
    before = Statistics.empty(3).moved(np.random.default_rng(0).standard_normal((50, 3)))
    rows = np.zeros((4, 3))
    rows[2, 1] = 1e30
    with pytest.raises(
        NotFinite, match=r"the deviation of element 1 of observations would go from 0\.\d+ to .*e\+29$"
    ):
        check_statistics(before, before.moved(rows))


def rows_of(count=3):
    policy, played, _ = two_versions("categorical", 0, "float32")
    pieces = pieces_of(policy, played, np.random.default_rng(0), count=count)
    for i, piece in enumerate(pieces):
        n = piece.trajectory.rewards.size
        piece = dataclasses.replace(piece, seq=10 + i, player="player-1" if i else "")
        zeros = np.zeros(n, np.float32)
        yield Rows(piece, zeros, zeros.copy(), np.ones(n, np.float32))


def test_blame_finds_the_first_step_that_counts():
    first, second, third = rows_of()
    lanes = second.piece.trajectory.shape[1]
    second.advantages[[1, 2 * lanes + 1]] = np.nan
    second.weights[1] = 0  # a step that counts for nothing spoils nothing
    third.targets[0] = np.inf
    found = blame([first, second, third], lambda rows: True)
    assert found == "advantage nan at step 2, lane 1 of result 11 of player-1"
    assert blame([first, third], lambda rows: True).startswith("target inf at step 0, lane 0 of result 12")


def test_blame_names_the_greatest_advantage_of_the_result_that_spoils_the_gradient_by_itself_or_none():
    first, second, third = rows_of()
    second.advantages[1] = -7
    found = blame([first, second, third], lambda rows: rows is second)
    assert found == "advantage -7 at step 0, lane 1 of result 11 of player-1"
    assert blame([first, second], lambda rows: rows is first).endswith("of result 10 of slot 0")
    assert blame([first, second, third], lambda rows: False) == ""
