"""Print the book: `_build/autoencoders.pdf`, by Sphinx and LuaLaTeX.

It shows the executions that are kept, as the pages do. Sphinx works in `_build/pdf/`, so that the
HTML build finds its own files as it left them.

usage: python tools/pdf.py
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from jupyter_book.sphinx import build_sphinx

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
LATEX = BUILD / "pdf" / "latex"
NOTICED = 20  # points that a line may stick out into a margin of 62 before a reader minds


def write_latex() -> None:
    """Have Sphinx write LaTeX. A warning stops it, as in the HTML build."""
    failed = build_sphinx(
        ROOT,
        LATEX,
        path_config=ROOT / "_config.yml",
        noconfig=True,
        confoverrides={
            "external_toc_path": "_toc.yml",
            "latex_individualpages": False,
            "nb_execution_cache_path": str(BUILD / ".jupyter_cache"),
            "nitpicky": True,
        },
        builder="latex",
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    if failed:
        sys.exit("Sphinx failed (above).")


def typeset() -> None:
    """Run LuaLaTeX as often as the references need."""
    command = [
        "latexmk",
        "-norc",
        "-lualatex",
        "-interaction=nonstopmode",
        "-halt-on-error",
        "-quiet",
    ]
    done = subprocess.run(
        [*command, "autoencoders.tex"],
        cwd=LATEX,
        env=os.environ | {"max_print_line": "10000"},  # or TeX breaks the lines of its log
        capture_output=True,
        text=True,
    )
    if done.returncode:
        log = LATEX / "autoencoders.log"
        errors = re.findall(r"^!.*(?:\n.*){3}", log.read_text(errors="replace"), flags=re.M)
        sys.exit(
            "\n".join([*errors, done.stderr[-2000:], f"LaTeX failed; all it said is in {log}"])
        )


def faults(log: str) -> list[str]:
    """What a reader would notice: characters that are missing, lines that stick out, dead links."""
    found = re.findall(r"Missing character: .*", log)
    found += re.findall(r"LaTeX Warning: (?:Hyper r|R)eference .* undefined.*", log)
    for wide in re.finditer(r"Overfull \\hbox \(([\d.]+)pt too wide\).*", log):
        if float(wide[1]) > NOTICED:
            found.append(wide[0])
    return sorted(set(found))


def main() -> None:
    """Write, typeset, and say where the book is and what is wrong with it."""
    write_latex()
    typeset()
    if found := faults((LATEX / "autoencoders.log").read_text(errors="replace")):
        sys.exit("\n".join([*found, "Mend these in the text or in book/_ext/paper.tex."]))
    pdf = shutil.copy(LATEX / "autoencoders.pdf", BUILD / "autoencoders.pdf")
    print(f"── the book on paper: {pdf.as_uri()} ({pdf.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
