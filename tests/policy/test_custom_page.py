"""The network that the page on networks writes in full: its gradient is right, and what the page shows is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from touchline.policy.custom_check import check_network

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def network(tmp_path):
    """The page's class in a file of its own."""
    (script,) = blocks("python")
    path = tmp_path / "network_of_the_page.py"
    path.write_text(script, encoding="utf-8")
    return f"{path}:Fourier"


@pytest.mark.parametrize("kwargs", [{}, {"frequencies": 3, "width": 5}])
def test_its_gradient_is_right(network, kwargs):
    found = check_network(network, kwargs, features=4, shape=(4,))
    assert found.faults == ()
    assert found.size == kwargs.get("width", 32)
    assert max(one.error for one in found.measured) < 1e-8


def test_the_output_shown_is_that_of_the_check(network):
    found = check_network(network, {}, features=4, shape=(4,))
    (shown,) = blocks("text")
    for one in found.measured:
        line = next(line for line in shown.splitlines() if line.startswith(one.name))
        assert line.split()[1:-1] == [*" x ".join(map(str, one.shape)).split(), str(one.samples)]
    assert f"4 inputs of CartPole-v1, {found.size} outputs" in shown
