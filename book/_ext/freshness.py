"""No page may show outputs that its code would no longer give, nor anything else of yesterday.

Outputs come from the notebooks that tools/execute.py ran. This extension stops the build when one
is stale, and has Sphinx read every page again: a title, an equation's number, a style sheet or an
extension shows on more pages than its own, and a warning must stop the second build too.
"""

import sys
from pathlib import Path

from sphinx.errors import ExtensionError

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
import execute


def refuse_stale(app):
    if stale := execute.stale():
        names = ", ".join(source.name for source in stale)
        raise ExtensionError(f"outputs are out of date, run `make book`: {names}")
    execute.fill_cache()  # so that nothing runs here, whatever changed in captions and tags


def every_page(app, env, added, changed, removed):
    return sorted(env.found_docs - added - changed)


def remove_orphans(app, exception):
    """A page whose source is gone must not stay in the book."""
    if exception:
        return
    for folder in ("notebooks", "book"):
        for page in (Path(app.outdir) / folder).glob("*.html"):
            if f"{folder}/{page.stem}" not in app.env.found_docs:
                page.unlink()


def setup(app):
    app.connect("builder-inited", refuse_stale)
    app.connect("build-finished", remove_orphans)
    app.connect("env-get-outdated", every_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
