"""A Player over a table: what it tells the Trainer of it, and what it knows before the first order."""

from __future__ import annotations

import sys

import pytest

from touchline.configs import load
from touchline.envs.errors import TableError
from touchline.player.table_work import TableWork, table_of
from touchline.player.work import UnknownOrder
from touchline.targets.errors import TargetError


def work(method="descent", source="xor", **values):
    return TableWork(load(values={"method": method, "table.source": str(source), **values}).config)


def test_it_announces_the_table_and_the_names_of_its_outputs():
    found = work()
    assert found.spaces["table"]["rows"] == 4
    assert found.facts == {"labels": ["xor"]}


def test_what_was_taken_for_granted_is_a_fact(tmp_path):
    path = tmp_path / "kinds.csv"
    path.write_text("a,kind\n1,0\n2,1\n3,2\n")
    note = "'kind' has 3 different whole numbers, taken as quantities; for labels set table.classes: true"
    assert work(source=path).facts == {"labels": ["kind"], "note": note}
    assert work(source=path, **{"table.classes": True}).facts == {"labels": ["0", "1", "2"]}


def test_the_table_is_the_one_of_the_config():
    config = load("001-rows", [("table.rows", "30"), ("table.test", "7"), ("seed", "3")]).config
    table = table_of(config)
    assert (len(table.x), len(table.test_x)) == (30, 7)
    assert table.announced() == table_of(config).announced()
    assert table.announced() != table_of(load("001-rows").config).announced()


def test_hopping_without_scipy_is_refused_before_the_first_hop(monkeypatch):
    work("hopping")
    monkeypatch.setitem(sys.modules, "scipy", None)
    work()
    with pytest.raises(TargetError, match="L-BFGS-B needs scipy"):
        work("hopping")


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TableError, match="no such file or folder"):
        work(source=tmp_path / "no.csv")


def test_an_order_of_another_trade_is_refused():
    with pytest.raises(UnknownOrder, match="expected rows, points, fit with a table, found play"):
        list(work().carry_out("play", {}, None, seq=0, count=1, standing=False))
