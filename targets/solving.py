"""Krylov solvers whose products somebody else computes: the solver turned inside out.

scipy's solvers call for each product A v and wait. Here the caller asks which product is wanted, gives it whenever it
has it, and asks again: between the two lies a round of orders to Players.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from touchline.targets.errors import TargetError, scipy_missing

FloatArray = NDArray[np.float64]
SolverName = Literal["cg", "minres", "gmres", "bicgstab"]
Solver = Callable[..., tuple[FloatArray, int]]


class Solving:
    """One solve of A x = b, from x = 0. The solver runs in a thread of its own, which waits while the caller works.

    What is wanted and what is found depend on b and the products alone. The thread ends with the solve,
    and when this object is let go.
    """

    def __init__(self, solver: SolverName, b: FloatArray, *, tolerance: float, iterations: int) -> None:
        """``b`` float64 ``[n]``. ``tolerance``: the relative residual at which the solve ends.

        ``iterations``: the most there are: one product each, bicgstab two; gmres is never restarted within them, and
        makes one product more to see its residual. Raises TargetError: no such solver, or scipy is not installed.
        """
        solve = solver_named(solver)
        self.products = 0  # given so far
        self.converged = False
        self._x: FloatArray | None = None
        self._wanted: FloatArray | None = None
        self._asked: SimpleQueue[Any] = SimpleQueue()
        self._given: SimpleQueue[FloatArray | None] = SimpleQueue()
        options = _options(solver, tolerance=tolerance, iterations=iterations)
        self._thread = threading.Thread(
            target=_run,
            args=(solve, b.copy(), options, self._asked, self._given),
            name=f"touchline-{solver}",
            daemon=True,
        )
        # The thread holds the queues, not this object, so that it can be let go in the midst of a solve.
        weakref.finalize(self, self._given.put, None)
        self._thread.start()
        self._await()

    def product_wanted(self) -> FloatArray | None:
        """The v, float64 ``[n]``, whose product A v is wanted; None: the solve is over."""
        return self._wanted

    def give(self, product: FloatArray) -> None:
        """A v for the v that is wanted. Returns when the next is known; what the solver raises is raised here."""
        assert self._wanted is not None, "a product is wanted"
        self.products += 1
        self._given.put(product.copy())
        self._await()

    @property
    def solution(self) -> FloatArray:
        """x, float64 ``[n]``: the best that was reached where ``converged`` is False."""
        assert self._x is not None, "the solve is over"
        return self._x

    def _await(self) -> None:
        came = self._asked.get()
        self._wanted = came if isinstance(came, np.ndarray) else None
        if self._wanted is not None:
            return
        self._thread.join()
        if isinstance(came, BaseException):
            raise came
        self._x, self.converged = came


def solver_named(name: str) -> Solver:
    """scipy's function of that name. Raises TargetError: no such solver, or scipy is not installed."""
    if name not in ("cg", "minres", "gmres", "bicgstab"):
        raise TargetError(f"solver: expected cg, minres, gmres or bicgstab, found {name!r}")
    try:
        from scipy.sparse import linalg
    except ImportError as error:
        raise scipy_missing(name) from error
    found: Solver = getattr(linalg, name)
    return found


class _Abandoned(Exception):
    """Nobody wants the solution any longer."""


def _run(
    solve: Solver,
    b: FloatArray,
    options: dict[str, Any],
    asked: SimpleQueue[Any],
    given: SimpleQueue[FloatArray | None],
) -> None:
    """The thread: asks for products by one queue and takes them from the other; last, its solution or its failure."""
    from scipy.sparse.linalg import LinearOperator

    def product(v: FloatArray) -> FloatArray:
        asked.put(np.array(v, np.float64).reshape(-1))  # a copy: solvers write into their vectors
        came = given.get()
        if came is None:
            raise _Abandoned
        return came

    try:
        operator = LinearOperator((b.size, b.size), matvec=product, dtype=b.dtype)
        x, info = solve(operator, b, **options)
        asked.put((np.array(x, np.float64), info == 0))
    except _Abandoned:
        pass
    except BaseException as error:
        asked.put(error)


def _options(solver: SolverName, *, tolerance: float, iterations: int) -> dict[str, Any]:
    if solver == "gmres":
        return {"rtol": tolerance, "restart": iterations, "maxiter": 1}  # maxiter counts restarts
    return {"rtol": tolerance, "maxiter": iterations}
