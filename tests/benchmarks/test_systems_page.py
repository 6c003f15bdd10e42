"""From numbers to the page: kept by section, tables, marks, and a page and a catalogue that agree with the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from systems_study import document_001, document_002, document_003, document_004
from systems_study.catalogue import CATALOGUE, SERVED, XOR
from systems_study.levels import levels
from systems_study.page import NONE_YET, count, current, keep, kept, seconds, table
from systems_study.study import POINTS, Study, reached, rounds_timed, seconds_of, thinned

from touchline.configs import load
from touchline.record import UpdateLine
from touchline.trainer.schemes.choosing import scheme_of

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
DOCUMENTS = {"001": document_001, "002": document_002, "003": document_003, "004": document_004}


def line(update, error=None, **more):
    given = {
        "version": update,
        "seconds": 2.0 + update,
        "steps": 10 * update,
        "episodes": 0,
        "gradient_steps": update,
    }
    return UpdateLine(update=update, loss={"error": error}, **{**given, **more})


def test_sections_are_kept_one_by_one(tmp_path):
    keep(tmp_path, "001", "b", {"x": 1})
    keep(tmp_path, "001", "a", [1, 2])
    keep(tmp_path, "001", "b", {"x": 3})
    assert kept(tmp_path, "001") == {"a": [1, 2], "b": {"x": 3}}
    assert kept(tmp_path, "002") == {}


def test_what_was_not_measured_is_said_to_be_not_run(tmp_path):
    page = "one\n<!-- generated: 004-relu -->\nold\n<!-- end -->\ntwo\n<!-- generated: 001-found -->\n<!-- end -->\n"
    keep(tmp_path, "004", "relu", {"accuracy": {"mean": 0.5, "sum": 0.5}})
    made = current(page, tmp_path, DOCUMENTS)
    assert "mean 50.0 %, sum 50.0 %" in made
    assert NONE_YET in made
    assert "old" not in made
    assert made.startswith("one\n")
    assert current(made, tmp_path, DOCUMENTS) == made


def test_the_page_has_the_committed_numbers_and_a_place_for_each():
    text = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
    assert current(text, RESULTS, DOCUMENTS) == text
    for name, document in DOCUMENTS.items():
        for part in document.parts(kept(RESULTS, name)):
            assert f"<!-- generated: {name}-{part} -->" in text


def test_numbers_for_people():
    assert table(("a", "b"), [(1, None)]) == "| a | b |\n| --- | --- |\n| 1 |  |"
    assert [count(value) for value in (None, 1234.0, 12_345_678.0)] == [None, "1,234", "12.3 M"]
    assert [seconds(value) for value in (None, 0.12345, 12.345, 1234.5)] == [None, "0.123", "12.3", "1,234"]


def test_a_threshold_is_reached_where_it_first_was():
    lines = [line(1, 0.5), line(2), line(3, 0.1), line(4, 0.2), line(5, 0.1)]
    assert reached(lines, 0.1) == 30
    assert reached(lines, 0.1, over="seconds") == 5.0
    assert reached(lines, 0.05) is None


def test_rounds_are_timed_from_the_first_to_the_last_and_one_by_its_waiting():
    assert (seconds_of([line(1), line(2), line(4)]), rounds_timed([line(1), line(2), line(4)])) == (3.0, 2)
    only = [line(1, wait_seconds=4.0, update_seconds=0.5)]
    assert (seconds_of(only), rounds_timed(only)) == (4.5, 1)


def test_a_curve_keeps_its_ends():
    points = [(float(x), x * x) for x in range(1, 1000)]
    found = thinned(points)
    assert len(found) <= POINTS + 1
    assert (found[0], found[-1]) == ([1.0, 1], [999.0, 998_001])
    assert found == sorted(found)
    assert thinned(points[:5]) == [list(point) for point in points[:5]]


@pytest.mark.parametrize("mnist", [None, "mnist"])
def test_every_level_is_a_config(tmp_path, mnist):
    for level in levels(Study(tmp_path, mnist)):
        for flags in (level.flags, level.quick):
            assert load(level.preset, pairs(flags)).config.method in ("descent", "search", "structure")


@pytest.mark.parametrize("method", CATALOGUE)
def test_every_entry_of_the_catalogue_is_a_config(method):
    entry = CATALOGUE[method]
    assert entry.xor is not None or entry.digits is not None
    for flags, source in ((entry.xor, "xor"), (entry.digits, "digits")):
        if flags is not None:
            shared = XOR if source == "xor" else ()
            assert load(entry.preset, pairs((*shared, *flags))).config.table.source == source


PROBES = {
    "gradient descent, stochastic or of all rows; RMSProp, Adam": [
        ("003-gd", ()),
        ("003-sgd", ()),
        ("003-adam", ()),
    ],
    "heavy-ball momentum": [("003-momentum", ())],
    "RPROP, QuickProp": [("001-rows", ()), ("001-quickprop", ())],
    "slices of the weights": [("001-weights", ())],
    "CG, MINRES": [("003-natural-gradient", ()), ("003-newton", ())],
    "random search, Monte Carlo": [("003-random-search", ()), ("001-monte-carlo", ())],
    "evolution strategies": [("001-evolution", ())],
    "uniform search": [("003-uniform-search", ())],
    "activation functions": [("001-activations", ())],
    "basin hopping, temperature 0": [("003-basin-hopping", ())],
    "basin hopping, temperature above 0": [
        ("003-basin-hopping", ("--hopping.temperature", "1", "--tasks.parts", "1"))
    ],
    "averaging": [("004-averaging", ())],
    "structure, level by level": [("001-structure", ())],
    "structure, as a queue": [("001-structure", ("--structure.barrier", "none"))],
}


@pytest.mark.parametrize("row", SERVED)
def test_who_bears_staleness_is_what_the_schemes_say(row):
    for preset, flags in PROBES[row]:
        config = load(preset, pairs(flags)).config
        classes = config.table.source == "digits"
        sizes = {"rows": 100, "test_rows": 20, "inputs": 3, "outputs": 10 if classes else 1}
        spaces = {"table": {"name": "made", "classes": classes, **sizes}}
        verb, _, bears, _ = SERVED[row]
        scheme = scheme_of(config, spaces, {})
        assert scheme.bears_staleness == (bears == "yes"), preset
        assert {task.verb for task in scheme.round()} == {verb}


def pairs(flags):
    return [(flags[at].removeprefix("--"), flags[at + 1]) for at in range(0, len(flags), 2)]
