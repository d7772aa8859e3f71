"""Execute each notebook whose code, or what its code depends on, has changed; keep the result.

Every notebook is run once, by nbmake, in parallel. The executed copies lie in ``_build/executed``;
from there their outputs go into the cache that the book is rendered from. So what was tested is
what is shown.

An execution is kept under a fingerprint of all that it depends on: the notebook's code, the package
``lecture_lib``, environment.yml, the build of PyTorch, the version of Python, and the profile and
data that were in force. Prose, captions and cell tags are not in it, so a change in them executes
nothing; nor are the tools that build and test, which environment.yml leaves out.

usage: python tools/execute.py
"""

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import jupytext
import nbformat
from equations import book_order

from lecture_lib.datasets import faces_available, profile

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "notebooks"
EXECUTED = ROOT / "_build" / "executed"
CACHE = ROOT / "_build" / ".jupyter_cache"
# What a page may take in the profile cpu: of a reader's machine, and of Binder's memory.
SECONDS, MEGABYTES = 60, 1500
# Two kernels that each start as many threads as there are cores slow each other several times over.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
# Runs last in each notebook and is removed again: what its kernel cost, in kilobytes (macOS counts
# bytes) and in seconds of processor time, which do not grow when the machine has other work.
COST_PROBE = (
    "import resource, sys\n"
    "used = resource.getrusage(resource.RUSAGE_SELF)\n"
    "peak = used.ru_maxrss // (1024 if sys.platform == 'darwin' else 1)\n"
    "print(peak, used.ru_utime + used.ru_stime)"
)


def sources() -> list[Path]:
    """The notebooks' sources, in the order of the book."""
    return sorted(SOURCES.glob("*.md"), key=book_order)


def read_source(path: Path) -> nbformat.NotebookNode:
    """The notebook that a source describes, without outputs."""
    return jupytext.read(path)


def code_of(notebook: nbformat.NotebookNode) -> list[str]:
    """The text of the code cells."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def environment_fingerprint() -> str:
    """A hash of what every notebook depends on besides its own code."""
    digest = hashlib.sha256(platform.python_version().encode())
    exercises = ROOT / "lecture_lib" / "exercises"  # no page of the book runs them
    package = [
        path
        for path in (ROOT / "lecture_lib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and exercises not in path.parents
    ]
    for path in [*sorted(package), ROOT / "environment.yml"]:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(version("torch").encode())  # a build for GPUs rounds otherwise
    digest.update((os.environ.get("LECTURE_PROFILE") or "cpu").encode())
    digest.update((os.environ.get("LECTURE_DEVICE") or "chosen by the profile").encode())
    # also from the cache folder; what they hold is checked by the loaders
    digest.update(str([faces_available(name) for name in ("cbcl", "frey")]).encode())
    if data := os.environ.get("LECTURE_DATA"):
        if not Path(data).is_dir():
            sys.exit(f"LECTURE_DATA names no folder: {Path(data).resolve()}")
        for path in sorted(p for p in Path(data).rglob("*") if p.is_file()):
            digest.update(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()


def fingerprint(notebook: nbformat.NotebookNode, environment: str) -> str:
    """A hash of all that the outputs of ``notebook`` depend on."""
    return hashlib.sha256("\0".join([environment, *code_of(notebook)]).encode()).hexdigest()


def executed(source: Path) -> Path:
    """Where the executed copy of a source is kept."""
    return EXECUTED / f"{source.stem}.ipynb"


def is_current(source: Path, environment: str) -> bool:
    """Whether the kept execution of ``source`` is the one that its code would give now."""
    try:
        kept = nbformat.read(executed(source), as_version=4)
    except (OSError, ValueError):  # none, or half of one
        return False
    now = fingerprint(read_source(source), environment)
    lecture = kept.metadata.get("lecture", {})
    # one without its cost is from before there was a page of costs
    return lecture.get("fingerprint") == now and "processor_seconds" in lecture


def run(to_run: list[Path], folder: Path) -> None:
    """Execute notebooks in a scratch folder and keep those that ran to their end."""
    working = {source: folder / f"{source.stem}.ipynb" for source in to_run}
    environment = environment_fingerprint()
    for source, path in working.items():
        notebook = read_source(source)
        # decided before the run: an edit made while it runs leaves the result stale, as it must
        notebook.metadata["lecture"] = {"fingerprint": fingerprint(notebook, environment)}
        notebook.cells.append(nbformat.v4.new_code_cell(COST_PROBE))
        nbformat.write(notebook, path)
    workers = min(len(to_run), os.cpu_count() or 1)
    command = [sys.executable, "-m", "pytest", "--nbmake", "--nbmake-kernel=python3", "--overwrite"]
    command += [
        # seconds for a cell: all of MNIST on a busy machine takes minutes
        f"--nbmake-timeout={1800 if profile() == 'full' else 300}",
        "-v",
        f"-n{workers}",
        "--dist=worksteal",
        "-p",
        "no:cacheprovider",
    ]
    settings = os.environ | ONE_THREAD | {"TQDM_DISABLE": "1"}  # no progress bars in the pages
    if data := os.environ.get("LECTURE_DATA"):
        settings["LECTURE_DATA"] = str(Path(data).resolve())  # a kernel runs in another folder
    try:
        result = subprocess.run([*command, *map(str, working.values())], cwd=ROOT, env=settings)
        problem = "A notebook failed (above). The others are kept." if result.returncode else None
    except KeyboardInterrupt:
        problem = "Interrupted. What had run is kept."
    EXECUTED.mkdir(parents=True, exist_ok=True)
    for source, path in working.items():
        notebook = nbformat.read(path, as_version=4)
        if ran_through(notebook):
            keep(notebook, source)
    if problem:
        sys.exit(problem)


def ran_through(notebook: nbformat.NotebookNode) -> bool:
    """Whether the probe, which runs last, has printed."""
    return (
        bool(notebook.cells[-1].outputs) and notebook.cells[-1].outputs[0].get("name") == "stdout"
    )


def keep(notebook: nbformat.NotebookNode, source: Path) -> None:
    """Store an executed notebook, with its cost, for the book and the tests to read."""
    probe = notebook.cells.pop()
    seconds = 0.0
    for cell in notebook.cells:
        # the timing of each cell would become part of the cache's key
        times = cell.metadata.pop("execution", {})
        if "iopub.status.busy" in times and "iopub.status.idle" in times:
            start, end = (times[f"iopub.status.{state}"] for state in ("busy", "idle"))
            passed = datetime.fromisoformat(end) - datetime.fromisoformat(start)
            seconds += passed.total_seconds()
    # what one print wrote can arrive in several pieces
    printed = [output.text for output in probe.outputs if output.get("name") == "stdout"]
    peak, processor = "".join(printed).split()
    notebook.metadata["lecture"] |= {
        "seconds": round(seconds, 1),
        "processor_seconds": round(float(processor), 1),
        "peak_memory_mb": round(int(peak) / 1024),
    }
    write(notebook, executed(source))


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a whole notebook or none."""
    part = path.with_suffix(".part")
    nbformat.write(notebook, part)
    os.replace(part, path)


def fill_cache() -> None:
    """Put the outputs of the kept executions into the cache that the book is rendered from.

    The cells come from the sources as they are now, so that captions and tags are today's.
    """
    # here, because the notebooks for Binder are written without it
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    cache = get_cache(CACHE)
    cache.clear_cache()
    for source in sources():
        notebook, kept = read_source(source), nbformat.read(executed(source), as_version=4)
        results = [cell for cell in kept.cells if cell.cell_type == "code"]
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for cell, result in zip(cells, results, strict=True):
            cell.outputs, cell.execution_count = result.outputs, result.execution_count
        notebook.metadata |= {
            key: kept.metadata[key]
            for key in ("widgets", "language_info", "lecture")
            if key in kept.metadata
        }
        write(notebook, executed(source))  # so that a borrowed figure has today's name and alt text
        bundle = CacheBundleIn(
            notebook, str(source), data={"execution_seconds": kept.metadata["lecture"]["seconds"]}
        )
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def stale() -> list[Path]:
    """The sources whose kept execution is not what their code would give now."""
    environment = environment_fingerprint()
    return [source for source in sources() if not is_current(source, environment)]


def main() -> None:
    """Bring every execution up to date."""
    for path in EXECUTED.glob("*.ipynb"):
        if path.stem not in {source.stem for source in sources()}:
            path.unlink()  # its source is gone
    to_run = stale()
    print(f"{len(sources())} notebooks, {len(to_run)} to execute", flush=True)
    if to_run:
        with tempfile.TemporaryDirectory() as folder:
            run(to_run, Path(folder))


if __name__ == "__main__":
    main()
