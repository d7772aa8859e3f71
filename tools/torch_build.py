"""Install PyTorch into this Python's environment: on Linux the small CPU build, where it will do.

On Linux a package index has one file under the name of a version of torch, and that one is built
for CUDA: it brings some gigabytes of NVIDIA's libraries along. The same version for the CPU lies
in an index of PyTorch's own. It is taken where no NVIDIA GPU is seen and where it can be reached;
otherwise the plain name is installed, which always works. Elsewhere the plain name is a CPU build.

The CPU build of 2.13.0 is called 2.13.0+cpu and meets the pin ``torch==2.13.0``. So what is
installed here is left alone by a later ``pip install -r requirements.txt``, which brings what torch
needs from the usual index. Every step is pip's, so that index, proxy and certificates set for pip
hold here too.

usage: python tools/torch_build.py requirements.txt     (or pyproject.toml: the newest allowed)
       python tools/torch_build.py --which              (says which build is there)
The environment variable TORCH chooses: cpu or cuda.
"""

import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
REQUIREMENT = re.compile(r'^\s*"?(torch\s*[=<>~!]=?[^"\s#;]*)', re.MULTILINE)
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
QUICK = ["--timeout=5", "--retries=0"]  # is the CPU index there? No long wait for a no.


def requirement(file: Path) -> str:
    """The requirement on torch that a file states, such as ``torch==2.13.0``."""
    found = REQUIREMENT.search(file.read_text(encoding="utf-8"))
    if not found:
        sys.exit(f"{file.name} does not say which torch: expected a line such as torch==2.13.0")
    return found[1]


def choice() -> str:
    """What the user asks for: ``"cpu"``, ``"cuda"``, or nothing."""
    asked = os.environ.get("TORCH", "")
    if asked not in ("", "cpu", "cuda"):
        sys.exit(f"TORCH={asked}: expected TORCH=cpu or TORCH=cuda, or no TORCH to let make choose")
    return asked


def nvidia_gpu() -> bool:
    """Whether NVIDIA's driver lists a GPU."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU" in listed.stdout


def cpu_version(wanted: str) -> str | None:
    """The version of the CPU build that meets a requirement, or None if none can be had."""
    command = ["install", "--quiet", "--dry-run", "--report=-", "--ignore-installed", "--no-deps"]
    try:
        answer = subprocess.run(
            [*PIP, *command, *QUICK, f"--index-url={CPU_INDEX}", wanted],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=120,  # an index that lists no metadata has pip fetch the file, and keep it
        )
    except subprocess.TimeoutExpired:
        return None
    if answer.returncode:
        return None
    version = json.loads(answer.stdout)["install"][0]["metadata"]["version"]
    # an index that the user has added may offer the CUDA build under the plain name
    return version if version.endswith("+cpu") else None


def install(wanted: str) -> None:
    """Install torch without what it needs, in the build that suits."""
    asked = choice()
    source = []
    if asked == "cuda":
        reason = "TORCH=cuda"
    elif not asked and nvidia_gpu():
        reason = "an NVIDIA GPU is here"
    elif sys.platform != "linux":
        reason = "the usual build for this system"
    else:
        reason = "TORCH=cpu" if asked else "no NVIDIA GPU is seen"
        if version := cpu_version(wanted):
            wanted, source = f"torch=={version}", [f"--index-url={CPU_INDEX}"]
        else:
            reason += f", but no CPU build can be had from {CPU_INDEX}: the usual build instead"
    print(f"── PyTorch: {wanted} ({reason})", flush=True)
    done = subprocess.run([*PIP, "install", "--no-deps", *source, wanted])
    if done.returncode:
        sys.exit(done.returncode)
    if asked == "cuda" and not build()["cuda"]:
        sys.exit(
            f"TORCH=cuda, but what came is a CPU build, {build()['__version__']}: the package index"
            f" has no other for this system. Install one into {sys.prefix} as"
            " https://pytorch.org/get-started says, or do without TORCH=cuda."
        )


def build() -> dict:
    """What the installed torch says of itself, read without importing what it needs."""
    spec = importlib.util.find_spec("torch")
    if spec is None:
        sys.exit(f"torch is not installed in {sys.prefix}: run `make environment`")
    return runpy.run_path(str(Path(spec.origin).with_name("version.py")))


def which() -> str:
    """Which build is installed, and how to choose the other."""
    it = build()
    kind, other = (f"CUDA {it['cuda']}", "cpu") if it["cuda"] else ("CPU", "cuda")
    return (
        f"── PyTorch {it['__version__']}, the {kind} build."
        f" To have the other: rm -r .venv; make TORCH={other}"
    )


def main() -> None:
    """Install, or say what is there."""
    if sys.argv[1:] == ["--which"]:
        print(which())
    elif len(sys.argv) == 2:
        install(requirement(Path(sys.argv[1])))
    else:
        sys.exit("expected a file that names torch, or --which: python tools/torch_build.py FILE")


if __name__ == "__main__":
    main()
