from __future__ import annotations

from touchline.record.groups import Group, group_runs, group_title

CONFIG = """
env: {{id: CartPole-v1}}
trainer: {{gradient: {gradient}, batch_steps: {batch}}}
staleness: {{correction: {correction}}}
save: {{every: {every}}}
seed: {seed}
"""


def config(*, gradient: str = "reuse", batch: int = 2048, correction: str = "none", seed: int = 0) -> str:
    return CONFIG.format(gradient=gradient, batch=batch, correction=correction, seed=seed, every=seed + 1)


def labels(groups: list[Group]) -> list[str]:
    return [group.label for group in groups]


def test_seeds_of_one_config_are_one_group(make_run) -> None:
    runs = [make_run(seed=seed, config=config(seed=seed), updates=15) for seed in range(3)]
    (group,) = group_runs(runs)
    assert [history.run.name for history in group.histories] == [run.name for run in runs]
    assert group.label == "1-cartpole-v1-s0 and 2 more"
    assert group_title(group) == "CartPole-v1 · 1-cartpole-v1-s0 and 2 more"


def test_groups_are_named_by_what_differs(make_run) -> None:
    runs = [
        make_run(config=config(gradient="reuse"), updates=15),
        make_run(config=config(gradient="recompute"), updates=15),
        make_run(seed=1, config=config(gradient="reuse", seed=1), updates=15),
    ]
    groups = group_runs(runs)
    assert labels(groups) == ["gradient reuse", "gradient recompute"]
    assert [len(group.histories) for group in groups] == [2, 1]


def test_the_most_telling_difference_comes_first(make_run) -> None:
    runs = [
        make_run(config=config(batch=512, correction="none"), updates=15),
        make_run(config=config(batch=1024, correction="clip"), updates=15),
    ]
    assert labels(group_runs(runs)) == [
        "correction none · batch steps 512",
        "correction clip · batch steps 1024",
    ]


def test_a_key_that_only_one_has(make_run) -> None:
    runs = [make_run(config="{}", updates=15), make_run(config="trainer: {clip: 0.2}", updates=15)]
    assert labels(group_runs(runs)) == ["no clip", "clip 0.2"]


def test_players_are_counted_as_people_do(make_run) -> None:
    texts = [f"env: {{id: CartPole-v1}}\nplayers: {{count: {count}}}\n" for count in ("1", "2", "auto")]
    assert labels(group_runs([make_run(updates=2, config=text) for text in texts])) == [
        "1 Player",
        "2 Players",
        "count auto",
    ]


def test_labels_that_would_be_alike_name_their_runs(make_run) -> None:
    """The first three keys that differ are the same for two of these."""
    text = "trainer: {{gradient: {}, a: {}, b: {}, z: {}}}"
    runs = [
        make_run(config=text.format("reuse", 1, 1, 1), updates=15),
        make_run(config=text.format("reuse", 1, 1, 2), updates=15),
        make_run(config=text.format("live", 2, 2, 3), updates=15),
    ]
    assert labels(group_runs(runs)) == ["1-cartpole-v1-s0", "2-cartpole-v1-s0", "gradient live · a 2 · b 2"]


def test_environments_are_not_compared_with_each_other(make_run) -> None:
    runs = [make_run(env="CartPole-v1", updates=15), make_run(env="Acrobot-v1", updates=15)]
    groups = group_runs(runs)
    assert [group.env for group in groups] == ["CartPole-v1", "Acrobot-v1"]
    assert labels(groups) == ["1-cartpole-v1-s0", "2-acrobot-v1-s0"]


def test_a_run_without_a_readable_config_stands_for_itself(make_run) -> None:
    runs = [make_run(updates=15), make_run(updates=15)]
    runs[0].config.unlink()
    runs[1].write_text("config.yaml", "a: [1")
    assert len(group_runs(runs)) == 2


METHOD = "method: {}\noptimizer: {{rule: {}, learning_rate: {}}}\ndescent: {{by: rows, batch_rows: {}}}"


def test_methods_are_named_by_what_tells_methods_apart(make_run) -> None:
    """Most of what else differs between methods only comes with them; those alike so far by what they differ in."""
    settings = [
        ("descent", "adam", 0.1, "null"),
        ("descent", "sgd", 0.5, "null"),
        ("descent", "sgd", 0.2, 128),
    ]
    runs = [make_run(config=METHOD.format(*each), updates=15) for each in settings]
    runs.append(make_run(config="method: krylov\nkrylov: {damping: 0.1, iterations: 5}", updates=15))
    assert labels(group_runs(runs)) == [
        "descent · rule adam",
        "descent · rule sgd · no batch rows · learning rate 0.5",
        "descent · rule sgd · batch rows 128 · learning rate 0.2",
        "krylov",
    ]
