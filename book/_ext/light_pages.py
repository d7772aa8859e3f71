"""Make the finished pages light: what a page shows first comes first, and little else comes at all.

The stock theme sends 1.5 MB of icons and a style sheet for pages of every kind, and widgets and
pictures stand in the middle of the text. After the pages are written, this extension

- makes one style sheet of all, without the rules that no page of the book uses;
- lets no script hold up a page, takes out the script of icons (book.css draws the few) and, but on
  the page of results, those of the search, and keeps the theme from measuring every box;
- chooses between light and dark before anything is drawn, where the theme, on a first visit, draws
  in light and then changes every colour;
- puts the larger pictures and the data of live figures into files of their own, which a browser
  fetches when the reader comes near them.

All of it works from a folder on disk too: a page at file:// may load a script, but fetch nothing.
Every page must be written anew in each build, as freshness.py has it.
"""

import base64
import hashlib
import io
import re
from pathlib import Path

import tinycss2
from PIL import Image
from sphinx.errors import ExtensionError

MADE = {"sheet": "all-{}.css", "state": "live-{}.js", "picture": "picture-{}.webp"}
SMALL = 3000  # bytes: a smaller picture costs less in the page than a request would
# a line of the theme that wants the script before it, which no longer holds up the page
OPTION = re.compile(r"<script>(?=[^<]*DOCUMENTATION_OPTIONS)")
STATE_TYPE = "application/vnd.jupyter.widget-state"
STATE = re.compile(
    r'<script type="application/vnd\.jupyter\.widget-state\+json">(.*?)</script>', re.DOTALL
)
PICTURE = re.compile(r'\b(href|src)="data:image/png;base64,([^"]+)"')
# an upright picture in a drawing; only an HTML picture can wait for the reader
UPRIGHT = re.compile(r'<image xlink:href="(?P<file>[^":]+)" (?P<place>x="[^>]*")/>')
WAITING = r'<foreignObject \g<place>><img src="\g<file>" alt="" loading="lazy"></foreignObject>'
# only the page of results searches; every search box leads there
SEARCH = re.compile(r"\s*<script [^>]*(?:searchtools|language_data|searchindex)\.js[^>]*></script>")
SHEET = re.compile(r'\s*<link [^>]*href="([^"?]+\.css)[^"]*"[^>]*/>')
ICONS = re.compile(r"\s*<script [^>]*scripts/fontawesome\.js[^>]*></script>")
HINT = re.compile(r'\s*<link rel="preload" as="script"[^>]*/>')
EAGER = re.compile(r"<script (?=(?:[^>]*\s)?src=)(?![^>]*\b(?:defer|async)\b)")
MEASURING = re.compile(r"\.forEach\(e=>\{e\.tabIndex=e\.scrollWidth>[^}]*\}\)")
THEME = re.compile(
    r'(document\.documentElement\.dataset\.theme = )localStorage\.getItem\("theme"\)[^;]*;'
)
CHOSEN = (
    r'\1(mode => mode !== "auto" ? mode : matchMedia("(prefers-color-scheme: dark)").matches '
    r'? "dark" : "light")(document.documentElement.dataset.mode);'
)
# a class that Bootstrap puts together while the reader looks, for the arrow of a tooltip
COMPOSED = {"bs-tooltip-auto"}
NAME = re.compile(r"-?[A-Za-z_][\w-]*")


# style sheets


def used_names(out: Path) -> set[str]:
    """Every word in the pages and scripts that could be a class or an id."""
    files = [*out.rglob("*.html"), *(out / "_static").rglob("*.js")]
    return COMPOSED | {
        name for path in files for name in NAME.findall(path.read_text(encoding="utf-8"))
    }


def is_used(selector: str, names: set[str]) -> bool:
    """Whether all classes and ids in one selector occur anywhere."""
    # these may hold what is not there, or what only looks like a class
    outside = re.sub(r":(?:not|where|is)\([^)]*\)|\[[^]]*\]", "", selector)
    wanted = re.findall(r"[.#]((?:\\.|[\w-])+)", outside)
    return all(name.replace("\\", "") in names for name in wanted)


def sheet(path: Path, names: set[str]) -> str:
    """The rules of a style sheet that apply to anything, with what it imports."""
    text = path.read_text(encoding="utf-8")
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    imports = [rule for rule in rules if rule.type == "at-rule" and rule.at_keyword == "import"]
    imported = [
        token.value for rule in imports for token in rule.prelude if token.type in ("string", "url")
    ]
    rest = [rule for rule in rules if rule not in imports]
    return "".join(sheet(path.parent / name, names) for name in imported) + lean(rest, names)


def lean(rules: list, names: set[str]) -> str:
    """The rules that apply to anything, written out."""
    text = ""
    for rule in rules:
        if rule.type == "qualified-rule":
            parts = tinycss2.serialize(rule.prelude).strip()
            kept = [part for part in split_selectors(parts) if is_used(part, names)]
            if kept:
                text += f"{','.join(kept)}{{{tinycss2.serialize(rule.content).strip()}}}\n"
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "container"):
            inner = lean(
                tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True),
                names,
            )
            if inner:
                condition = tinycss2.serialize(rule.prelude).strip()
                text += f"@{rule.at_keyword} {condition}{{{inner}}}\n"
        elif rule.type == "at-rule" and rule.lower_at_keyword != "charset":
            whole = rule.serialize()
            if "fontawesome" not in whole:  # the fonts of the icons, which nothing uses
                text += whole + "\n"
        elif rule.type == "error":
            raise ValueError(f"a style sheet cannot be read at line {rule.source_line}")
    return text


def split_selectors(text: str) -> list[str]:
    """``a:is(b, c), d`` as ``a:is(b, c)`` and ``d``."""
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def one_sheet(pages: dict[Path, str], out: Path, names: set[str]) -> str:
    """Join the style sheets of all pages, in their order; return the name of the new one."""
    links = {
        (page.parent / match[1]).resolve(): 'media="print"' in match[0]
        for page, html in pages.items()
        for match in SHEET.finditer(html)
    }
    text = "".join(
        f"@media print{{{sheet(path, names)}}}\n" if on_paper else sheet(path, names)
        for path, on_paper in links.items()
    )
    return put(text.encode(), out, "sheet")


# pages


def put(content: bytes, out: Path, kind: str) -> str:
    """Write a file that pages share, under a name that changes with its content."""
    path = out / "_static" / MADE[kind].format(hashlib.sha256(content).hexdigest()[:16])
    path.write_bytes(content)
    return path.name


def repacked(png: bytes) -> bytes:
    """The same pixels in a smaller file: matplotlib writes four channels even for grey."""
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).save(file, "webp", lossless=True, quality=60)
    return file.getvalue()


def lighten(html: str, out: Path, static: str) -> str:
    """One page, with its data and pictures in files of their own."""

    def picture(match: re.Match) -> str:
        attribute, data = match.groups()
        packed = repacked(base64.b64decode(data))
        if len(packed) < SMALL:
            return f'{attribute}="data:image/webp;base64,{base64.b64encode(packed).decode()}"'
        return f'{attribute}="{static}{put(packed, out, "picture")}"'

    def state(match: re.Match) -> str:
        name = put(f"liveState({match[1]});\n".encode(), out, "state")
        return f'<script type="{STATE_TYPE}" data-src="{static}{name}"></script>'

    html = STATE.sub(state, html)
    html = UPRIGHT.sub(WAITING, PICTURE.sub(picture, html))
    html = HINT.sub("", ICONS.sub("", html))
    html = OPTION.sub('<script type="module">', html)
    html = THEME.sub(CHOSEN, html)
    return EAGER.sub("<script defer ", html)


def with_one_sheet(html: str, link: str) -> str:
    """The page with one style sheet where the first of many stood."""
    start = SHEET.search(html).start()
    one = f'\n<link rel="stylesheet" href="{link}" />'
    return html[:start] + one + SHEET.sub("", html[start:])


def without_measuring(out: Path) -> None:
    """Stop the theme's script from asking for the size of every box that might scroll.

    That lays out the whole page before the reader can use it; a11y.js is told the sizes instead.
    """
    script = out / "_static" / "scripts" / "pydata-sphinx-theme.js"
    text, changed = MEASURING.subn("", script.read_text(encoding="utf-8"))
    if changed != 1:
        raise ExtensionError(
            "the theme's script is not the one that light_pages.py knows: see scrollWidth in it"
        )
    script.write_text(text, encoding="utf-8")


def lighten_all(app, exception):
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for made in MADE.values():
        for old in (out / "_static").glob(made.format("*")):
            old.unlink()
    paths = [out / f"{name}.html" for name in [*app.env.found_docs, "search"]]
    pages = {path: path.read_text(encoding="utf-8") for path in paths}
    if not all(THEME.search(html) for html in pages.values()):
        raise ExtensionError(
            "the theme's first script is not the one that light_pages.py knows: see dataset.theme"
        )
    link = one_sheet(pages, out, used_names(out))
    without_measuring(out)
    for path, html in pages.items():
        static = "../" * (len(path.relative_to(out).parts) - 1) + "_static/"
        html = with_one_sheet(lighten(html, out, static), static + link)
        if path.stem != "search":
            html = SEARCH.sub("", html)
        path.write_text(html, encoding="utf-8")


def setup(app):
    app.connect("build-finished", lighten_all, priority=900)  # after the theme's own last steps
    return {"parallel_read_safe": True, "parallel_write_safe": True}
