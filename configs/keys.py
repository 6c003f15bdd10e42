"""Every key of the config by its dotted name, and the nearest one to a name that is not there."""

from __future__ import annotations

import difflib
from functools import cache
from typing import NamedTuple

from pydantic.fields import FieldInfo

from touchline.configs.kinds import Kind, choice
from touchline.configs.schema import Config
from touchline.configs.section import Section

# What other frameworks call it. Spelling alone would lead from lr to nothing.
SYNONYMS = {
    "lr": "optimizer.learning_rate",
    "env_id": "env.id",
    "env_kwargs": "env.kwargs",
    "num_envs": "players.lanes",
    "n_envs": "players.lanes",
    "num_workers": "players.count",
    "num_actors": "players.count",
    "num_steps": "players.unroll_length",
    "rollout_length": "players.unroll_length",
    "batch_size": "trainer.batch_steps",
    "minibatch_size": "trainer.minibatch_steps",
    "n_epochs": "trainer.epochs",
    "update_epochs": "trainer.epochs",
    "discount": "trainer.gamma",
    "lambda": "trainer.gae_lambda",
    "ent_coef": "trainer.entropy_cost",
    "entropy_coef": "trainer.entropy_cost",
    "vf_coef": "trainer.baseline_cost",
    "clip_range": "trainer.clip",
    "clip_coef": "trainer.clip",
    "max_grad_norm": "optimizer.max_gradient_norm",
    "max_policy_lag": "staleness.max_lag",
    "total_timesteps": "stop.steps",
    "net_arch": "policy.hidden",
    "algo": "method",
    "dataset": "table.source",
    "n_workers": "players.count",
    "max_iter": "stop.rounds",
    "n_iter": "stop.rounds",
    "num_rounds": "stop.rounds",
    "n_rounds": "stop.rounds",
    "tol": "stop.error",
    "hidden_layer_sizes": "model.hidden",
    "num_shards": "tasks.parts",
    "num_clients": "tasks.parts",
    "population_size": "evolution.pairs",
    "popsize": "evolution.pairs",
    "noise_std": "evolution.sigma",
    "n_samples": "search.draws",
    "rprop": "optimizer.rule",
    "elite_frac": "imitation.best",
    "percentile": "imitation.best",
    "stepsize": "hopping.step",
    "niter": "stop.rounds",
    "max_kl": "trpo.delta",
    "target_kl": "trpo.delta",
    "cg_iters": "trpo.iterations",
    "cg_damping": "trpo.damping",
    "backtrack_iters": "trpo.halvings",
    "aggregation": "averaging.combine",
}
# In these sections a name that others use means something of their own.
OF_SECTION = {
    "descent.batch_size": "descent.batch_rows",
    "averaging.batch_size": "averaging.batch_rows",
    "imitation.batch_size": "imitation.batch_rows",
    "averaging.epochs": "averaging.local_epochs",
    "averaging.n_epochs": "averaging.local_epochs",
    "imitation.n_epochs": "imitation.epochs",
    "model.net_arch": "model.hidden",
    "krylov.tol": "krylov.tolerance",
    "krylov.max_iter": "krylov.iterations",
    "hopping.max_iter": "hopping.iterations",
    "structure.max_iter": "structure.epochs",
}


class Key(NamedTuple):
    """One key: the section it is in ("" at the top), its field there, and the kind of its value."""

    section: str
    field: str
    kind: Kind
    info: FieldInfo


@cache
def sections() -> dict[str, type[Section]]:
    """The sections by name, in the order of the schema."""
    annotations = {name: info.annotation for name, info in Config.model_fields.items()}
    return {
        name: annotation
        for name, annotation in annotations.items()
        if isinstance(annotation, type) and issubclass(annotation, Section)
    }


LIKE = 0.7  # of difflib's ratio: below it, two short names have a few letters in common and no more
ELSEWHERE = 0.92  # for a key of another section than the one that was named, which is seldom meant
SHORTEST = 4  # letters that a longer name may begin with to be meant


@cache
def keys() -> dict[str, Key]:
    """Every key by its dotted name, in the order of the schema."""
    found: dict[str, Key] = {}
    for name, info in Config.model_fields.items():
        if name not in sections():
            found[name] = Key("", name, _kind(info), info)
            continue
        for field, inner in sections()[name].model_fields.items():
            found[f"{name}.{field}"] = Key(name, field, _kind(inner), inner)
    return found


def nearest(unknown: str) -> str | None:
    """The known key or section that a name that is not one was most likely meant to be, if any is near."""
    section, _, leaf = unknown.rpartition(".")
    if unknown in OF_SECTION:
        return OF_SECTION[unknown]
    if leaf in SYNONYMS:
        return SYNONYMS[leaf]
    elsewhere = [name for name, key in keys().items() if key.field == leaf]
    if elsewhere:
        return elsewhere[0]
    siblings = [name for name, key in keys().items() if key.section == section]
    anywhere = [*keys(), *([] if section else sections())]
    return _similar(leaf, siblings) or _similar(
        leaf, anywhere, like=ELSEWHERE if section in sections() else LIKE
    )


def _similar(leaf: str, names: list[str], *, like: float = LIKE) -> str | None:
    by_leaf = {name.rpartition(".")[2]: name for name in names}
    close = difflib.get_close_matches(leaf, by_leaf, n=1, cutoff=like)
    longer = [known for known in by_leaf if len(leaf) >= SHORTEST and known.startswith(f"{leaf}_")]
    return by_leaf[[*close, *longer][0]] if close or longer else None


def _kind(info: FieldInfo) -> Kind:
    given = [item for item in info.metadata if isinstance(item, Kind)]
    return given[0] if given else choice(info.annotation)
