"""A page shows first what is read first, and carries nothing that it does not use."""

import base64
import gzip
import io
import re
from pathlib import Path

import light_pages
import numpy as np
import pytest
import tinycss2
from PIL import Image
from sphinx.errors import ExtensionError
from test_book import HTML
from test_book import PAGES as NAMES

PAGES = [HTML / f"{name}.html" for name in NAMES]


def lean(css, *names):
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return re.sub(r"\s+", "", light_pages.lean(rules, set(names)))


def test_a_rule_stays_if_any_of_its_selectors_can_apply():
    assert lean(".a, .b .c, #d { x: 1 }", "a", "c") == ".a{x:1}"
    assert lean("p, a:is(.b, .c) { x: 1 }") == "p,a:is(.b,.c){x:1}"
    assert lean(".a:not(.b) { x: 1 }", "a") == ".a:not(.b){x:1}"
    assert lean(r".sd-m\:x { y: 1 }", "sd-m:x") == r".sd-m\:x{y:1}"
    assert lean(".a { x: 1 } .b { y: 2 }") == ""
    assert lean('a[href*="#b-"] { x: 1 }') == 'a[href*="#b-"]{x:1}'


def test_a_rule_within_a_condition_is_sifted_too():
    assert lean("@media print { .a { x: 1 } .b { y: 1 } }", "b") == "@mediaprint{.b{y:1}}"
    assert lean("@media print { .a { x: 1 } }") == ""
    assert lean("@keyframes turn { to { x: 1 } }") == "@keyframesturn{to{x:1}}"


def test_a_sheet_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="cannot be read at line 2"):
        lean("p { x: 1 }\nq")


def test_an_imported_sheet_comes_before_the_rules_after_it(tmp_path):
    (tmp_path / "first.css").write_text("p { x: 1 }")
    (tmp_path / "second.css").write_text('@import "first.css"; p { x: 2 }')
    text = light_pages.sheet(tmp_path / "second.css", set())
    assert re.findall(r"x: (\d)", text) == ["1", "2"]


def test_one_sheet_holds_all_in_order_and_paper_apart(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "a.css").write_text("p { x: 1 }")
    (tmp_path / "b.css").write_text("p { x: 2 }")
    links = '<link rel="stylesheet" href="a.css?v=1" /><link href="b.css" media="print" />'
    name = light_pages.one_sheet({tmp_path / "page.html": links}, tmp_path, set())
    text = re.sub(r"\s+", "", (tmp_path / "_static" / name).read_text())
    assert text == "p{x:1}@mediaprint{p{x:2}}"
    assert light_pages.with_one_sheet(f"<head>{links}</head>", name).split() == [
        "<head>", "<link", 'rel="stylesheet"', f'href="{name}"', "/></head>"
    ]  # fmt: skip


def picture(side, mode="RGBA"):
    noise = np.random.default_rng(0).integers(0, 256, (side, side, len(mode)), dtype=np.uint8)
    if mode == "RGBA":
        noise[..., 3] = 255
    file = io.BytesIO()
    Image.fromarray(noise, mode).save(file, "png")
    return noise, f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def test_a_picture_keeps_every_pixel_in_a_file_or_in_the_page(tmp_path):
    (tmp_path / "_static").mkdir()
    for side, in_page in ((8, True), (64, False)):
        pixels, url = picture(side)
        html = light_pages.lighten(f'<image href="{url}"/>', tmp_path, "../_static/")
        new = re.search(r'href="([^"]+)"', html)[1]
        assert new.startswith("data:") == in_page
        data = base64.b64decode(new.partition(",")[2]) if in_page else None
        file = io.BytesIO(data) if in_page else tmp_path / new.removeprefix("../")
        assert np.array_equal(np.asarray(Image.open(file).convert("RGBA")), pixels)


def test_an_upright_picture_of_a_drawing_waits_for_the_reader_and_keeps_its_place(tmp_path):
    (tmp_path / "_static").mkdir()
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "png")
    data = base64.b64encode(file.getvalue()).decode()
    place = 'x="1" y="2.5" width="30" height="30"'
    picture = f'<image xlink:href="data:image/png;base64,{data}" {place}/>'
    html = light_pages.lighten(picture, tmp_path, "../_static/")
    assert f"<foreignObject {place}><img " in html
    assert 'loading="lazy"' in html
    # an HTML picture cannot be turned over where the drawing asks for it
    turned = picture.replace('x="1"', 'transform="scale(1 -1)" x="1"')
    assert "<image " in light_pages.lighten(turned, tmp_path, "../_static/")


def test_no_script_holds_up_a_page(tmp_path):
    html = light_pages.lighten(
        '<script src="a.js"></script><script async src="b.js"></script>'
        '<script defer src="x/scripts/fontawesome.js?1"></script>'
        "<script>DOCUMENTATION_OPTIONS.pagename = 'p';</script>"
        '<link rel="preload" as="script" href="x/bootstrap.js" />',
        tmp_path,
        "",
    )
    assert html == (
        '<script defer src="a.js"></script><script async src="b.js"></script>'
        "<script type=\"module\">DOCUMENTATION_OPTIONS.pagename = 'p';</script>"
    )


def test_the_data_of_live_figures_lie_beside_the_page(tmp_path):
    (tmp_path / "_static").mkdir()
    state = '{"state": {"id": 1}}'
    html = f'<script type="application/vnd.jupyter.widget-state+json">{state}</script>'
    html = light_pages.lighten(html, tmp_path, "_static/")
    name = re.fullmatch(r'<script type="[^"]+" data-src="([^"]+)"></script>', html)[1]
    assert (tmp_path / name).read_text() == f"liveState({state});\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_built_page_is_light(page):
    html = page.read_text(encoding="utf-8")
    assert len(re.findall(r'rel="stylesheet"', html)) == 1
    assert not light_pages.EAGER.search(html)
    assert not light_pages.ICONS.search(html)
    assert "data:image/png" not in html
    # what a page may transfer in all is 1 MB; its own text is the largest part of it
    files = {page}
    for name in re.findall(r'(?:src|href)="([^"#?:]+\.(?:js|css|webp|svg|png))', html):
        files.add((page.parent / name).resolve())
    packed = sum(
        len(gzip.compress(file.read_bytes())) for file in files if file.suffix != ".webp"
    ) + sum(file.stat().st_size for file in files if file.suffix == ".webp")
    assert packed < 1_000_000


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["", "light", "dark", "auto"])
def test_the_colours_are_chosen_before_anything_is_drawn(serve, open_page, tmp_path, theme, mode):
    html = PAGES[-1].read_text(encoding="utf-8")
    before = html.partition('rel="stylesheet"')[0]  # of what comes later, nothing runs here
    choose = "\n".join(re.findall(r"<script data-cfasync.*?</script>", before, re.DOTALL))
    remembered = f'<script>localStorage.setItem("mode", "{mode}")</script>'
    seen = "<script>document.title = document.documentElement.dataset.theme</script>"
    page = f"<!doctype html><html><head><link rel=icon href=data:>{remembered}{choose}{seen}"
    (tmp_path / "page.html").write_text(page)
    tab = open_page(f"{serve(tmp_path)}/page.html", theme=theme)
    assert tab.title() == (mode if mode in ("light", "dark") else theme)


def test_icons_that_the_pages_name_are_drawn():
    css = (Path(light_pages.__file__).parents[1] / "_static" / "book.css").read_text()
    for page in PAGES:
        for icon in re.findall(
            r"\bfa[sb]? [^\"]*?(fa-[a-z-]+)|fa-solid +(fa-[a-z-]+)", page.read_text()
        ):
            name = next(filter(None, icon))
            assert f".{name}" in css, f"{page.stem}: {name}"


def test_a_theme_whose_script_changed_is_noticed(tmp_path):
    script = tmp_path / "_static" / "scripts" / "pydata-sphinx-theme.js"
    script.parent.mkdir(parents=True)
    measuring = "a.forEach(e=>{e.tabIndex=e.scrollWidth>e.clientWidth?0:-1})"
    script.write_text(f"first();{measuring};last()")
    light_pages.without_measuring(tmp_path)
    assert script.read_text() == "first();a;last()"
    with pytest.raises(ExtensionError, match="scrollWidth"):
        light_pages.without_measuring(tmp_path)
