"""Activation choices: each assignment once, whoever takes which, in the shape that networks take."""

from __future__ import annotations

import itertools

import pytest

from touchline.targets.activations import KINDS
from touchline.targets.assignments import Assignments, by_layer, places
from touchline.targets.errors import TargetError
from touchline.targets.network import TableNetwork
from touchline.targets.splitting import split

TANH, SIN, GAUSS = ("tanh", 1.0), ("sin", 2.0), ("gauss", 0.5)


@pytest.mark.parametrize("workers", [1, 2, 3, 5, 8])
def test_every_assignment_is_taken_once(workers):
    choices = [[TANH, SIN], [GAUSS], [TANH, SIN, GAUSS]]
    assignments = Assignments.of(choices)
    taken = [assignments.at(number) for part in split(assignments.total, workers) for number in part]
    assert assignments.total == len(taken) == 6
    assert set(taken) == set(itertools.product(*choices))
    assert taken[:3] == [(TANH, GAUSS, TANH), (SIN, GAUSS, TANH), (TANH, GAUSS, SIN)]


def test_totals_explode_exactly():
    kinds = [[(kind, 1.0) for kind in KINDS]]
    assert Assignments.of(kinds * 2).total == 36
    assert Assignments.of(kinds * 10).total == 6**10
    many = Assignments.of(kinds * 40)
    assert many.at(many.total - 1) == (("relu", 1.0),) * 40


def test_a_place_for_each_neuron_or_for_each_layer():
    assert places((3, 2), "neuron") == 5
    assert places((3, 2), "layer") == 2
    assert places(()) == 0


def test_neurons_are_gathered_into_their_layers():
    chosen = [TANH, SIN, GAUSS, SIN, TANH]
    assert by_layer(chosen, (3, 2)) == ((TANH, SIN, GAUSS), (SIN, TANH))
    assert by_layer([TANH, SIN], (3, 2), "layer") == (TANH, SIN)


@pytest.mark.parametrize("per", ["neuron", "layer"])
def test_a_network_takes_every_assignment(per):
    network = TableNetwork.build(inputs=2, hidden=(2, 1), outputs=1)
    assignments = Assignments.of([[TANH, SIN]] * places((2, 1), per))
    networks = [
        network.with_activations(by_layer(assignments.at(number), (2, 1), per))
        for number in range(assignments.total)
    ]
    assert len(networks) == len(set(networks)) == assignments.total


def test_what_fits_no_network_is_told():
    with pytest.raises(TargetError, match="place 1, found none"):
        Assignments.of([[TANH], []])
    with pytest.raises(TargetError, match="expected 0 to 1, found 2"):
        Assignments.of([[TANH, SIN]]).at(2)
    with pytest.raises(TargetError, match=r"expected 5 choices, one per neuron of \[3, 2\], found 1"):
        by_layer([TANH], (3, 2))
