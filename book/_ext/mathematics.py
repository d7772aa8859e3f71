"""Set the mathematics when the book is built, so that a page needs no script to show it.

MathJax itself does it, in a small JavaScript engine: each formula becomes an SVG picture and, for
screen readers, MathML. A page holds the shape of each letter once. A formula that MathJax cannot
read is a warning, which stops the build.
"""

import hashlib
import json
import re
from pathlib import Path

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

log = logging.getLogger(__name__)
# files of the npm package mathjax 3.2.2 as they are, its licence beside them
MATHJAX = Path(__file__).resolve().parent / "mathjax"
PARTS = (
    "core.js",
    "adaptors/liteDOM.js",
    "input/tex-base.js",
    "input/tex/extensions/ams.js",
    "input/tex/extensions/boldsymbol.js",
    "input/tex/extensions/newcommand.js",
    "input/tex/extensions/configmacros.js",
    "output/svg.js",
    "output/svg/fonts/tex.js",
    "a11y/assistive-mml.js",
)
START = """
    var {mathjax} = MathJax._.mathjax, {liteAdaptor} = MathJax._.adaptors.liteAdaptor;
    var {TeX} = MathJax._.input.tex_ts, {SVG} = MathJax._.output.svg_ts;
    var {TeXFont} = MathJax._.output.svg.fonts.tex_ts;
    var {HTMLHandler} = MathJax._.handlers.html.HTMLHandler;
    var {AssistiveMmlHandler} = MathJax._.a11y["assistive-mml"];
    var adaptor = liteAdaptor();
    mathjax.handlers.register(AssistiveMmlHandler(new HTMLHandler(adaptor)));
    var packages = ["base", "ams", "boldsymbol", "newcommand", "configmacros"];
    var page = mathjax.document("", {
        InputJax: new TeX({packages, macros}),
        OutputJax: new SVG({fontCache: "global", font: new TeXFont({})}),
    });
    function typeset(tex, display) { return adaptor.outerHTML(page.convert(tex, {display})); }
    function shapes() { return adaptor.outerHTML(page.outputJax.fontCache.getCache()); }
"""
# what a page without MathJax's own scripts can do without
NEEDLESS = re.compile(
    r" (?:data-c|data-mml-node|data-mjx-texclass|xmlns(?::xlink)?|focusable|role|class|jax|"
    r'unselectable)="[^"]*"'
)
ERROR = re.compile(r'data-mjx-error="([^"]*)"')
SHAPE = re.compile(r'<path id="(MJX-[^"]+)" d="([^"]*)">')


class Typesetter:
    """MathJax with the book's macros. What was set once is kept in a file for the next build."""

    def __init__(self, macros: dict, kept: Path):
        """Find what was set before; MathJax starts when the first new formula comes."""
        self.macros, self.kept, self.engine = macros, kept, None
        sources = [(MATHJAX / part).read_text(encoding="utf-8") for part in PARTS]
        self.scripts = [*sources, START]
        settled = json.dumps([macros, self.scripts, NEEDLESS.pattern])
        self.key = hashlib.sha256(settled.encode()).hexdigest()
        try:
            found = json.loads(kept.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # none, or half of one
            found = {}
        if found.get("key") != self.key:
            found = {"formulas": {}, "shapes": {}}
        self.formulas, self.shapes = found["formulas"], found["shapes"]

    def formula(self, tex: str, display: bool) -> str:
        """The HTML of a formula, whose letters are references to shapes.

        Raises
        ------
        ValueError
            If MathJax cannot read it.
        """
        name = f"{'display' if display else 'inline'} {tex}"
        if name not in self.formulas:
            if self.engine is None:
                self.engine = MiniRacer()
                self.engine.eval(f"var global = globalThis, macros = {json.dumps(self.macros)}; 0")
                for script in self.scripts:
                    self.engine.eval(script + "; 0")
            html = self.engine.call("typeset", tex, display)
            if error := ERROR.search(html):
                raise ValueError(f"expected TeX that MathJax can read; got {tex!r}: {error[1]}")
            self.formulas[name] = NEEDLESS.sub("", html).replace("xlink:href", "href")
        return self.formulas[name]

    def shapes_in(self, html: str) -> str:
        """The shapes that a page needs, each once."""
        names = sorted(set(re.findall(r'href="#(MJX-[^"]+)"', html)))
        if not names:
            return ""
        if not self.shapes.keys() >= set(names):
            self.gather()
        paths = "".join(f'<path id="{name}" d="{self.shapes[name]}"/>' for name in names)
        return f'<svg class="math-shapes" aria-hidden="true"><defs>{paths}</defs></svg>'

    def gather(self) -> None:
        """Take over the shapes of all letters that MathJax has used."""
        if self.engine:
            self.shapes |= SHAPE.findall(self.engine.call("shapes"))

    def keep(self) -> None:
        """Write what was set to the file."""
        self.gather()
        kept = {"key": self.key, "formulas": self.formulas, "shapes": self.shapes}
        self.kept.write_text(json.dumps(kept), encoding="utf-8")


def start(app):
    app.typesetter = Typesetter(
        app.config.mathjax3_config["tex"]["macros"], Path(app.srcdir) / "_build" / "formulas.json"
    )


def set_formula(translator, node, display: bool) -> str:
    tex = node.astext()
    if display and r"\\" in tex:  # several lines
        tex = rf"\begin{{split}}{tex}\end{{split}}"
    try:
        return translator.builder.app.typesetter.formula(tex, display)
    except ValueError as error:
        log.warning(str(error), location=node)
        return ""


def visit_inline(translator, node):
    html = set_formula(translator, node, display=False)
    translator.body.append(translator.starttag(node, "span", "", CLASS="math") + html + "</span>")
    raise nodes.SkipNode


def visit_display(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(set_formula(translator, node, display=True) + "</div>\n")
    raise nodes.SkipNode


def add_shapes(app, pagename, templatename, context, doctree):
    if "body" in context:
        shapes = app.typesetter.shapes_in(context["body"] + context.get("toc", ""))
        context["body"] = shapes + context["body"]


def keep(app, exception):
    app.typesetter.keep()


def setup(app):
    app.add_html_math_renderer("mathjax-at-build", (visit_inline, None), (visit_display, None))
    app.connect("builder-inited", start)
    app.connect("html-page-context", add_shapes)
    app.connect("build-finished", keep)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
