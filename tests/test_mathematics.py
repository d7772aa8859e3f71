"""Formulas become pictures when the book is built, and one that MathJax cannot read is refused."""

import json
import re
import subprocess
import sys

import mathematics
import pytest
import yaml
from bs4 import BeautifulSoup
from mathematics import Typesetter
from plain_markdown import macros


@pytest.fixture(scope="module")
def typesetter(tmp_path_factory):
    return Typesetter(macros(), tmp_path_factory.mktemp("kept") / "formulas.json")


def mathml(html):
    return BeautifulSoup(html, "html.parser").find("math")


def test_a_formula_is_drawn_for_the_eye_and_written_for_the_ear(typesetter):
    html = typesetter.formula(r"\log p(\x) \ge -\KL{q}{p}", False)
    drawn = BeautifulSoup(html, "html.parser").svg
    assert drawn["aria-hidden"] == "true"
    read = mathml(html).get_text()
    assert read.replace("\u2061", "") == "logp(x)≥−DKL(q‖p)"
    assert len(drawn.find_all("use")) == len(read)  # one shape for each character


def test_macros_of_the_book_mean_what_they_stand_for(typesetter):
    assert typesetter.formula(r"\x", False) == typesetter.formula(r"\mathbf{x}", False)


def test_each_shape_is_in_the_page_once(typesetter):
    page = typesetter.formula("x + x", False) + typesetter.formula("x = y", False)
    shapes = typesetter.shapes_in(page)
    names = re.findall(r'id="([^"]+)"', shapes)
    assert len(names) == len(set(names)) == 4  # x, plus, equals, y
    assert set(re.findall(r'href="#([^"]+)"', page)) == set(names)
    assert typesetter.shapes_in("no mathematics") == ""


@pytest.mark.parametrize("wrong", [r"\frac{1", r"\unknown", r"x^2^3", r"\begin{split} x"])
def test_what_mathjax_cannot_read_is_refused_and_shown(typesetter, wrong):
    with pytest.raises(ValueError, match="expected TeX that MathJax can read") as refused:
        typesetter.formula(wrong, True)
    assert repr(wrong) in str(refused.value)


def test_what_was_set_once_is_not_set_again(typesetter, monkeypatch):
    html = typesetter.formula("a^2", True)
    typesetter.keep()

    def no_engine():
        raise AssertionError("MathJax was started")

    monkeypatch.setattr(mathematics, "MiniRacer", no_engine)
    again = Typesetter(macros(), typesetter.kept)
    assert again.formula("a^2", True) == html
    assert again.shapes_in(html) == typesetter.shapes_in(html)
    with pytest.raises(AssertionError, match="was started"):
        again.formula("a^2", False)


def test_another_macro_forgets_what_was_set(tmp_path):
    first = Typesetter({"a": "x"}, tmp_path / "kept.json")
    x = first.formula(r"\a", False)
    first.keep()
    second = Typesetter({"a": "y"}, tmp_path / "kept.json")
    assert second.formula(r"\a", False) != x


def test_a_kept_file_cut_off_is_made_anew(tmp_path):
    (tmp_path / "kept.json").write_text('{"key": "ab', encoding="utf-8")
    typesetter = Typesetter({}, tmp_path / "kept.json")
    assert "svg" in typesetter.formula("x", False)
    typesetter.keep()
    assert json.loads((tmp_path / "kept.json").read_text())["formulas"]


def test_the_renderer_is_the_one_in_use():
    config = yaml.safe_load((mathematics.MATHJAX.parents[2] / "_config.yml").read_text())
    assert config["sphinx"]["config"]["html_math_renderer"] == "mathjax-at-build"


# ── in Sphinx ─────────────────────────────────────────────────────────────────────────────────────

CONFIG = f"""\
import sys
sys.path[:0] = [{str(mathematics.MATHJAX.parent)!r}]
extensions = ["mathematics"]
html_math_renderer = "mathjax-at-build"
mathjax3_config = {{"tex": {{"macros": {{"x": r"\\mathbf{{x}}"}}}}}}
"""
TEXT = """\
Title
=====

A formula :math:`\\x + 1` in a line.

.. math::
   :label: one

   a &= b \\\\
     &= c

See :eq:`one`. {more}
"""


@pytest.fixture
def build(tmp_path):
    """Return a function that builds a page and gives the page and what Sphinx said."""

    def build(more=""):
        (tmp_path / "_build").mkdir(exist_ok=True)
        (tmp_path / "conf.py").write_text(CONFIG)
        (tmp_path / "index.rst").write_text(TEXT.replace("{more}", more))
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", ".", "out"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        page = BeautifulSoup((tmp_path / "out" / "index.html").read_text(), "html.parser")
        return page, done

    return build


def test_formulas_of_a_page_are_set_numbered_and_have_their_shapes(build):
    page, done = build()
    assert done.returncode == 0, done.stderr
    inline, display = page.select(".math")
    assert mathml(str(inline)).get_text() == "x+1"
    assert display.select_one(".eqno").get_text().startswith("(1)")
    assert len(mathml(str(display)).find_all("mtr")) == 2  # two lines, aligned
    shapes = {path["id"] for path in page.select(".math-shapes path")}
    assert shapes == {use["href"][1:] for use in page.select("mjx-container use")} != set()


def test_a_formula_that_cannot_be_read_stops_the_build(build):
    _, done = build(r"And :math:`\frac{1`.")
    assert done.returncode != 0
    assert "expected TeX that MathJax can read" in done.stderr
    assert "index.rst" in done.stderr
