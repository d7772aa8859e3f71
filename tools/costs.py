"""Write book/costs.md: what each notebook of the book took to run, in time and memory.

The figures are those that tools/execute.py kept with each execution. ``_build/costs.json`` holds
the same for programs, such as a workflow that compares one run with another.

usage: python tools/costs.py
"""

import json
import os
import platform

import nbformat
import torch
from execute import MEGABYTES, ROOT, SECONDS, executed, sources

from lecture_lib.datasets import profile
from lecture_lib.training import training_device

PAGE = ROOT / "book" / "costs.md"
DATA = ROOT / "_build" / "costs.json"
COSTS = ("processor_seconds", "seconds", "peak_memory_mb")

TEXT = """\
# What each page costs to run

Each notebook of this book was run once, in a process of its own with one thread, as `make book`
does it. This page is written by the build that ran them.

- **Machine**: {cores}, Python {python}, PyTorch {torch}.
- **Profile**: `{profile}`; networks were trained on {device}.

{table}

Processor time is what the page takes on an idle machine of this kind, starting Python included. The
clock counts while cells run, also when the machine then does something else or a GPU computes. As
many pages ran at a time as there are cores, so the build took less than the sum. In the profile
`cpu`, the tests hold every page below {most_seconds} s of processor time and {most_memory:,} MB.
"""


def machine() -> dict[str, str | int]:
    """What the figures depend on besides the notebooks."""
    device = training_device()
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "profile": profile(),
        "device": gpu or "the CPU",
    }


def costs() -> list[dict]:
    """What each notebook cost, in the order of the book."""
    rows = []
    for source in sources():
        kept = nbformat.read(executed(source), as_version=4).metadata["lecture"]
        rows.append({"page": source.stem} | {name: kept[name] for name in COSTS})
    return rows


def page(rows: list[dict], facts: dict) -> str:
    """The page, in MyST Markdown."""
    table = "| Page | Processor time, s | By the clock, s | Peak memory, MB |\n|---|--:|--:|--:|\n"
    for row in rows:
        numbers = " | ".join(f"{row[name]:.0f}" for name in COSTS)
        table += f"| {{doc}}`../notebooks/{row['page']}` | {numbers} |\n"
    sums = [sum(row[name] for row in rows) for name in ("processor_seconds", "seconds")]
    largest = max(row["peak_memory_mb"] for row in rows)
    table += f"| Sum; largest memory | {sums[0]:.0f} | {sums[1]:.0f} | {largest} |"
    cores = "1 core" if facts["cores"] == 1 else f"{facts['cores']} cores"
    limits = {"most_seconds": SECONDS, "most_memory": MEGABYTES}
    return TEXT.format(table=table, **facts | limits | {"cores": cores})


def main() -> None:
    """Write the page and the data."""
    rows, facts = costs(), machine()
    PAGE.write_text(page(rows, facts), encoding="utf-8")
    DATA.write_text(json.dumps({"machine": facts, "pages": rows}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
