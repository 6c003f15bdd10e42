"""What is installed: every module and preset, under one name, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NOT_PACKAGES = {"tests", "docs", "benchmarks", "build", "dist"}


def folders_with_modules() -> set[str]:
    """Every folder of the repository that holds modules of the package, as a dotted name."""
    found = {"touchline"}
    for folder in ROOT.iterdir():
        hidden = folder.name.startswith(".") or "venv" in folder.name or folder.suffix == ".egg-info"
        if folder.is_dir() and not hidden and folder.name not in NOT_PACKAGES:
            places = {module.parent.relative_to(ROOT) for module in folder.rglob("*.py")}
            found |= {".".join(("touchline", *place.parts)) for place in places}
    return found


def test_the_list_of_packages_is_what_lies_on_disk():
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == folders_with_modules()


def expected_members() -> set[str]:
    """Every file that an installed touchline holds, relative to site-packages."""
    members = {"touchline/py.typed"}
    for package in PROJECT["tool"]["setuptools"]["packages"]:
        folder = ROOT / Path(*package.split(".")[1:])
        members |= {f"{package.replace('.', '/')}/{module.name}" for module in folder.glob("*.py")}
    configs = [*(ROOT / "configs").glob("*.yaml"), ROOT / "configs" / "schema.json"]
    return members | {f"touchline/configs/{file.name}" for file in configs}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a fresh copy: a ``build/`` left behind would put deleted modules into it."""
    copy = tmp_path_factory.mktemp("fresh") / "touchline"
    ignore = shutil.ignore_patterns(
        ".git", "*venv*", "build", "dist", "*.egg-info", "__pycache__", "runs", ".*_cache"
    )
    shutil.copytree(ROOT, copy, ignore=ignore)
    out = copy.parent / "wheels"
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(out),
        str(copy),
    ]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(out.glob("touchline-*.whl"))


def test_the_wheel_holds_every_module_and_preset_and_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    info = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert {name.split("/")[0] for name in names - info} == {"touchline"}
    assert names - info == expected_members()


def test_the_wheel_declares_the_console_script_and_the_extras(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        info = next(name for name in archive.namelist() if name.endswith("METADATA")).rpartition("/")[0]
        scripts = archive.read(f"{info}/entry_points.txt").decode()
        metadata = archive.read(f"{info}/METADATA").decode()
    assert "touchline = touchline.cli:main" in scripts
    extras = {line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Provides-Extra: ")}
    assert extras == {"test", "view", "box2d", "atari", "mujoco", "solvers", "tables"}
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    assert not any("torch" in line for line in required)


def test_a_users_own_folders_do_not_shadow_ours(tmp_path: Path):
    """A script beside folders named as ours are imports touchline's, not its own."""
    for name in ("trainer", "player", "envs", "configs", "protocol"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the wrong module')\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import touchline.trainer.update, touchline.player.unrolls, touchline.envs, touchline.configs\n"
    )
    subprocess.run([sys.executable, str(script)], check=True, cwd=tmp_path)
