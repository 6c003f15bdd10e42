"""The systems of docs/systems.md: their runs, their figures, and the numbers of the page.

    python benchmarks/systems.py all --runs FOLDER [--mnist FOLDER] [--quick]
    python benchmarks/systems.py 003 --runs FOLDER --only digits
    python benchmarks/systems.py all --draw

The first form makes what is missing: runs are kept in ``--runs`` and the same command goes on after the last of them.
Times are worth something on a machine that does nothing else; each part keeps the load it was measured under.
``--mnist`` is a folder of MNIST's idx files, which documents 001 and 004 need for the whole of it. Numbers go to
docs/results/systems-*.json, figures beside them, tables into docs/systems.md; ``--draw`` makes figures and tables
from the numbers that are there. ``--quick`` is a small form of it all, to see that it works.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from systems_study import document_001, document_002, document_003, document_004
from systems_study.page import current, keep, kept
from systems_study.study import Study

from touchline.record.plot_style import styled

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = {"001": document_001, "002": document_002, "003": document_003, "004": document_004}


def measure(names: list[str], study: Study, results: Path, *, only: list[str]) -> None:
    """Every section of these documents; one that cannot be, for it needs MNIST, says None and is left out."""
    for name in names:
        for section, made in DOCUMENTS[name].SECTIONS.items():
            if only and section not in only:
                continue
            began = time.perf_counter()
            found = made(study)
            if found is not None:
                keep(results, name, section, found)
            said = "left out: it needs --mnist" if found is None else f"{time.perf_counter() - began:.0f} s"
            print(f"{name} {section}: {said}", flush=True)


def draw(names: list[str], results: Path, page: Path) -> None:
    """The figures of these documents and every table of the page."""
    with styled():
        for name in names:
            DOCUMENTS[name].draw(kept(results, name), results)
    if page.exists():
        page.write_text(current(page.read_text(encoding="utf-8"), results, DOCUMENTS), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("document", choices=(*DOCUMENTS, "all"))
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "systems", help="keep the runs here")
    parser.add_argument("--mnist", default=None, help="a folder of MNIST's idx files")
    parser.add_argument("--quick", action="store_true", help="a small form")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], metavar="SECTION", help="these sections alone")
    parser.add_argument("--draw", action="store_true", help="run nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results", help="numbers and figures")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "systems.md")
    options = parser.parse_args()
    names = list(DOCUMENTS) if options.document == "all" else [options.document]
    if not options.draw:
        options.runs.mkdir(parents=True, exist_ok=True)
        study = Study(options.runs, options.mnist, options.quick, 1 if options.quick else options.seeds)
        measure(names, study, options.out, only=options.only)
    draw(names, options.out, options.page)


if __name__ == "__main__":
    main()
