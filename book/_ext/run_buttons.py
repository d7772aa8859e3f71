"""Above each page that runs code: where to run it, and its notebook to take away.

Binder and Colab need to know where the project is published (tools/address.py). Without that they
are left out. The notebook is always there, beside the page, and can be saved with no network. Where
the address is known, the foot of each page leads to the source and to the book in one file.
"""

import shutil
import sys
from pathlib import Path

from sphinx.errors import ExtensionError

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
from address import repository
from write_exercises import NOTEBOOKS


def services(stem, published):
    """The links to places that run a notebook, as the theme describes its buttons."""
    return [
        {
            "type": "link",
            "url": url,
            "text": f'<span class="run-on">Run on </span>{name}',
            "tooltip": tooltip,
            "label": "run-on-service",
        }
        for name, url, tooltip in [
            (
                "Binder",
                published.binder(stem),
                "Opens this page as a notebook on mybinder.org. No account is needed; it takes a "
                "minute or more to start",
            ),
            (
                "Colab",
                published.colab(stem),
                "Opens this page as a notebook in Google Colab, which asks for a Google account",
            ),
        ]
    ]


def add_buttons(app, pagename, templatename, context, doctree):
    """Put the links before the theme's buttons, and the notebook in place of the page's source."""
    published = repository()
    if published:
        context["theme_extra_footer"] += (
            f'<p><a href="{published.url}">The source of this book, on GitHub</a></p>'
            f'<p><a href="{published.site}autoencoders-html.zip">All pages in one file</a>, '
            "to read without a network</p>"
        )
    stem = Path(pagename).name
    notebook = NOTEBOOKS / f"{stem}.ipynb"
    if not notebook.exists():
        if pagename.startswith("notebooks/"):
            raise ExtensionError(f"{stem} has no notebook to take away: run `make book`")
        return
    page = Path(app.outdir) / pagename
    page.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(notebook, page.with_name(notebook.name))
    for group in context["header_buttons"]:
        for button in group.get("buttons", []):
            if button["label"] == "download-source-button":
                button |= {
                    "url": notebook.name,
                    "text": "Notebook (.ipynb)",
                    "tooltip": "Download this page as a notebook",
                    "label": "download-notebook-button",
                }
            elif button["label"] == "download-pdf-button":
                button["text"] = "Print, or save as PDF"
    if published:
        context["header_buttons"][:0] = services(stem, published)


def remove_yesterdays(app):
    """A notebook whose page is gone must not stay in the book."""
    for folder in ("notebooks", "book"):
        for notebook in (Path(app.outdir) / folder).glob("*.ipynb"):
            notebook.unlink()


def setup(app):
    app.connect("builder-inited", remove_yesterdays)
    # after the theme has made its buttons
    app.connect("html-page-context", add_buttons, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
