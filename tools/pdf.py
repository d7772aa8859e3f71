"""Print the book: `_build/autoencoders.pdf`, by Sphinx and LuaLaTeX.

It shows the executions that are kept, as the pages do, and has its own folder of Sphinx's, so that
the HTML build finds its files as it left them.

usage: python tools/pdf.py
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "_build" / "pdf"


def main() -> None:
    from jupyter_book.sphinx import build_sphinx
    failed = build_sphinx(
        ROOT,
        FOLDER / "latex",
        path_config=ROOT / "_config.yml",
        noconfig=True,
        confoverrides={"nitpicky": True, "latex_individualpages": False, "external_toc_path": "_toc.yml",
          "nb_execution_cache_path": str(ROOT/"_build"/".jupyter_cache")},
        builder="latex",
        warningiserror=True,
        keep_going=True,
    )
    print(failed)
main()
