"""The rules against golden traces and a scalar reference, cut into slices, saved and restored."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from touchline.targets.errors import TargetError
from touchline.targets.rule_state import state_of
from touchline.targets.rules import RULES, SCALARS, make_rule
from touchline.targets.splitting import split

GOLDEN = json.loads((Path(__file__).parent / "data" / "optimizer_traces.json").read_text())
CONSTANTS = {"momentum": {"momentum": 0.9}, "rmsprop": {"decay": 0.9, "epsilon": 1e-5}}
EXACT = {"rprop_plus", "rprop_minus", "irprop_plus", "irprop_minus", "quickprop"}
each = pytest.mark.parametrize("name", RULES)


def rule_of(name, size):
    return make_rule(name, size, **CONSTANTS.get(name, {}))


def sliced(name, whole, part):
    """A rule of its own over some of the weights, which goes on from the whole one's state."""
    rule = rule_of(name, len(part))
    rule.restore(state_of(whole.state(), part))
    return rule


def height(w):
    return 0.5 * (w[0] ** 2 + 10 * w[1] ** 2) + 0.1 * w[0] * w[1]


def slope(w):
    return np.array([w[0] + 0.1 * w[1], 10 * w[1] + 0.1 * w[0]])


@pytest.mark.parametrize("name", sorted(EXACT | {"rmsprop", "adam"}))
def test_the_golden_trace(name):
    golden = GOLDEN[name]["trace"]
    rule, w, before = rule_of(name, 2), np.array(GOLDEN["w0"]), math.inf
    found = [w.copy()]
    for _ in golden[1:]:
        rule.step(
            w, slope(w), learning_rate=0.01 if name == "quickprop" else 0.1, grew=bool(height(w) > before)
        )
        before = height(found[-1])
        found.append(w.copy())
    np.testing.assert_allclose(found, golden, rtol=0, atol=1e-12)


def test_gradient_descent_and_momentum_by_hand():
    w, v = np.zeros(1), np.zeros(1)
    plain, heavy = make_rule("sgd", 1), make_rule("momentum", 1, momentum=0.5)
    for _ in range(2):
        plain.step(w, np.ones(1), learning_rate=0.1)
        heavy.step(v, np.ones(1), learning_rate=0.1)
    np.testing.assert_allclose([w[0], v[0]], [-0.2, -0.25], rtol=1e-15)


def test_adams_first_step_is_the_learning_rate_against_the_sign():
    w, gradient = np.zeros(3), np.array([1e-3, -5.0, 40.0])
    make_rule("adam", 3).step(w, gradient, learning_rate=0.1)
    np.testing.assert_allclose(w, -0.1 * np.sign(gradient), rtol=1e-4)


@each
@pytest.mark.parametrize("parts", [1, 2, 3, 5, 8])
def test_slices_move_as_the_whole_does_bit_for_bit(name, parts):
    """From the start, and from a state that the whole had gathered before it was cut."""
    rng = np.random.default_rng(parts)
    gradients = rng.standard_normal((12, 11)) * 10.0 ** rng.integers(-4, 5, 11)
    grew = rng.random(12) < 0.5
    whole, w = rule_of(name, 11), rng.standard_normal(11)
    for gradient in gradients[:4]:
        whole.step(w, gradient, learning_rate=0.03)
    ranges = split(11, parts)
    owners, v = [sliced(name, whole, part) for part in ranges], w.copy()
    for gradient, worse in zip(gradients[4:], grew[4:], strict=True):
        whole.step(w, gradient, learning_rate=0.03, grew=worse)
        for owner, part in zip(owners, ranges, strict=True):
            own = slice(part.start, part.stop)
            owner.step(v[own], gradient[own], learning_rate=0.03, grew=worse)
    np.testing.assert_array_equal(v, w)
    for key, array in whole.state().items():
        pieces = [owner.state()[key] for owner in owners]
        np.testing.assert_array_equal(pieces[0] if key in SCALARS else np.concatenate(pieces), array)


@each
def test_a_slice_is_its_owners(name):
    whole, w = rule_of(name, 4), np.ones(4)
    whole.step(w, np.arange(1.0, 5), learning_rate=0.1)
    before = whole.state()
    sliced(name, whole, range(1, 3)).step(w[1:3], np.ones(2), learning_rate=0.1)
    for key, array in whole.state().items():
        np.testing.assert_array_equal(array, before[key])


@each
def test_restored_it_goes_on_bit_for_bit(name):
    gradients = np.random.default_rng(0).standard_normal((6, 4))
    whole, w = rule_of(name, 4), np.ones(4)
    for gradient in gradients[:3]:
        whole.step(w, gradient, learning_rate=0.1)
    resumed, v, state = rule_of(name, 4), w.copy(), whole.state()
    resumed.restore(state)
    for key, array in state.items():
        assert array.dtype == np.float64
        assert array.shape == ((1,) if key in SCALARS else (4,))
        array[...] = 0  # what was saved or restored is nobody's buffer
    for gradient in gradients[3:]:
        whole.step(w, gradient, learning_rate=0.1)
        resumed.step(v, gradient, learning_rate=0.1)
    np.testing.assert_array_equal(v, w)


def test_that_the_error_grew_reaches_the_rule_that_asks():
    rule, w = make_rule("irprop_plus", 1), np.zeros(1)
    rule.step(w, np.ones(1), learning_rate=0.1)
    rule.step(w, -np.ones(1), learning_rate=0.1, grew=True)
    assert w[0] == 0  # the step was taken back


@each
def test_it_descends_a_parabola_and_leaves_the_gradient_alone(name):
    rule, w = rule_of(name, 2), np.array([1.0, -1.5])
    for _ in range(60):
        gradient = slope(w)
        kept = gradient.copy()
        rule.step(w, gradient, learning_rate=0.02)
        np.testing.assert_array_equal(gradient, kept)
    assert height(w) < 0.2 * height(np.array([1.0, -1.5]))


@each
def test_the_rules_that_need_exact_gradients_say_so(name):
    assert rule_of(name, 1).exact_gradients == (name in EXACT)


def test_adam_does_not_see_the_gradients_scale():
    ends = []
    for scale in (1.0, 1e4):
        rule, w = make_rule("adam", 2, epsilon=0.0), np.ones(2)
        for i in range(5):
            rule.step(w, scale * np.array([1.0 + i, -2.5 + i]), learning_rate=0.1)
        ends.append(w)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: make_rule("rprop", 1), "rprop_plus, rprop_minus"),
        (lambda: make_rule("momentum", 1), "0 is the rule sgd"),
        (
            lambda: make_rule("sgd", 2).restore({"d": np.zeros(3)}),
            r"'d': expected shape \[2\], found shape \[3\]",
        ),
        (
            lambda: make_rule("sgd", 2).restore({"m": np.zeros(2)}),
            r"expected shape \[2\], found only \['m'\]",
        ),
    ],
)
def test_what_makes_no_rule_is_told(make, told):
    with pytest.raises(TargetError, match=told):
        make()
