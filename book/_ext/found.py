"""What a page is in a search engine, in a preview and in a list of addresses.

Each page gets a description, its own first sentences. Where the address of the book is known
(tools/address.py), it also gets a canonical address and a picture for previews, and the book a
sitemap. Formulas in a description come from mathematics.py.
"""

import html
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import matplotlib.pyplot as plt
import numpy as np
from docutils import nodes

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
import address

from lecture_lib import PCA, plotting
from lecture_lib.datasets import load_digits

LENGTH = 200  # characters; search engines cut what is longer
CARD = "_static/card.png"


def plain(node: nodes.Node, app) -> str:
    """The text of a node, with formulas as they are read out, not as TeX."""
    if isinstance(node, nodes.math):
        mathml = re.search(r"<math.*</math>", app.typesetter.formula(node.astext(), False))[0]
        read = html.unescape(re.sub(r"<[^>]+>", "", mathml))
        return read.replace("\u2061", " ")  # “log p”, not “logp”
    if isinstance(node, nodes.Text):
        return node.astext()
    return "".join(plain(child, app) for child in node.children)


def description(doctree: nodes.document, app) -> str:
    """The first sentences of a page, as many as fit; the first one in any case."""
    text = ""
    opening = " ".join(plain(next(doctree.findall(nodes.paragraph)), app).split())
    for sentence in re.findall(r".+?[.?!](?=\s|$)", opening):
        longer = f"{text} {sentence.strip()}".strip()
        if text and len(longer) > LENGTH:
            break
        text = longer
    return text


def describe(app, pagename, templatename, context, doctree):
    name = html.escape(app.config.html_title)
    if pagename == "search":
        about = f"Search the pages of {name}."
        context["metatags"] = f'<meta name="description" content="{about}" />\n'
    if doctree is None:
        return
    title = re.sub(r"<[^>]+>", "", context["title"])  # its text is escaped already
    about = html.escape(description(doctree, app))
    tags = f'<meta name="description" content="{about}" />\n'
    tags += f'<meta property="og:title" content="{title}" />\n'
    tags += f'<meta property="og:description" content="{about}" />\n'
    tags += '<meta property="og:type" content="article" />\n'
    tags += f'<meta property="og:site_name" content="{name}" />\n'
    if site := address.site():
        tags += f'<meta property="og:url" content="{site}{pagename}.html" />\n'
        tags += f'<meta property="og:image" content="{site}{CARD}" />\n'
        tags += '<meta property="og:image:alt" content="Handwritten digits, each rebuilt from '
        tags += 'fewer and fewer numbers" />\n'
        tags += '<meta name="twitter:card" content="summary_large_image" />\n'
        tags += f'<link rel="canonical" href="{site}{pagename}.html" />\n'
    context["metatags"] = context.get("metatags", "") + tags
    if pagename == app.config.root_doc:
        app.front = tags


def draw_card(path: Path) -> None:
    """The picture of previews, 1200 by 630: digits, rebuilt from fewer and fewer numbers."""
    digits = load_digits()
    shown = digits.x_test[[np.flatnonzero(digits.y_test == digit)[0] for digit in range(10)]]
    numbers = (64, 16, 4, 1)
    pca = PCA(numbers[0]).fit(digits.x_train)
    codes = pca.transform(shown)
    rows = [shown, *(pca.inverse_transform(codes * (np.arange(numbers[0]) < n)) for n in numbers)]
    height, width = digits.image_shape
    picture = np.block([[image.reshape(height, width) for image in row] for row in rows])
    figure = plt.figure(figsize=(12, 6.3), dpi=100, facecolor="white")
    axes = figure.add_axes((0.23, 0.05, 0.75, 0.67))
    axes.imshow(1 - picture, cmap="gray", vmin=0, vmax=1, aspect="auto")
    axes.set_yticks([(row + 0.5) * height for row in range(len(rows))])
    axes.set_yticklabels(["the digit", *(f"from {n} number{'s' * (n > 1)}" for n in numbers)])
    axes.tick_params(
        left=False, bottom=False, labelbottom=False, labelsize=20, labelcolor=plotting.INK
    )
    axes.spines[:].set_visible(False)
    figure.text(
        0.03, 0.86, "Autoencoders: a book that runs", size=40, weight="bold", color=plotting.INK
    )
    figure.text(
        0.03, 0.78, "From principal component analysis to the ELBO", size=24, color=plotting.BLUE
    )
    figure.savefig(path)
    plt.close(figure)


FRONT = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="refresh" content="0; url={root}.html">
{tags}</head><body><p><a href="{root}.html">{title}</a></p></body></html>
"""


def finish(app, exception):
    """Write what stands beside the pages: the way in, and for search engines the list of all."""
    if exception or app.builder.format != "html":
        return
    out, site = Path(app.outdir), address.site()
    title = html.escape(app.config.html_title)
    front = FRONT.format(title=title, root=app.config.root_doc, tags=app.front)
    (out / "index.html").write_text(front, encoding="utf-8")
    if site is None:
        return
    draw_card(out / CARD)
    pages = "".join(
        f"<url><loc>{site}{name}.html</loc></url>\n" for name in sorted(app.env.found_docs)
    )
    (out / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n',
        encoding="utf-8",
    )
    if urlsplit(site).path == "/":  # crawlers look for it nowhere else
        rules = f"User-agent: *\nAllow: /\nSitemap: {site}sitemap.xml\n"
        (out / "robots.txt").write_text(rules, encoding="utf-8")


def setup(app):
    app.connect("html-page-context", describe)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
