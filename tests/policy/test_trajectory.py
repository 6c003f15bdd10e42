"""What a Trainer trusts of a trajectory: every shape, dtype and index, refused as field, expected, found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from policy_trajectories import ACTIONS, endings, policy_of, snapshot_of, trajectory_of

from touchline.policy.spaces import Box, Discrete, MultiBinary, MultiDiscrete
from touchline.policy.trajectory import Trajectory, TrajectoryError, action_dtype, action_shape

OBSERVED = {
    "box": Box((3,), "float32", (-np.inf,) * 3, (np.inf,) * 3),
    "image": Box((2, 2), "uint8", (0.0,) * 4, (255.0,) * 4),
    "discrete": Discrete(4, start=-1),
    "multi": MultiDiscrete((2, 3)),
    "binary": MultiBinary((2, 2)),
}


def sent(action="categorical", observed="box", **changes):
    """(policy, the arrays of a valid trajectory): 6 steps of 3 lanes, some truncated."""
    policy = policy_of(action, observed=OBSERVED[observed], **changes)
    rng = np.random.default_rng(1)
    ended = endings(np.random.default_rng(7), 6, 3, rate=0.5, autoreset=True)
    assert ended[1].sum() > 1
    trajectory = trajectory_of(policy, snapshot_of(policy, rng, dtype="float32"), rng, ended=ended)
    return policy, trajectory.to_arrays()


@pytest.mark.parametrize("observed", OBSERVED)
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("shared", [False, True])
def test_what_was_sent_reads_back(action, observed, shared):
    policy, arrays = sent(action, observed, shared=shared)
    back = Trajectory.from_arrays(policy, arrays, hidden=True)
    assert back.shape == (6, 3)
    assert back.to_arrays().keys() == arrays.keys()
    for name, array in back.to_arrays().items():
        assert array is arrays[name]
    assert back.nbytes == sum(array.nbytes for array in arrays.values())
    assert back.steps == arrays["valid"].sum() < 18


def test_an_unroll_in_which_nothing_ended():
    policy = policy_of()
    rng = np.random.default_rng(0)
    trajectory = trajectory_of(policy, snapshot_of(policy, rng, dtype="float32"), rng, rate=0)
    assert Trajectory.from_arrays(policy, trajectory.to_arrays(), hidden=True).final_steps.shape == (0, 2)


def test_hidden_states_are_wanted_or_refused_as_the_order_says():
    policy, arrays = sent()
    with pytest.raises(TrajectoryError, match=r"unexpected array 'hidden.0'"):
        Trajectory.from_arrays(policy, arrays, hidden=False)
    plain = {name: array for name, array in arrays.items() if not name.startswith("hidden")}
    assert Trajectory.from_arrays(policy, plain, hidden=False).hidden == ()
    with pytest.raises(TrajectoryError, match=r"hidden.3: expected float32 \[6, 3, 4\], found nothing"):
        Trajectory.from_arrays(policy, plain, hidden=True)


NAMES = sorted(sent()[1])


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_array_is_named(name):
    policy, arrays = sent()
    del arrays[name]
    with pytest.raises(TrajectoryError, match=name):
        Trajectory.from_arrays(policy, arrays, hidden=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "broken",
    [
        lambda array: array[:-1],
        lambda array: array[..., None],
        lambda array: array.astype(np.complex64),
        lambda array: (
            array.astype(array.dtype.newbyteorder(">")) if array.dtype.itemsize > 1 else array[:, None]
        ),
    ],
    ids=["short", "axis", "dtype", "order"],
)
def test_an_array_of_another_form_is_named_with_both_forms(name, broken):
    policy, arrays = sent()
    arrays[name] = broken(arrays[name])
    with pytest.raises(TrajectoryError, match=r"\w+: expected .*, found"):
        Trajectory.from_arrays(policy, arrays, hidden=True)


def test_every_fault_is_told_at_once():
    policy, arrays = sent()
    arrays["values"] = arrays["values"].astype(np.float64)
    arrays["head"] = arrays["head"][..., :1]
    arrays["extra"] = np.zeros(1)
    with pytest.raises(TrajectoryError) as caught:
        Trajectory.from_arrays(policy, arrays, hidden=True)
    assert sorted(str(caught.value).split("; ")) == [
        "head: expected float32 [6, 3, 3], found float32 [6, 3, 1]",
        "unexpected array 'extra'",
        "values: expected float32 [7, 3], found float64 [7, 3]",
    ]


@pytest.mark.parametrize("shape", [(), (6,), (0, 3), (6, 0), (1, 2, 3)])
def test_rewards_say_the_shape_of_all(shape):
    policy, arrays = sent()
    arrays["rewards"] = np.zeros(shape, np.float32)
    with pytest.raises(TrajectoryError, match=r"rewards: expected float32 \[T, B\], found"):
        Trajectory.from_arrays(policy, arrays, hidden=True)


def altered(arrays, name, index, value):
    changed = arrays[name].copy()
    changed[index] = value
    return {**arrays, name: changed}


@pytest.mark.parametrize(
    ("action", "observed", "name", "index", "value", "message"),
    [
        ("categorical", "box", "actions", (2, 1), -1, "actions: expected 0 to below 3, found -1"),
        ("categorical", "box", "actions", (2, 1), 3, "actions: expected 0 to below 3, found 3"),
        ("multi", "box", "actions", (0, 0, 1), 2, r"actions: expected 0 to below \(3, 2\), found 2"),
        (
            "categorical",
            "discrete",
            "observations",
            (6, 2),
            3,
            "observations: expected -1 to below 3, found 3",
        ),
        (
            "categorical",
            "discrete",
            "observations",
            (0, 0),
            -2,
            "observations: expected -1 to below 3, found -2",
        ),
        ("categorical", "multi", "observations", (0, 0, 0), 2, r"observations: expected 0 to below \(2, 3\)"),
        ("categorical", "multi", "final_observations", (1, 1), -1, "final_observations: expected 0"),
        (
            "categorical",
            "box",
            "final_steps",
            (0, 0),
            -1,
            r"final_steps: expected 0 to below \(6, 3\), found -1",
        ),
        (
            "categorical",
            "box",
            "final_steps",
            (0, 0),
            6,
            r"final_steps: expected 0 to below \(6, 3\), found 6",
        ),
        (
            "categorical",
            "box",
            "final_steps",
            (0, 1),
            3,
            r"final_steps: expected 0 to below \(6, 3\), found 3",
        ),
    ],
)
def test_an_index_out_of_range_is_refused(action, observed, name, index, value, message):
    policy, arrays = sent(action, observed)
    with pytest.raises(TrajectoryError, match=message):
        Trajectory.from_arrays(policy, altered(arrays, name, index, value), hidden=True)


FLOATS = sorted(name for name, array in sent("gaussian")[1].items() if array.dtype.kind == "f")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", FLOATS)
def test_a_number_that_is_not_finite_is_refused_by_name(name, value):
    policy, arrays = sent("gaussian")
    index = tuple(size // 2 for size in arrays[name].shape)
    place = r"[^\]]*".join(["", *map(str, index), ""])
    with pytest.raises(
        TrajectoryError, match=rf"^{name}: expected finite numbers, found {value} at \[{place}\]"
    ):
        Trajectory.from_arrays(policy, altered(arrays, name, index, value), hidden=True)


def test_infinities_of_both_signs_do_not_cancel():
    policy, arrays = sent()
    both = altered(arrays, "rewards", (0, 0), np.inf)
    with pytest.raises(TrajectoryError, match="rewards: expected finite numbers, found inf"):
        Trajectory.from_arrays(policy, altered(both, "rewards", (0, 1), -np.inf), hidden=True)


def test_large_numbers_are_numbers():
    """A sum of them is beyond float32, or of their squares."""
    policy, arrays = sent()
    arrays["observations"][...] = 3e38
    np.testing.assert_array_equal(
        Trajectory.from_arrays(policy, arrays, hidden=True).observations, np.float32(3e38)
    )


def test_every_truncated_step_has_its_final_observation_and_no_other_has():
    policy, arrays = sent()
    first, second = arrays["final_steps"][:2]
    for change in (
        altered(arrays, "final_steps", 0, second),
        altered(arrays, "truncated", tuple(first), False),
        altered(arrays, "truncated", tuple(np.argwhere(~arrays["truncated"])[0]), True),
    ):
        with pytest.raises(
            TrajectoryError, match=r"final_steps: expected each of the \d truncated steps once"
        ):
            Trajectory.from_arrays(policy, change, hidden=True)


@given(st.sampled_from(["actions", "final_steps", "observations", "final_observations"]), st.data())
@proven(150)
def test_fuzzed_indices_are_in_range_or_refused(name, data):
    policy, arrays = sent("multi", "multi")
    dtype = arrays[name].dtype
    limits = np.iinfo(dtype)
    index = tuple(data.draw(st.integers(0, size - 1)) for size in arrays[name].shape)
    value = data.draw(st.integers(-3, 8) | st.integers(limits.min, limits.max))
    try:
        trajectory = Trajectory.from_arrays(policy, altered(arrays, name, index, value), hidden=True)
    except TrajectoryError:
        return
    snapshot = snapshot_of(policy, np.random.default_rng(0), dtype="float32")
    for raw in (trajectory.observations.reshape(-1, 2), trajectory.final_observations):
        np.testing.assert_array_equal(snapshot.rows(policy, raw).sum(axis=1), 2)  # one of each choice
    policy.distribution.log_prob(trajectory.head.reshape(18, -1), trajectory.actions.reshape(18, -1))
    assert trajectory.truncated[tuple(trajectory.final_steps.T)].all()


@pytest.mark.parametrize(
    ("action", "shape", "dtype"),
    [("categorical", (), "int64"), ("multi", (2,), "int64"), ("gaussian", (2,), "float32")],
)
def test_one_action_as_the_policy_draws_it(action, shape, dtype):
    assert (action_shape(policy_of(action)), action_dtype(policy_of(action))) == (shape, dtype)


def test_a_truncated_step_is_named_once():
    """Of two final values for one step either might be taken."""
    policy, arrays = sent()
    for name in ("final_steps", "final_observations", "final_values"):
        arrays[name] = np.concatenate([arrays[name], arrays[name][:1]])
    with pytest.raises(TrajectoryError, match=r"final_steps: expected each of the \d truncated steps once"):
        Trajectory.from_arrays(policy, arrays, hidden=True)
