"""Small repairs of the stock theme, and the book's own style sheet."""

import sys
from pathlib import Path

from docutils import nodes

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
from plain_markdown import true_minus


def wanted_scripts(app, pagename, templatename, context, doctree):
    """Keep each script once, where it belongs.

    Jupyter Book puts every script under html_static_path on every page. And sphinx_thebe is always
    on in Jupyter Book 1: it fetches from a CDN and declares one constant twice, which stops the
    script.
    """
    kept, names = [], set()
    for script in context["script_files"]:
        name = str(script.filename or "").partition("?")[0]
        attributes = getattr(script, "attributes", {})
        if "thebe" in name or "THEBE_JS_URL" in (attributes.get("body") or ""):
            continue
        if name.endswith("live.js") and "vnd.jupyter.widget-view" not in context.get("body", ""):
            continue
        if name and name in names:
            continue
        names.add(name)
        kept.append(script)
    context["script_files"] = kept


def allowed_roles(app, pagename, templatename, context, doctree):
    """Docutils marks the entries of a list of citations with a role that ARIA has withdrawn."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def search_without_fetching(app, pagename, templatename, context, doctree):
    """A page opened by double-click may not read other files, from which results take a summary."""
    if pagename == "search":
        opened_as_file = 'location.protocol === "file:"'
        app.add_js_file(
            None, body=f"if ({opened_as_file}) DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;"
        )


def minus_signs(app, doctree, docname):
    """Write each number that is pasted into a sentence with a true minus sign."""
    for pasted in list(doctree.findall(nodes.inline)):
        if "pasted-text" not in pasted["classes"]:
            continue
        for text in list(pasted.findall(nodes.Text)):
            text.parent.replace(text, nodes.Text(true_minus(text.astext())))


def setup(app):
    app.connect("doctree-resolved", minus_signs)
    app.connect("html-page-context", search_without_fetching)
    app.connect("html-page-context", wanted_scripts, priority=900)
    app.connect("html-page-context", allowed_roles)
    app.add_css_file("book.css")
    app.add_js_file("a11y.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
