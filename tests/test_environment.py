"""environment.yml, which Binder installs, has what the notebooks need: all of it, and no more."""

import os
import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
PYTHON = re.search(r"python=([\d.]+)", ENVIRONMENT["dependencies"][0])[1]
# Binder's machine, whichever this one is
BINDER = {
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "sys_platform": "linux",
    "os_name": "posix",
}
# what PyTorch's usual build for Linux brings along, and the CPU build on Binder does not
OF_A_GPU = ("nvidia-", "cuda-", "triton")


@pytest.fixture(scope="module")
def pins():
    *names, options = ENVIRONMENT["dependencies"]
    assert names == [f"python={PYTHON}", "pip"]
    return [line for line in options["pip"] if not line.startswith("-")]


def closure(roots):
    """The names of all packages that ``roots`` need on Binder, as the installed ones say."""
    found, to_do = set(), list(roots)
    while to_do:
        requirement = to_do.pop()
        name = canonicalize_name(requirement.name)
        known = {(name, extra) for extra in ("", *requirement.extras)}
        if known <= found or name.startswith(OF_A_GPU):
            continue
        found |= known
        for needed in map(Requirement, requires(name) or []):
            settings = [BINDER | {"extra": extra} for extra in ("", *requirement.extras)]
            if needed.marker is None or any(map(needed.marker.evaluate, settings)):
                to_do.append(needed)
    return {name for name, _ in found}


def test_it_pins_what_the_notebooks_need_and_no_more(pins):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], "jupyterlab", "jupytext"]
    pinned = {canonicalize_name(Requirement(line).name) for line in pins}
    assert pinned == closure(map(Requirement, needed))


def test_its_pins_are_those_of_the_tested_set(pins):
    tested = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert set(pins) <= set(tested)
    assert len(pins) == len(set(pins))
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pins)


def test_it_takes_the_small_build_of_pytorch_and_then_the_package():
    first, *_, last = ENVIRONMENT["dependencies"][-1]["pip"]
    assert first == "--extra-index-url https://download.pytorch.org/whl/cpu"
    assert last == "-e ."


def test_binder_can_start_the_script_that_writes_the_notebooks():
    script = ROOT / "postBuild"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").startswith("#!")
