"""Format and lint the code cells of the notebooks with ruff, and leave their prose alone.

ruff knows notebooks (a last semicolon, names that one cell imports for another) but not MyST
Markdown. So the cells go to it as a notebook, and come back into their places. Lines are at most 80
characters wide: that is what fits beside the contents in the page.

usage: python tools/format_notebooks.py [--check]      (--check: change nothing, exit 1 if it would)
"""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import yaml
from execute import sources
from jupytext.myst import dump_yaml_blocks
from nbformat import v4

RUFF = [sys.executable, "-m", "ruff"]
# names that stand in formulas, and pages whose imports come first in the text, not in the file
OPTIONS = ["--line-length=80", "--stdin-filename=page.ipynb", "-"]
IGNORED = "--ignore=D,E741,B905,NPY002,RUF005"
CELL = re.compile(
    r"^(?P<open>```\{code-cell\}[^\n]*\n(?:---\n.*?\n---\n|(?::[\w-]+:[^\n]*\n)*))(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)

OPTIONS_OF_CELL = re.compile(
    r"^(?P<open>```\{code-cell\}[^\n]*\n)(?P<options>---\n.*?\n---\n|(?::[\w-]+:[^\n]*\n)+\n?)",
    re.DOTALL | re.MULTILINE,
)


def options_of(text: str) -> dict:
    """What the options of a cell say, in either of their two forms."""
    if text.startswith("---"):
        return yaml.safe_load(text.strip("-\n"))
    return yaml.safe_load(re.sub("^:", "", text, flags=re.MULTILINE))


def committed(source: Path) -> str:
    """The text of a page in the last commit; empty if there is none."""
    try:
        command = ["git", "show", f"HEAD:./{source.name}"]
        shown = subprocess.run(command, cwd=source.parent, capture_output=True)
    except OSError:  # no git, as in an unpacked archive
        return ""
    return shown.stdout.decode()


def as_before(text: str, before: str) -> str:
    """The text of a page with its cells' options as their author broke the lines.

    JupyterLab's saving writes all of them anew, captions too. Where one says what it said before,
    it gets its former text back, so that a diff shows what changed and no more.
    """
    found = [match["options"] for match in OPTIONS_OF_CELL.finditer(before)]
    former = {str(options_of(options)): options for options in found}

    def put_back(match: re.Match) -> str:
        options, data = match["options"], options_of(match["options"])
        by_jupytext = options.rstrip("\n") == dump_yaml_blocks(data).rstrip("\n")
        return match["open"] + (former.get(str(data), options) if by_jupytext else options)

    return OPTIONS_OF_CELL.sub(put_back, text)


def formatted(text: str) -> tuple[str, str]:
    """The text of a page with its code formatted, and what the linter says of it."""
    cells = [match["code"].rstrip("\n") for match in CELL.finditer(text)]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(code) for code in cells])
    notebook.metadata["language_info"] = {"name": "python"}

    def ruff(command: list[str], content: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*RUFF, *command, *OPTIONS], input=content, capture_output=True, text=True
        )

    result = ruff(["format"], nbformat.writes(notebook))
    if result.returncode:
        return text, result.stderr
    complaints = ruff(["check", "--output-format=concise", IGNORED], result.stdout)
    code = iter(cell.source for cell in nbformat.reads(result.stdout, as_version=4).cells)
    text = CELL.sub(lambda match: f"{match['open']}{next(code)}\n```", text)
    return text, complaints.stdout if complaints.returncode else ""


def main() -> None:
    """Format every notebook, or say which would change."""
    check = "--check" in sys.argv
    failed = False
    for source in sources():
        text = source.read_text(encoding="utf-8")
        new, complaints = formatted(as_before(text, committed(source)))
        if complaints:
            failed = True
            print(f"{source.name}:\n{complaints}")
        if new != text:
            print(f"{source.name}: {'would be formatted' if check else 'formatted'}")
            failed |= check
            if not check:
                source.write_text(new, encoding="utf-8")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
