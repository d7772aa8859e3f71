"""No page may show outputs that its code would no longer give.

Outputs come from the notebooks that tools/execute.py ran. This extension stops the build when one
is stale, and has Sphinx read a page again when its outputs, and not only its text, are new.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parent.parent.parent


def refuse_stale(app):
    check = [sys.executable, ROOT / "tools" / "execute.py", "--check"]
    result = subprocess.run(check, capture_output=True, text=True)
    if result.returncode:
        raise ExtensionError(f"outputs are out of date, run `make book`\n{result.stderr}")


def changed_outputs(app, env, added, changed, removed):
    """The pages to read again: those with new outputs, and those that show the package itself."""
    package = hashlib.sha256()
    for path in sorted((ROOT / "lecture_lib").rglob("*.py")):
        package.update(path.read_bytes())
    now = {"book/api": package.hexdigest()}
    for path in (ROOT / "_build" / "executed").glob("*.ipynb"):
        now[f"notebooks/{path.stem}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    before, env.lecture_outputs = getattr(env, "lecture_outputs", {}), now
    again = {doc for doc in now if doc in env.found_docs and now[doc] != before.get(doc)}
    if any(doc.startswith("notebooks/") for doc in again):
        again.add("book/index")  # it shows figures and numbers of the notebooks
    return sorted(again - added - changed)


def remove_orphans(app, exception):
    """A page whose source is gone must not stay in the book."""
    for folder in ("notebooks", "book"):
        for page in (Path(app.outdir) / folder).glob("*.html"):
            if f"{folder}/{page.stem}" not in app.env.found_docs:
                page.unlink()


def setup(app):
    app.connect("builder-inited", refuse_stale)
    app.connect("build-finished", remove_orphans)
    app.connect("env-get-outdated", changed_outputs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
