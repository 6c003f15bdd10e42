"""What each piece of work costs, in row evaluations: the unit in which every method can be compared.

A forward pass of one row is 1. A forward and a backward pass are 3: the backward pass makes two products of the
forward's size, one for the weights and one for what lies below. A curvature product is 4: a forward pass, the same
with the direction beside it, and a backward pass.
"""

from __future__ import annotations

FORWARD = 1
GRADIENT = 3
PRODUCT = 4
