"""The book on paper: the style sheet for printing a page, and what `make pdf` needs.

Sphinx writes the LaTeX. Here its pieces are put in the order of a printed book, figures become
files that LaTeX can place, and what only a screen can show gives way to what paper can. The look is
in paper.tex.
"""

import re
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.transforms.post_transforms.images import ImageConverter

LOOK = Path(__file__).with_suffix(".tex")


def macros(definitions: dict) -> str:
    r"""MathJax's macros as LaTeX ones.

    Some names mean something in text, such as `\v` for a caron. There they keep their meaning.
    """
    lines = []
    for name, value in definitions.items():
        body, arguments = (value, 0) if isinstance(value, str) else value
        lines.append(
            rf"\expandafter\let\csname text-{name}\expandafter\endcsname\csname {name}\endcsname"
            "\n"
            rf"\protected\def\{name}{''.join(f'#{i + 1}' for i in range(arguments))}"
            rf"{{\ifmmode {body}\else\csname text-{name}\endcsname\fi}}"
        )
    return "\n".join(lines)


def configure(app, config):
    """Say how LaTeX is written. Whatever a page in a browser shares stays in _config.yml."""
    look = LOOK.read_text(encoding="utf-8")
    fonts, title_page, rest = (part.strip() for part in re.split(r"^%%%.*\n", look, flags=re.M)[1:])
    config.latex_engine = "lualatex"
    config.latex_documents = [
        (config.master_doc, "autoencoders.tex", config.html_title, config.author, "manual")
    ]
    config.latex_toplevel_sectioning = "part"
    config.latex_domain_indices = False
    config.latex_show_urls = "no"
    config.latex_elements = {
        "papersize": "a4paper",
        "pointsize": "11pt",
        "extraclassoptions": "openany,oneside",
        "sphinxsetup": "hmargin=22mm, vmargin={24mm,26mm}, verbatimforcewraps",
        "fontpkg": fonts,
        "fvset": r"\fvset{fontsize=\small}",
        "fncychap": "",
        "maketitle": title_page,
        "makeindex": "",
        "printindex": "",
        "preamble": rest + "\n" + macros(config.mathjax3_config["tex"]["macros"]),
        "secnumdepth": r"\setcounter{secnumdepth}{-2}",  # the titles carry the lecture's numbers
        "tocdepth": r"\setcounter{tocdepth}{0}",
    }
    # for each form of output the smallest number wins
    config.nb_mime_priority_overrides = [
        ["latex", "application/vnd.jupyter.widget-view+json", 1],
        ["latex", "text/html", 2],
        ["latex", "image/svg+xml", 3],
    ]


class ForLatex(SphinxPostTransform):
    """A change that is made when the whole book has become one document for LaTeX."""

    builders = ("latex",)


class BookOrder(ForLatex):
    """Make the first page a preface, and each part of the table of contents a part of the book."""

    default_priority = 20  # before references are resolved, which then see the final order

    def run(self):
        top = next(self.document.findall(nodes.section))
        title = next(child for child in top if isinstance(child, nodes.title))
        preface, parts = [], []
        for child in [child for child in top if child is not title]:
            wrappers = [
                c for c in child.findall(nodes.compound) if "toctree-wrapper" in c["classes"]
            ]
            for wrapper in wrappers:
                wrapper.parent.remove(wrapper)
                parts.append(wrapper)
            if child not in wrappers:
                preface.append(child)
        top.children = [title]
        top += nodes.raw("", r"\preface{" + title.astext() + "}", format="latex")
        for child in preface:
            if isinstance(child, nodes.section):
                heading = child.pop(0).astext()
                top += nodes.raw("", rf"\section*{{{heading}}}", format="latex")
                top.extend(child.children)
            else:
                top += child
        captions = [part.caption for part in self.app.config.external_site_map.root.subtrees]
        for caption, wrapper in zip(captions, parts, strict=True):
            top += nodes.section(
                "", nodes.title("", caption), wrapper, ids=[nodes.make_id(caption)]
            )


class ClosedCells(ForLatex):
    """Leave out the code that a page shows only when asked: it draws the figures."""

    default_priority = 30

    def run(self):
        for cell in list(self.document.findall(nodes.container)):
            if "tag_hide-input" in cell["classes"]:
                for code in list(cell.findall(nodes.container)):
                    if "cell_input" in code["classes"]:
                        code.parent.remove(code)


class Stills(ForLatex):
    """Put the still picture of a live figure in its place."""

    default_priority = 40  # before Sphinx writes pictures in data: addresses to files

    def run(self):
        for html in list(self.document.findall(nodes.raw)):
            if html["format"] == "html" and 'class="live-still"' in html.astext():
                source = re.search(r'src="(data:[^"]+)"', html.astext()).group(1)
                picture = nodes.image(uri=source, candidates={"?": source}, align="center")
                html.replace_self(picture)


class WidthsOfLongTables(ForLatex):
    """Give each column of a long table room for its longest cell, and less than in proportion.

    LaTeX breaks no line in a table of more than a page, unless its columns have widths.
    """

    default_priority = 40

    def run(self):
        for table in self.document.findall(nodes.table):
            rows = list(table.findall(nodes.row))
            if len(rows) > 30:
                columns = zip(*([letters(cell) for cell in row] for row in rows), strict=True)
                specs = table.findall(nodes.colspec)
                for spec, column in zip(specs, columns, strict=True):
                    spec["colwidth"] = round(max(column) ** 0.7)
                table["classes"].append("colwidths-given")


def letters(cell: nodes.Element) -> int:
    """How many letters a cell of a table shows, where a command of a formula is one."""
    return len(re.sub(r"[{}^_]", "", re.sub(r"\\[a-z]+", "x", cell.astext(), flags=re.I)))


class SvgToPdf(ImageConverter):
    """Convert drawings, whose text stays text, with librsvg."""

    conversion_rules = [("image/svg+xml", "application/pdf")]  # noqa: RUF012, as Sphinx has it

    def is_available(self):
        return True  # tools/latex_packages.py has looked for it

    def convert(self, _from, _to):
        subprocess.run(["rsvg-convert", "--format=pdf", "--output", _to, _from], check=True)
        return True


def setup(app):
    app.add_css_file("print.css", media="print")
    app.connect("config-inited", configure, priority=900)  # after the table of contents is read
    app.add_post_transform(BookOrder)
    app.add_post_transform(ClosedCells)
    app.add_post_transform(Stills)
    app.add_post_transform(WidthsOfLongTables)
    app.add_post_transform(SvgToPdf)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
