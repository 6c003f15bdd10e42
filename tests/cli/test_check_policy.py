"""``check --policy``: a network of one's own tried, and the exit code that a script can go by."""

from __future__ import annotations

from pathlib import Path

import pytest

NETS = """
import numpy as np

class Layer:
    def __init__(self, features, width=4, factor=1.0):
        self.features, self.width, self.factor = features, width, factor

    def init(self, rng):
        return {"weight": rng.standard_normal((self.features, self.width)), "bias": np.zeros(self.width)}

    def forward(self, parameters, x):
        return [np.tanh(x @ parameters["weight"] + parameters["bias"])]

    def backward(self, parameters, x, kept, d):
        dz = d * (1 - kept[-1] ** 2)
        return {"weight": x.T @ dz, "bias": self.factor * dz.sum(axis=0)}

class Remembers(Layer):
    def forward(self, parameters, x):
        self.h = super().forward(parameters, x)[0]
        return [self.h]

    def backward(self, parameters, x, kept, d):
        return super().backward(parameters, x, [self.h], d)

class Raises(Layer):
    def backward(self, parameters, x, kept, d):
        return {"weight": np.reshape(x, (7, 7))}  # the line

class Scalar(Layer):
    def init(self, rng):
        return super().init(rng) | {"scale": np.array(1.0)}

    def forward(self, parameters, x):
        h = super().forward(parameters, x)[0]
        return [h, parameters["scale"] * h]

    def backward(self, parameters, x, kept, d):
        scale = {"scale": np.array((d * kept[0]).sum())}
        return super().backward(parameters, x, kept[:1], d * parameters["scale"]) | scale
"""


@pytest.fixture(autouse=True)
def nets():
    """A file in the test's own folder; named for it, since a module is imported once."""
    path = Path(f"nets_{Path.cwd().name}.py")
    path.write_text(NETS)
    return path.name


def test_a_right_network(touchline, nets):
    said = touchline("check", "--policy", f"{nets}:Layer")
    assert said.code == 0
    head, _, titles, weight, bias, _, verdict = said.out.splitlines()
    assert head == f"{nets}:Layer: 6 inputs, 4 outputs"
    assert titles.split() == ["parameters", "shape", "tried", "largest", "error"]
    assert weight.split()[:-1] == ["weight", "6", "x", "4", "24"]
    assert bias.split()[:-1] == ["bias", "4", "4"]
    assert float(bias.split()[-1]) < 1e-8
    assert verdict.startswith("nothing wrong was found: backward agrees with central differences")


def test_inputs_are_the_environments(touchline, nets):
    said = touchline("check", "--policy", f"{nets}:Layer", "CartPole-v1")
    assert said.code == 0
    assert said.out.startswith(f"{nets}:Layer: 4 inputs of CartPole-v1, 4 outputs\n")


def test_a_wrong_gradient_is_told_by_layer_with_its_error(touchline, nets):
    said = touchline("check", "--policy", f"{nets}:Layer", "--policy.network_kwargs.factor", "2")
    assert said.code == 2
    lines = said.out.splitlines()
    where = lines.index("error: backward: bias")
    assert lines[where + 1].startswith("    expected  ")
    assert "by central differences of forward" in lines[where + 1]
    assert "off by 1.0e+00 of the largest of 4 tried" in lines[where + 2]
    assert lines[-1] == "1 fault"
    assert [line.split()[-1] for line in lines if line.startswith("bias")] == ["1.0e+00"]


def test_a_network_that_remembers_is_caught_before_its_gradient(touchline, nets):
    said = touchline("check", "--policy", f"{nets}:Remembers")
    assert said.code == 2
    assert "what forward gave to be all it needs, in a process that never saw the inputs" in said.out
    assert said.out.endswith("1 fault. The gradient is tried once nothing else is wrong\n")


def test_arguments_and_a_parameter_that_is_one_number(touchline, nets):
    said = touchline(
        "check", f"--policy={nets}:Scalar", "--policy.network_kwargs", "{width: 3}", "--seed", "5"
    )
    assert said.code == 0
    assert "3 outputs" in said.out
    assert [line.split()[1:3] for line in said.out.splitlines() if line.startswith("scale")] == [["1", "1"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected ENV, or --policy with a network of your own"),
        (("--policy", "NETS:Laye"), "has no 'Laye'. Did you mean 'Layer'?"),
        (("--policy", "NETS"), "policy.network: expected package.module:Class or path/file.py:Class"),
        (("--policy", "NETS:Layer", "--players.count", "2"), "only env.* and policy.* count"),
        (("--policy", "NETS:Layer", "--policy.network_kwargs.wide", "2"), "raised TypeError"),
        (("--policy", "NETS:Layer", "--policy.sparse", "true"), "policy.network: expected null"),
        (("--policy", "NETS:Layer", "CartPol-v1"), "Did you mean 'CartPole-v1'"),
        (("CartPole-v1", "--policy.network", "NETS:Layer"), "only env.* counts"),
    ],
)
def test_what_cannot_be_tried_is_told(touchline, nets, words, said):
    found = touchline("check", *(word.replace("NETS", nets) for word in words))
    assert found.code == 2
    assert said in " ".join(found.err.split())
    assert found.out == ""


def test_an_exception_is_told_once_with_the_users_file_and_line(touchline, nets):
    said = touchline("check", "--policy", f"{nets}:Raises")
    line = 1 + NETS.splitlines().index('        return {"weight": np.reshape(x, (7, 7))}  # the line')
    assert said.code == 2
    assert said.err.count("backward raised") == 1
    assert said.err.count(nets) == 2, "the reference, and the place"
    assert said.err.endswith(f"({nets}:{line})\n")


def test_arguments_that_do_not_fit_blame_no_file_of_ours(touchline, nets):
    said = touchline("check", "--policy", f"{nets}:Layer", "--policy.network_kwargs.wide", "2")
    assert "raised TypeError" in said.err
    assert "custom.py" not in said.err
