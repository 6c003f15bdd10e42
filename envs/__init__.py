"""Environments: resolving a name, checking it, lanes stepped together, wrappers, small built-in ones.

``resolve`` turns an ``EnvSpec`` into a ``Factory``, ``make.make_lanes`` into ``Lanes`` that a Player steps.
Nothing is re-exported here, so that ``touchline.envs.spec`` can be imported without gymnasium.
"""
