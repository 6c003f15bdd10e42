"""The tables that are computed, or come with a package."""

from __future__ import annotations

import math

import numpy as np

from touchline.envs.locate import missing_extra
from touchline.envs.tables.table import Found

SINE_ROWS = 200
SPIRAL_POINTS = 97  # of each spiral


def xor() -> Found:
    """Exclusive or: 4 rows, 2 inputs and one output of 0 and 1."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64)
    return Found(x, np.array([[0], [1], [1], [0]], np.float64), labels=("xor",))


def sine(rows: int = SINE_ROWS) -> Found:
    """sin x at ``rows`` places spread evenly over [−π, π], both ends included."""
    x = np.linspace(-math.pi, math.pi, rows)
    return Found(x[:, None], np.array([[math.sin(at)] for at in x]), labels=("sin",))


def two_spirals() -> Found:
    """Two spirals of 97 points, wound three times around each other (Lang and Witbrock 1988): 194 rows.

    With r = 6.5 (104 − i)/104 and a = i π/16, (r sin a, r cos a) is of the first, output 1, and the point opposite of
    the second, output 0. They take turns.
    """
    x, y = [], []
    for i in range(SPIRAL_POINTS):
        radius, angle = 6.5 * (104 - i) / 104, i * math.pi / 16
        point = (radius * math.sin(angle), radius * math.cos(angle))
        x += [point, (-point[0], -point[1])]
        y += [[1.0], [0.0]]
    return Found(np.array(x), np.array(y), labels=("spiral",))


def digits() -> Found:
    """scikit-learn's handwritten digits: 1,797 images of 8 x 8, grey levels 0 to 16, ten classes.

    Raises MissingExtra where scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise missing_extra("the table digits", error) from error
    images = load_digits()
    return Found(images.data, images.target.astype(np.int64))
