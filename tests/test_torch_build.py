"""Which build of PyTorch is set up: small where there is no GPU, and something in every case.

The indexes are folders served on localhost, and their torch is a wheel of a few hundred bytes.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import torch_build

ROOT = Path(__file__).resolve().parent.parent
CUDA, CPU = "torch-2.0.1", "torch-2.0.1+cpu"  # what an index lists
PINNED = "numpy==2.0\ntorch==2.0.1\ntqdm==4.0\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="one build under the name there")


def add_wheel(index: Path, name: str, cuda: str | None) -> None:
    """Put a wheel called torch, and the page that lists it, into an index."""
    folder = index / "torch"
    folder.mkdir(parents=True, exist_ok=True)
    version = name.removeprefix("torch-")
    info = f"torch-{version}.dist-info"
    files = {
        "torch/__init__.py": "import what_torch_needs\n",  # not there yet: nothing may import torch
        "torch/version.py": f"__version__ = {version!r}\ncuda = {cuda!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"
        "Requires-Dist: nvidia-everything\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    wheel = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    page = folder / "index.html"
    before = page.read_text() if page.exists() else "<!DOCTYPE html>\n"
    link = wheel.name.replace("+", "%2B")
    page.write_text(f'{before}<a href="{link}#sha256={digest}">{wheel.name}</a>\n')


def packages(python: Path) -> Path:
    """Where a Python of its own has its packages."""
    (folder,) = python.parent.parent.glob("lib/python*/site-packages")
    return folder


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python of its own, with pip."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True, symlinks=True)
    return folder / "bin" / "python"


@pytest.fixture
def set_up(python, tmp_path, serve):
    """Return a function that runs the script against indexes made here, and what it said."""
    for name, wheel, cuda in (("plain", CUDA, "13.0"), ("cpu", CPU, None)):
        add_wheel(tmp_path / name, wheel, cuda)
    address = serve(tmp_path)
    (tmp_path / "programs").mkdir()
    file = tmp_path / "requirements.txt"
    file.write_text(PINNED)

    def set_up(*, plain="plain", cpu="cpu", gpu=None, arguments=(str(file),), **environment):
        if gpu is not None:
            program = tmp_path / "programs" / "nvidia-smi"
            program.write_text(f"#!/bin/sh\n{gpu}\n")
            program.chmod(0o755)
        for folder in packages(python).glob("torch*"):
            shutil.rmtree(folder)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        code = (
            f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r})\n"
            f"import torch_build; torch_build.CPU_INDEX = {f'{address}/{cpu}'!r}\n"
            f"torch_build.main()"
        )
        return subprocess.run(
            [python, "-c", code, *arguments],
            capture_output=True,
            text=True,
            env=kept
            | {
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_INDEX_URL": f"{address}/{plain}",
                "PIP_NO_CACHE_DIR": "1",
                "PATH": f"{tmp_path / 'programs'}:/usr/bin:/bin",
                "TORCH": "",
            }
            | environment,
        )

    set_up.folder = tmp_path
    return set_up


def installed(python):
    """The versions of torch that are there."""
    folders = packages(python).glob("torch-*.dist-info")
    return [folder.name.split("-")[1].removesuffix(".dist") for folder in folders]


GPU = "echo 'GPU 0: NVIDIA H100 (UUID: GPU-1)'"


@pytest.mark.parametrize(
    ("case", "came"),
    [
        ({}, "2.0.1+cpu"),
        ({"gpu": GPU}, "2.0.1"),
        ({"gpu": "echo 'has failed: no driver' >&2; exit 9"}, "2.0.1+cpu"),
        ({"gpu": "echo 'No devices were found'"}, "2.0.1+cpu"),
        ({"gpu": GPU, "TORCH": "cpu"}, "2.0.1+cpu"),
        ({"TORCH": "cuda"}, "2.0.1"),
        ({"cpu": "nowhere"}, "2.0.1"),
        ({"cpu": "nowhere", "TORCH": "cpu"}, "2.0.1"),
    ],
)
def test_the_build_that_suits(set_up, python, case, came):
    done = set_up(**case)
    assert done.returncode == 0, done.stderr
    assert installed(python) == [came]
    assert ("no CPU build can be had" in done.stdout) == (case.get("cpu") == "nowhere")
    said = subprocess.run(
        [python, ROOT / "tools" / "torch_build.py", "--which"], capture_output=True, text=True
    ).stdout
    kind, other = ("CPU", "cuda") if "+cpu" in came else ("CUDA 13.0", "cpu")
    assert f"the {kind} build" in said
    assert f"make TORCH={other}" in said


def test_a_cpu_index_without_the_version_is_none(set_up, python):
    (set_up.folder / "requirements.txt").write_text("torch==2.0.2\n")
    add_wheel(set_up.folder / "plain", "torch-2.0.2", "13.0")
    assert set_up().returncode == 0
    assert installed(python) == ["2.0.2"]


def test_a_cpu_build_among_the_users_own_indexes_is_taken(set_up, python):
    add_wheel(set_up.folder / "mine", CPU, None)
    mine = str(set_up.folder / "mine" / "torch")
    assert set_up(cpu="nowhere", PIP_FIND_LINKS=mine).returncode == 0
    assert installed(python) == ["2.0.1+cpu"]


def test_the_cuda_build_among_the_users_own_indexes_is_no_cpu_build(set_up, python):
    mine = str(set_up.folder / "plain" / "torch")
    assert "no CPU build" in set_up(cpu="nowhere", PIP_FIND_LINKS=mine).stdout
    assert installed(python) == ["2.0.1"]
    assert set_up(PIP_FIND_LINKS=mine).returncode == 0
    assert installed(python) == ["2.0.1+cpu"]


def test_cuda_that_cannot_be_had_is_an_error(set_up):
    done = set_up(plain="cpu", TORCH="cuda")
    assert done.returncode != 0
    assert "what came is a CPU build, 2.0.1+cpu" in done.stderr


def test_a_version_that_no_index_has_is_an_error(set_up):
    (set_up.folder / "requirements.txt").write_text("torch==9.9\n")
    done = set_up()
    assert done.returncode != 0
    assert "No matching distribution found for torch==9.9" in done.stderr


@pytest.mark.parametrize("word", ["CPU", "gpu", "yes"])
def test_another_word_for_torch_is_refused(set_up, python, word):
    done = set_up(TORCH=word)
    assert done.returncode != 0
    assert f"TORCH={word}: expected TORCH=cpu or TORCH=cuda" in done.stderr
    assert installed(python) == []


def test_which_before_there_is_any(set_up):
    done = set_up(arguments=["--which"])
    assert done.returncode != 0
    assert "make environment" in done.stderr


@pytest.mark.parametrize("text", ["numpy==2.0\n", "torchvision==0.1\n# torch==2\n", "torch\n"])
def test_a_file_without_torch_is_refused(tmp_path, text):
    file = tmp_path / "requirements.txt"
    file.write_text(text)
    with pytest.raises(SystemExit, match=r"requirements.txt does not say which torch: expected"):
        torch_build.requirement(file)


def test_the_projects_own_files_name_torch():
    assert re.fullmatch(r"torch==[\d.]+", torch_build.requirement(ROOT / "requirements.txt"))
    assert torch_build.requirement(ROOT / "pyproject.toml").startswith("torch>=")
