"""What the passes of a network cost: convolutions over 84 x 84 x 4, and Pong's differences, dense and sparse.

    python benchmarks/networks.py [--repeats 20]

One core, float32, the best of the repeats in milliseconds, beside the rate of a plain matrix product. The second
table needs the extra ``atari``; it also compares the bytes of what is sent.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from touchline.configs.filters import LARGE, SMALL, Convolution
from touchline.envs.resolve import resolve
from touchline.envs.spec import EnvSpec
from touchline.policy.building import torso_of
from touchline.policy.form import Form
from touchline.policy.images import channels_last
from touchline.policy.packing import pack
from touchline.policy.reading import Reading
from touchline.policy.spaces import Box
from touchline.policy.torso import Torso

IMAGE = (84, 84, 4)
PIXELS = 6400
STEPS = 1300  # of an episode of Pong, about


def best(call: Callable[[], object], repeats: int) -> float:
    """Milliseconds of the quickest call."""
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return 1e3 * min(seconds[1:])


def passes(torso: Torso, x: np.ndarray, repeats: int) -> tuple[float, float]:
    """Milliseconds of the forward and of the backward pass."""
    rng = np.random.default_rng(0)
    p = {name: 0.05 * rng.standard_normal(shape, np.float32) for name, shape in torso.shapes.items()}
    gradient = {name: np.zeros_like(array) for name, array in p.items()}
    kept = torso.forward(p, x)
    d = rng.standard_normal((len(x), torso.size), np.float32)
    forward = best(lambda: torso.forward(p, x), repeats)
    return forward, best(lambda: torso.backward(p, x, kept, d.copy(), gradient), repeats)


def of(space: Box, **form: object) -> Torso:
    chosen = Form(activation="relu", **form)  # type: ignore[arg-type]
    return torso_of(Reading.of(space, chosen), chosen)


def convolutions(name: str, layers: tuple[Convolution, ...], hidden: int, repeats: int) -> None:
    chosen = tuple((one.filters, one.size, one.stride, one.padding) for one in layers)
    space = Box(IMAGE, "uint8", (0.0,) * int(np.prod(IMAGE)), (255.0,) * int(np.prod(IMAGE)))
    torso = of(space, convolutions=chosen, hidden=(hidden,))
    images = np.random.default_rng(1).integers(0, 256, (256, *IMAGE), np.uint8)
    forward, _ = passes(torso, images[:16], repeats)
    _, backward = passes(torso, images, max(2, repeats // 4))
    kept = 4 * sum(int(np.prod(one)) for one in torso.kept)
    print(f"{name:6} forward, 16 rows {forward:6.2f}   backward, 256 rows {backward:6.1f}", end="   ")
    print(f"kept {kept:,} bytes a step")


def turning(repeats: int) -> None:
    """Images whose channels come first, as they are read: once a batch."""
    images = np.random.default_rng(1).integers(0, 256, (256, IMAGE[2], *IMAGE[:2]), np.uint8)
    few, many = (best(lambda rows=rows: channels_last(images[:rows]), repeats) for rows in (16, 256))
    print(f"channels first, turned: 16 rows {few:.2f}, 256 rows {many:.1f}")


def differences() -> np.ndarray:
    """Observations of random play, int8 [STEPS, 6400]."""
    env = resolve(EnvSpec(id="Pong-v0", wrappers=("PongPixels",))).make()
    env.action_space.seed(0)
    rows = [env.reset(seed=0)[0]]
    while len(rows) < STEPS:
        observation, _, terminated, truncated, _ = env.step(env.action_space.sample())
        rows.append(env.reset()[0] if terminated or truncated else observation)
    env.close()
    return np.array(rows)


def sparse(repeats: int) -> None:
    rows = differences()
    space = Box((PIXELS,), "int8", (-1.0,) * PIXELS, (1.0,) * PIXELS)
    for n in (1, 16, STEPS):
        some = rows[200 : 200 + n] if n < STEPS else rows
        tried = repeats if n < STEPS else max(2, repeats // 4)
        dense = passes(of(space, hidden=(200,)), some.astype(np.float32), tried)
        thin = passes(of(space, hidden=(200,), sparse=True), some, tried)
        print(f"{n:5} rows   forward {dense[0]:8.3f} dense {thin[0]:7.3f} sparse", end="   ")
        print(f"backward {dense[1]:8.3f} dense {thin[1]:7.3f} sparse")
    sent = sum(array.nbytes for array in pack("observations", rows).values())
    mean = np.count_nonzero(rows) / len(rows)
    print(f"sent: {sent:,} bytes instead of {rows.nbytes:,}; {mean:.0f} elements a row are not 0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    with threadpool_limits(1):
        a = np.random.default_rng(0).standard_normal((1024, 1024), np.float32)
        print(f"matrix product: {2 * 1024**3 / best(lambda: a @ a, repeats) / 1e6:.0f} GFLOP/s")
        convolutions("small", SMALL, 256, repeats)
        convolutions("large", LARGE, 512, repeats)
        turning(repeats)
        sparse(repeats)


if __name__ == "__main__":
    main()
