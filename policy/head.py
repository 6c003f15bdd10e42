"""What a head is: the numbers ``[N, P]`` of each row that say the distribution of its actions."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]


class Distribution(Protocol):
    """What a head means. O outputs of the network and L free log standard deviations make its P parameters a row.

    Every function is pure and takes rows. Gradients are with respect to the head, so that a loss is a weighted
    sum of these rows and one backward pass follows. ``noise``, N a row, is drawn before, in one call an unroll.
    """

    @property
    def outputs(self) -> int:
        """O: the width of the network's last layer."""

    @property
    def log_std_size(self) -> int:
        """L: how many log standard deviations are parameters of their own, independent of the state."""

    @property
    def parameters(self) -> int:
        """P."""

    @property
    def noise_size(self) -> int:
        """N."""

    @property
    def plain(self) -> bool:
        """Whether the head is the network's outputs as they are, so that ``head`` need not be called."""

    def head(
        self, outputs: FloatArray, log_std: FloatArray | None = None, out: FloatArray | None = None
    ) -> FloatArray:
        """The head ``[N, P]`` of a network's outputs ``[N, O]`` and of ``log_std`` ``[L]``."""

    def head_backward(self, d_head: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """The adjoint of ``head``: d_head ``[N, P]`` -> (d_outputs ``[N, O]``, d_log_std ``[L]``, summed over rows)."""

    def draw_noise(
        self, rng: np.random.Generator, shape: tuple[int, ...], before: FloatArray | None = None
    ) -> FloatArray:
        """Noise float32 ``[*shape, N]``; the first axis of ``shape`` is time where noise is correlated.

        ``before`` ``[*shape[1:], N]`` is the noise of the step before, for a block that goes on where another
        ended; what is not correlated ignores it.
        """

    def sample(self, head: FloatArray, noise: FloatArray) -> AnyArray:
        """One action a row."""

    def mode(self, head: FloatArray) -> AnyArray:
        """The likeliest action of each row."""

    def log_prob(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        """``[N]``."""

    def log_prob_gradient(self, head: FloatArray, actions: AnyArray) -> FloatArray:
        """``[N, P]``."""

    def entropy(self, head: FloatArray) -> FloatArray:
        """``[N]``."""

    def entropy_gradient(self, head: FloatArray) -> FloatArray:
        """``[N, P]``."""

    def kl(self, p: FloatArray, q: FloatArray) -> FloatArray:
        """``[N]``: the divergence of q from p, both heads."""


class PlainHead:
    """The part of a distribution whose head is the network's outputs: ``parameters`` of them, none free."""

    parameters: int
    log_std_size = 0
    plain = True

    @property
    def outputs(self) -> int:
        return self.parameters

    def head(
        self, outputs: FloatArray, log_std: FloatArray | None = None, out: FloatArray | None = None
    ) -> FloatArray:
        """The outputs themselves; a copy in ``out`` where given."""
        assert log_std is None, "nothing here is free of the state"
        if out is None:
            return outputs
        np.copyto(out, outputs)
        return out

    def head_backward(self, d_head: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        return d_head, None
