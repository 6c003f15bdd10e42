"""Solvers turned inside out: they solve, by the products that theory allows, and leave no thread behind."""

from __future__ import annotations

import builtins
import gc
import threading
import weakref

import numpy as np
import pytest

from touchline.targets.errors import TargetError
from touchline.targets.solving import Solving

SIZE = 12


def positive(size=SIZE, seed=0):
    """Symmetric and positive definite; of condition 10, as rounding costs cg its conjugacy where it is far more."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((size, size)))
    return q * np.geomspace(1, 10, size) @ q.T


def indefinite(size=SIZE, seed=0):
    """Symmetric, every second eigenvalue negative."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((size, size)))
    return q * (np.geomspace(1, 10, size) * np.resize([1, -1], size)) @ q.T


def lstd(size=SIZE, seed=0, gamma=0.95):
    """A = Φᵀ(Φ − γΦ'), b = Φᵀr of a chain of random features: A is not symmetric."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((20 * size + 1, size))
    a = features[:-1].T @ (features[:-1] - gamma * features[1:])
    return a / len(features), features[:-1].T @ rng.standard_normal(20 * size)


def right_side(size=SIZE, seed=1):
    return np.random.default_rng(seed).standard_normal(size)


def solved(solver, a, b, *, tolerance=1e-12, iterations=200):
    """(the solve, the vectors that were asked for)."""
    solving, asked = Solving(solver, b, tolerance=tolerance, iterations=iterations), []
    while (v := solving.product_wanted()) is not None:
        asked.append(v)
        solving.give(a @ v)
    assert solving.products == len(asked)
    return solving, np.array(asked)


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("seed", range(3))
def test_cg_solves_a_positive_definite_system_in_as_many_products_as_it_has_rows(seed):
    a, b = positive(seed=seed), right_side(seed=seed)
    solving, asked = solved("cg", a, b, tolerance=1e-8)
    assert solving.converged
    assert len(asked) <= SIZE
    np.testing.assert_allclose(solving.solution, np.linalg.solve(a, b), rtol=1e-6)


def test_the_directions_of_cg_are_conjugate():
    a = positive()
    _, asked = solved("cg", a, right_side(), iterations=SIZE - 2)
    directions = asked / np.linalg.norm(asked, axis=1, keepdims=True)
    products = directions @ a @ directions.T
    np.testing.assert_allclose(products - np.diag(np.diag(products)), 0, atol=1e-8)


@pytest.mark.parametrize("steps", [1, 2, 5, 9])
def test_minres_leaves_the_least_residual_over_its_krylov_space(steps):
    a, b = indefinite(), right_side()
    solving, asked = solved("minres", a, b, iterations=steps)
    assert len(asked) == steps
    space = [b]
    for _ in range(steps - 1):
        space.append(a @ space[-1] / np.linalg.norm(space[-1]))
    basis, _ = np.linalg.qr(np.array(space).T)
    least, *_ = np.linalg.lstsq(a @ basis, b)
    expected = np.linalg.norm(b - a @ basis @ least)
    assert np.linalg.norm(b - a @ solving.solution) == pytest.approx(expected, rel=1e-9)


def test_minres_solves_an_indefinite_system():
    a, b = indefinite(), right_side()
    solving, _ = solved("minres", a, b)
    np.testing.assert_allclose(solving.solution, np.linalg.solve(a, b), rtol=1e-8)


@pytest.mark.parametrize("solver", ["gmres", "bicgstab"])
def test_the_value_baseline_of_lstd_is_solved_for_though_its_matrix_is_not_symmetric(solver):
    a, b = lstd()
    assert np.abs(a - a.T).max() > 0.1
    solving, _ = solved(solver, a, b)
    assert solving.converged
    np.testing.assert_allclose(solving.solution, np.linalg.solve(a, b), rtol=1e-8)


@pytest.mark.parametrize(("solver", "products"), [("cg", 3), ("minres", 3), ("gmres", 4), ("bicgstab", 6)])
def test_iterations_bound_the_products(solver, products):
    solving, asked = solved(solver, positive(), right_side(), iterations=3)
    assert len(asked) == products
    assert not solving.converged
    assert np.isfinite(solving.solution).all()


@pytest.mark.parametrize("solver", ["cg", "minres", "gmres", "bicgstab"])
def test_the_same_products_give_the_same_bits(solver):
    one, other = (solved(solver, positive(), right_side()) for _ in range(2))
    np.testing.assert_array_equal(one[1], other[1])
    np.testing.assert_array_equal(one[0].solution, other[0].solution)


@pytest.mark.parametrize("solver", ["cg", "minres", "gmres", "bicgstab"])
def test_nothing_given_or_taken_is_written_again(solver):
    a, b = positive(), right_side()
    solving, taken, given = Solving(solver, b, tolerance=1e-12, iterations=50), [], []
    b[:] = 0
    while (v := solving.product_wanted()) is not None:
        taken.append((v, v.copy()))
        product = a @ v
        given.append((product, product.copy()))
        solving.give(product)
    for array, copy in taken + given:
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_allclose(a @ solving.solution, right_side(), rtol=1e-8)
    assert solving.converged


def test_no_product_is_wanted_for_a_right_side_of_zeros():
    solving = Solving("cg", np.zeros(SIZE), tolerance=1e-3, iterations=5)
    assert solving.product_wanted() is None
    np.testing.assert_array_equal(solving.solution, np.zeros(SIZE))


def test_in_the_midst_of_a_solve_there_is_no_solution():
    solving = Solving("cg", right_side(), tolerance=1e-12, iterations=50)
    solving.give(positive() @ solving.product_wanted())
    with pytest.raises(AssertionError, match="the solve is over"):
        _ = solving.solution
    while (v := solving.product_wanted()) is not None:  # so that its thread ends
        solving.give(positive() @ v)
    np.testing.assert_allclose(positive() @ solving.solution, right_side(), rtol=1e-8)


def test_a_solve_that_is_let_go_ends_its_thread():
    solving = Solving("minres", right_side(), tolerance=1e-12, iterations=50)
    gone, thread = weakref.ref(solving), solving._thread
    del solving
    gc.collect()
    assert gone() is None
    thread.join(10)
    assert not thread.is_alive()


def test_what_the_solver_raises_is_raised_where_the_product_is_given():
    solving = Solving("cg", right_side(), tolerance=1e-12, iterations=50)
    with pytest.raises(ValueError):
        solving.give(np.ones(SIZE + 1))
    assert solving.product_wanted() is None


def test_an_unknown_solver_is_refused_with_those_there_are():
    with pytest.raises(TargetError, match="expected cg, minres, gmres or bicgstab, found 'qmr'"):
        Solving("qmr", right_side(), tolerance=1e-3, iterations=5)


def test_without_scipy_the_extra_that_brings_it_is_named(monkeypatch):
    imported = builtins.__import__

    def without(name, *arguments, **more):
        if name.startswith("scipy"):
            raise ImportError(name)
        return imported(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(TargetError, match=r"cg needs scipy.*pip install '\.\[solvers\]'"):
        Solving("cg", right_side(), tolerance=1e-3, iterations=5)
