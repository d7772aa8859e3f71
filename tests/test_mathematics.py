"""Formulas become pictures when the book is built, and one that MathJax cannot read is refused."""

import json
import re

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
