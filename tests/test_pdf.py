"""The book on paper: the parts that LaTeX gets, and the numbers in print where one was made."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import paper
import pdf
import pytest
import yaml
from docutils import nodes
from docutils.utils import new_document
from test_book import NOTEBOOKS, soup_of

ROOT = Path(__file__).parent.parent
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
MACROS = CONFIG["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]


def test_each_macro_of_the_pages_is_one_of_the_print():
    preamble = paper.macros(MACROS)
    for name in MACROS:
        assert rf"\protected\def\{name}" in preamble
    assert r"\protected\def\KL#1#2{\ifmmode D_{\mathrm{KL}}" in preamble
    assert preamble.count("{") == preamble.count("}")


def run(transform, *content):
    document = new_document("book")
    document += content
    transform(document, startnode=None).run()
    return document


def test_closed_code_is_left_out_and_open_code_kept():
    def cell(*classes):
        code = nodes.container("", nodes.literal_block("", "x = 1"), classes=["cell_input"])
        output = nodes.container("", nodes.literal_block("", "1"), classes=["cell_output"])
        return nodes.container("", code, output, classes=["cell", *classes])

    document = run(paper.ClosedCells, cell("tag_hide-input"), cell())
    assert [block.astext() for block in document.findall(nodes.literal_block)] == [
        "1",
        "x = 1",
        "1",
    ]


def test_a_live_figure_becomes_its_picture():
    path = ROOT / "_build" / "executed" / "11-2-2-two-views.ipynb"
    assert path.exists(), f"{path} is missing: run `make book` first"
    slots = [
        output.data["text/html"]
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    assert slots
    document = run(paper.Stills, *(nodes.raw("", slot, format="html") for slot in slots))
    pictures = list(document.findall(nodes.image))
    assert len(pictures) == len(slots)
    assert all(picture["uri"].startswith("data:image/png;base64,") for picture in pictures)


def test_a_formula_in_a_table_counts_what_it_shows():
    assert paper.letters(nodes.entry("", nodes.paragraph("", r"\mathbf{x}"))) == 2
    assert paper.letters(nodes.entry("", nodes.paragraph("", "inverse"))) == 7


def test_faults_of_a_log_are_found_and_trifles_are_not():
    log = (
        "Missing character: There is no ⊤ (U+22A4) in font X!\n"
        "Overfull \\hbox (186.4pt too wide) in alignment at lines 1--2\n"
        "Overfull \\hbox (3.1pt too wide) in paragraph at lines 3--4\n"
        "LaTeX Warning: Reference `eq-elbo' on page 3 undefined on input line 9.\n"
    )
    found = "\n".join(pdf.faults(log))
    assert re.findall(r"Missing|186\.4|eq-elbo|3\.1pt", found) == ["eq-elbo", "Missing", "186.4"]
    assert pdf.faults("Output written on autoencoders.pdf (470 pages).") == []


def test_what_is_missing_is_said_and_nothing_done(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "latex_packages.py"],
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "not found: lualatex, latexmk, rsvg-convert" in done.stderr
    packages = re.search(r"--no-install-recommends (.*)", done.stderr).group(1).split()
    listed = subprocess.run(
        [sys.executable, ROOT / "tools" / "latex_packages.py", "--list"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split() == packages


def test_equations_and_figures_have_the_numbers_of_the_pages():
    aux = pdf.LATEX / "autoencoders.aux"
    if not aux.exists():
        pytest.skip("no print has been made: run `make pdf`")
    labels = dict(re.findall(r"\\newlabel\{([^@]*?)\}\{\{([^{}]*)\}", aux.read_text("utf-8")))
    labels = {re.sub(r"\\detokenize *|[{}]", "", name): number for name, number in labels.items()}
    compared = 0
    for page in NOTEBOOKS:
        for number in soup_of(page).select("article .eqno"):
            name = number.find("a")["href"].removeprefix("#equation-")
            assert labels[f"equation:{page}:{name}"] == number.get_text().strip("()#")
            compared += 1
        for figure in soup_of(page).select("article figure[id]"):
            number = figure.select_one(".caption-number").get_text().split()[1]
            assert labels[f"{page}:{figure['id']}"] == number
            compared += 1
    assert compared > 200
