"""What exists is named everywhere: bin/, [project.scripts], commands/ and README."""

import tomllib
from pathlib import Path

import pytest

import readme
from txpipe import commands


@pytest.fixture
def scripts(checkout):
    return tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["scripts"]


def test_scripts_name_their_modules(scripts):
    """A script starts main of the module of its name."""
    assert scripts == {name: f"txpipe.commands.{name}:main" for name in scripts}


def test_one_module_a_script(scripts):
    """commands/ holds the scripts' modules and nothing else."""
    modules = {path.stem for root in commands.__path__ for path in Path(root).glob("*.py")}
    assert modules - {"__init__"} == set(scripts)


def test_one_wrapper_a_script(scripts, checkout):
    """bin/ holds one wrapper a script."""
    assert {path.name for path in (checkout / "bin").iterdir()} == set(scripts)


def test_wrappers_are_the_same(checkout):
    """All wrappers are one and the same executable file: they go by their name."""
    wrappers = list((checkout / "bin").iterdir())
    assert len({path.read_bytes() for path in wrappers}) == 1
    assert all(path.stat().st_mode & 0o111 == 0o111 for path in wrappers)


def test_readme_describes_every_command(scripts, checkout):
    """README has a heading for every command, and none for one that does not exist."""
    found = [name for name in readme.headings((checkout / "README.md").read_text()) if name.startswith("tx")]
    assert sorted(found) == sorted(scripts)
