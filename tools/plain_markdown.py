"""The book's Markdown, written so that any notebook program can show it.

The pages are MyST: roles such as ``{doc}``, labels of equations, boxes, TeX macros from the
configuration. A notebook program knows none of these. Here each becomes plain Markdown and plain
TeX, with the numbers that the book shows.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml
from equations import LABELLED, ROOT, book_order, equations, title_of

REFERENCES = ROOT / "book" / "references.bib"
# of a TeX macro; braces inside it may nest twice
ARGUMENT = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
ROLE = re.compile(r"\{(?P<name>[a-z:]+)\}`(?P<text>[^`]+)`")
TITLED = re.compile(r"(?P<title>.+?)\s*<(?P<target>[^<>]+)>", re.DOTALL)
BOX = re.compile(
    r"^:::\{(?P<kind>note|admonition)\}(?P<title>.*)\n(?P<options>(?::.*\n)*)(?P<text>(?s:.*?))\n:::$",
    re.MULTILINE,
)
# of a code cell, or a figure of the first page, which has a number but no name of its own
FIGURE = re.compile(r"^  figure:\n    name: (?P<name>\S+)$|^```\{borrowed-figure\}", re.MULTILINE)
MATHS = re.compile(r"\$\$.+?\$\$|\$[^$]+\$", re.DOTALL)
LEFT_OVER = re.compile(
    r"\{[a-z:-]+\}`|^:::.*|^\([\w-]+\)=|^\$\$ \(.*|^```\{.*|\{\{.*|\]\([^)]*\.md\b.*", re.MULTILINE
)
ACCENTS = {"'": "\u0301", "`": "\u0300", '"': "\u0308", "^": "\u0302", "~": "\u0303", "c": "\u0327"}


# ── TeX ───────────────────────────────────────────────────────────────────────────────────────────


@cache
def macros() -> dict[str, str | list]:
    """The TeX macros that the book's own pages may use, from its configuration."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return config["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]


def expanded(markdown: str) -> str:
    """The text with the book's TeX macros written out, which a notebook does not know."""
    for name, meaning in macros().items():
        if isinstance(meaning, str):
            markdown = re.sub(rf"\\{name}(?![A-Za-z])", lambda _, m=meaning: m, markdown)
        else:
            template, n_arguments = meaning
            pattern = rf"\\{name}(?![A-Za-z])" + ARGUMENT * n_arguments

            def fill(match: re.Match, template: str = template) -> str:
                return re.sub(r"#(\d)", lambda place: match[int(place[1])], template)

            markdown = re.sub(pattern, fill, markdown)
    return markdown


# ── references ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Reference:
    """A work that is cited: who, when, and where to read it."""

    authors: str
    year: str
    address: str | None


@cache
def references() -> dict[str, Reference]:
    """The entries of the bibliography, by their keys."""
    found = {}
    for entry in re.split(r"^@\w+", REFERENCES.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        key = re.match(r"\{([^,]+),", entry)[1]
        fields = dict(re.findall(rf"(\w+) = {ARGUMENT}", entry))
        doi = fields.get("doi")
        address = f"https://doi.org/{doi}" if doi else fields.get("url")
        year = fields.get("year", "no date")
        found[key] = Reference(short(fields["author"]), year, address)
    return found


def short(authors: str) -> str:
    """The authors of a work as the text names them: one, two, or the first of many."""
    names = [unaccented_tex(name.partition(",")[0]) for name in authors.split(" and ")]
    return " and ".join(names) if len(names) < 3 else f"{names[0]} et al."


def unaccented_tex(name: str) -> str:
    r"""A name without TeX: ``A{\"a}ron`` as Aäron."""
    accent = "|".join(re.escape(sign) for sign in ACCENTS)
    name = re.sub(rf"\{{\\({accent})(\w)\}}", lambda m: m[2] + ACCENTS[m[1]], name)
    return unicodedata.normalize("NFC", re.sub(r"[{}]", "", name)).strip()


# ── numbers that the book gives ───────────────────────────────────────────────────────────────────


@cache
def numbered() -> dict[str, tuple[int, Path]]:
    """The number and the page of each labelled equation and each figure, by its name."""
    pages = sorted((ROOT / "notebooks").glob("*.md"), key=book_order)
    figures = [
        (found["name"], page)
        for page in [ROOT / "book" / "index.md", *pages]
        for found in FIGURE.finditer(page.read_text(encoding="utf-8"))
    ]
    return {
        equation.label: (number, equation.page)
        for number, equation in enumerate(equations(), start=1)
    } | {name: (number, page) for number, (name, page) in enumerate(figures, start=1)}


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Page:
    """A page of the book that is being turned into a notebook."""

    source: Path
    site: str | None = None  # where the book is published
    glued: dict[str, object] = field(default_factory=dict)  # what its cells have found, by name

    def link(self, text: str, target: Path, anchor: str = "") -> str:
        """A link to another page: published, or else the notebook beside this one."""
        if self.site:
            page = target.relative_to(ROOT).with_suffix(".html").as_posix()
            return f"[{text}]({self.site}{page}{anchor and '#'}{anchor})"
        if target.parent.name == "notebooks" or target.stem.startswith("exercises-"):
            return f"[{text}]({target.stem}.ipynb)"
        return f"“{text}” (in the book)"  # a page that runs no code

    def plain(self, markdown: str) -> str:
        """The text of a cell as plain Markdown."""
        roles: dict[str, Callable[[str], str]] = {
            "doc": self._doc,
            "eq": self._equation,
            "numref": self._figure,
            "cite:p": self._cite,
            "cite:t": self._cite_in_text,
            "glue:text": self._pasted,
        }

        def role(match: re.Match) -> str:
            if match["name"] not in roles:
                return match[0]  # refused below
            try:
                return roles[match["name"]](" ".join(match["text"].split()))
            except (KeyError, FileNotFoundError) as error:
                raise ValueError(
                    f"{self.source.name}: expected the name of something in the book; "
                    f"got {match[0]!r}, which names nothing: correct it"
                ) from error

        plain = LABELLED.sub(self._tagged, markdown)
        plain = ROLE.sub(role, plain)
        plain = BOX.sub(quoted, plain)
        if left := LEFT_OVER.search(plain):
            raise ValueError(
                f"{self.source.name}: expected Markdown, TeX, labelled equations, notes and the "
                f"roles {', '.join(roles)}; got {left[0]!r}, which a notebook cannot show: write "
                "it in another way, or teach tools/plain_markdown.py what it is there"
            )
        plain = expanded(plain)
        if left := re.search(rf"\\(?:{'|'.join(macros())})(?![A-Za-z])", plain):
            raise ValueError(
                f"{self.source.name}: expected a macro with its arguments in braces, which nest "
                f"twice at most; got {plain[left.start() : left.start() + 40]!r}: write it out"
            )
        return plain

    def _tagged(self, equation: re.Match) -> str:
        number, _ = numbered()[equation["label"]]
        return f"$$\n{equation['formula'].strip()}\n\\tag{{{number}}}\n$$"

    def _doc(self, text: str) -> str:
        titled = TITLED.fullmatch(text)
        target = (self.source.parent / f"{titled['target'] if titled else text}.md").resolve()
        return self.link(titled["title"] if titled else title_of(target), target)

    def _equation(self, label: str) -> str:
        number, page = numbered()[label]
        if page == self.source:
            return f"({number})"
        return self.link(f"({number})", page, f"equation-{label}")

    def _figure(self, name: str) -> str:
        number, page = numbered()[name]
        text = f"Fig. {number}"
        return text if page == self.source else self.link(text, page, name)

    def _cite(self, keys: str) -> str:
        works = [references()[key.strip()] for key in keys.split(",")]
        texts = [(f"{work.authors}, {work.year}", work.address) for work in works]
        return f"({', '.join(linked(*text) for text in texts)})"

    def _cite_in_text(self, key: str) -> str:
        work = references()[key]
        return f"{work.authors} ({linked(work.year, work.address)})"

    def _pasted(self, text: str) -> str:
        name, _, style = text.partition(":")
        if name not in self.glued:
            return f"`{name}`"
        return true_minus(f"{self.glued[name]:{style}}")


def true_minus(number: str) -> str:
    """A number as a sentence writes it: with a minus sign, as formulas do, not a hyphen."""
    return re.sub(r"^-(?=[\d.])", "−", number)


def linked(text: str, address: str | None) -> str:
    """A link, where there is somewhere to go."""
    return f"[{text}]({address})" if address else text


def quoted(box: re.Match) -> str:
    """A note or another box as a block quote.

    Formulas get a line each: their lines are taken as they stand, with the mark of the quote in it.
    """
    title = box["title"].strip() or box["kind"].capitalize()
    text = MATHS.sub(lambda formula: " ".join(formula[0].split()), box["text"].strip())
    return "\n".join(f"> {line}".rstrip() for line in [f"**{title}**", "", *text.splitlines()])
