"""What exists is named everywhere: bin/, [project.scripts], commands/ and README."""

import importlib
import tomllib
from pathlib import Path

import click
import pytest

import readme
from txpipe import command, commands
from txpipe.detect import choice, names


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


def test_light_names_of_rules():
    """What names rules without importing them names all that there are."""
    assert list(names.SHIPPED) == choice.known()


def _options(found):
    yield from found.params
    for each in getattr(found, "commands", {}).values():
        yield from _options(each)


def test_number_options_are_finite(scripts):
    """No option takes nan, which compares as within any range, or inf."""
    kinds = [
        option.type
        for name in scripts
        for option in _options(importlib.import_module(f"txpipe.commands.{name}").main)
    ]
    numbers = [kind for kind in kinds if isinstance(kind, (click.FloatRange, type(click.FLOAT)))]
    assert len(numbers) >= 5
    assert all(isinstance(kind, command.Number) for kind in numbers)
    for value in ("nan", "inf", "-inf", "1e999"):
        with pytest.raises(click.BadParameter, match=f"{value} is no finite number"):
            command.Number(min=0).convert(value, None, None)
    assert command.Number(min=0).convert("2.5", None, None) == 2.5
