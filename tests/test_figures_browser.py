"""The live figures in a plain page, in a browser: they move, and show what Python computes."""

import re

import numpy as np
import pytest
from ipywidgets import IntSlider
from live_figures import (
    FIGURES,
    Z,
    all_figures,
    data,
    direction,
    drag_by_mouse,
    drag_by_touch,
    hook,
    image_data,
    manifold,
    pixels,
    place_in,
    reconstruction,
)

from lecture_lib.figures import DirectionFigure, ManifoldFigure, ReconstructionFigure

pytestmark = pytest.mark.browser


# ── the page ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by", ["http", "file"])
def test_all_figures_start_without_kernel_or_network(show, by):
    page = show(*all_figures(), by=by)
    figures = page.locator(".live").all()
    assert len(figures) == len(FIGURES)
    for figure in figures:
        assert figure.locator("svg").count() >= 1
        assert figure.locator("input[type=range]").count() >= 1
    assert page.locator("img.live-print:visible").count() == 0


def test_one_figure_shown_twice_moves_in_both_places(show):
    figure = direction()
    page = show(figure, figure)
    page.get_by_role("button", name="Best direction").first.click()
    first, second = page.locator(".live").all()
    assert first.get_attribute("data-theta") == second.get_attribute("data-theta")
    assert float(second.get_attribute("data-theta")) == pytest.approx(figure.best_angle, abs=1e-9)


def test_without_scripts_the_still_picture_stands_with_its_description(show):
    figure = manifold()
    page = show(figure, wait=False, scripts=False)
    still = page.locator("img.live-still")
    assert still.is_visible()
    assert still.get_attribute("alt") == figure.alt
    assert still.bounding_box()["width"] > 300


def test_in_print_the_still_picture_stands_for_the_figure(show):
    page = show(direction(), reconstruction())
    page.emulate_media(media="print")
    assert page.locator("img.live-print:visible").count() == 2
    assert page.locator(".live:visible").count() == 0


def test_a_broken_figure_says_so_and_leaves_the_others_alone(show):
    broken = direction()
    broken._esm = "export default { render() { throw new Error('no such number'); } }"
    page = show(broken, IntSlider(), manifold(), wait=False)
    page.locator(".live-sentence").wait_for()
    messages = page.locator(".live-broken .live-mount").all_inner_texts()
    assert "no such number" in messages[0]
    assert "needs a running notebook" in messages[1]
    assert (
        page.locator(".live-broken img:visible").count() == 1
    )  # the broken figure's still picture
    assert [p for p in page.problems if not p.startswith("console: live figure")] == []
    assert len(page.problems) == 2
    page.problems.clear()


def test_a_request_that_leaves_the_machine_is_seen(show):
    """The guard that every test here relies on works."""
    page = show(direction())
    page.evaluate("fetch('https://example.org/').catch(() => {})")
    page.wait_for_timeout(200)
    assert "request to https://example.org/" in page.problems
    page.problems.clear()


@pytest.mark.parametrize("width", [350, 480, 1300])
def test_the_page_keeps_the_room_that_a_figure_takes(show, width):
    page = show(*all_figures(), width=width)
    sizes = page.locator(".live-mount").evaluate_all(
        """mounts => mounts.map(mount => {
            const body = mount.firstElementChild, drawn = body.offsetHeight;
            body.style.display = "none";
            const kept = mount.offsetHeight;
            body.style.display = "";
            return [kept, drawn];
        })"""
    )
    assert len(sizes) == len(FIGURES)
    for kept, drawn in sizes:
        # a line of text is 22 pixels: fonts differ between systems, a jump of less is not noticed
        assert abs(kept - drawn) < 22
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [350, 1300])
def test_a_long_label_does_not_widen_the_page(show, width):
    images, mean, components = image_data()
    figure = ReconstructionFigure(images[:1], mean, components, (12, 9), ["a long label " * 12])
    page = show(figure, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.get_by_label("Image", exact=True).bounding_box()["width"] > 100


def test_text_is_legible_on_a_phone(show):
    page = show(*all_figures(), width=350)
    sizes = page.locator(".live text, .live p, .live label, .live-tile-title").evaluate_all(
        """nodes => nodes.map(node => {
            const scale = node.getScreenCTM ? node.getScreenCTM().a : 1;
            return scale * parseFloat(getComputedStyle(node).fontSize);
        })"""
    )
    assert len(sizes) > 50
    assert min(sizes) >= 11


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 390])
def test_axe_finds_nothing(show, accessibility, theme, width):
    page = show(*all_figures(), theme=theme, width=width)
    assert accessibility(page) == []


def test_controls_are_large_enough_to_touch(show):
    page = show(*all_figures(), width=390)
    controls = page.locator(".live input, .live select, .live button, .live-touch").all()
    assert len(controls) > len(FIGURES)
    for control in controls:
        box = control.bounding_box()
        assert min(box["width"], box["height"]) >= 24


def test_a_change_of_theme_redraws_the_pixels(show):
    page = show(reconstruction())
    canvas = ".live-tiles > div:nth-child(3) canvas"
    light = pixels(page, canvas)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(100)
    dark = pixels(page, canvas)
    assert light[..., :3].mean() > 128 > dark[..., :3].mean()


# ── the direction ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by", ["mouse", "touch"])
@pytest.mark.parametrize("theta", [10, 75, 160])
def test_the_direction_follows_a_dragged_handle(show, by, theta):
    figure = direction()
    page = show(figure, touch=by == "touch", width=1300 if by == "mouse" else 390)
    # the mean lies in the middle of the frame, at (187, 167) of the drawing; up is minus y
    x, y = 187 + 100 * np.cos(np.radians(theta)), 167 - 100 * np.sin(np.radians(theta))
    place = place_in(page, ".live-main svg", x, y)
    drag = drag_by_mouse if by == "mouse" else drag_by_touch
    drag(page, page.locator(".live-main .live-touch"), *place)
    assert page.evaluate("scrollY") == 0
    # one pixel at 100 units is 0.6°
    assert data(page, "theta") == pytest.approx(theta, abs=0.7)
    agrees_with(figure, page)


def agrees_with(figure, page):
    theta = data(page, "theta")
    # both in float64 from the same 20 points: rounding only
    assert data(page, "retained") == pytest.approx(figure.retained(theta), rel=1e-10)
    assert data(page, "error") == pytest.approx(figure.error(theta), rel=1e-10)
    assert data(page, "total") == pytest.approx(np.trace(figure.S), rel=1e-10)
    assert data(page, "best") == pytest.approx(figure.best_angle, abs=1e-9)
    bars = page.locator(".live-side rect:not(pattern rect)").evaluate_all(
        "bars => bars.map(bar => bar.width.baseVal.value)"
    )
    # the bar is 290 units long and its two parts touch
    assert sum(bars) == pytest.approx(290, abs=1e-3)
    share = figure.retained(theta) / np.trace(figure.S)
    assert bars[0] == pytest.approx(290 * share, abs=1e-3)


def test_the_direction_moves_by_keyboard_and_says_where_it_is(show):
    figure = direction()
    page = show(figure)
    slider = page.get_by_role("slider", name="Angle θ of the direction v")
    slider.focus()
    for key, theta in (("ArrowRight", 101), ("ArrowLeft", 100), ("Home", 0), ("End", 180)):
        page.keyboard.press(key)
        assert data(page, "theta") == theta
        agrees_with(figure, page)
        assert slider.get_attribute("aria-valuetext").startswith(f"{theta} degrees, retained ")
    assert "at 180.0 degrees" in page.locator(".live-main svg").get_attribute("aria-label")
    page.wait_for_timeout(600)  # the spoken sentence waits until the figure rests
    spoken = page.locator(".live-spoken")
    assert spoken.get_attribute("aria-live") == "polite"
    assert spoken.inner_text() == page.locator(".live-sentence").inner_text()
    assert "At 180.0°" in spoken.inner_text()


def test_the_arrow_keys_go_on_from_a_dragged_handle(show):
    page = show(direction())
    place = place_in(page, ".live-main svg", 287, 167)
    drag_by_mouse(page, page.locator(".live-main .live-touch"), *place)
    before = round(data(page, "theta"))
    page.keyboard.press("ArrowRight")
    assert data(page, "theta") in (before + 1, before - 179)


def test_the_best_direction_is_one_key_away(show):
    figure = direction()
    page = show(figure)
    page.get_by_role("button", name="Best direction").focus()
    page.keyboard.press("Enter")
    assert data(page, "theta") == pytest.approx(figure.best_angle, abs=1e-9)
    agrees_with(figure, page)


def test_a_round_cloud_has_no_best_direction_to_mark(show):
    corners = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]
    page = show(DirectionFigure(np.array(corners)))
    label = page.locator(".live-side svg").get_attribute("aria-label")
    assert "the same everywhere" in label
    assert page.locator(".live-side text", has_text=re.compile("^(max|min)$")).count() == 0
    assert data(page, "retained") == pytest.approx(4, rel=1e-12)  # half of trace S = 8


def test_touch_beside_the_handle_scrolls_the_page(show):
    page = show(direction(), manifold(), touch=True, width=390)
    actions = page.locator(".live svg, .live-handle circle").evaluate_all(
        "nodes => nodes.map(node => [node.tagName, getComputedStyle(node).touchAction])"
    )
    assert {tuple(action) for action in actions} == {("svg", "auto"), ("circle", "none")}


# ── the reconstruction ────────────────────────────────────────────────────────────────────────────


def test_the_reconstruction_agrees_for_every_image_and_q(show):
    figure = reconstruction()
    page = show(figure)
    slider = page.get_by_role("slider", name="Components used, Q")
    choice = page.get_by_label("Image", exact=True)
    for index in range(3):
        choice.select_option(index=index)
        slider.focus()
        page.keyboard.press("Home")
        for q in range(21):
            assert (data(page, "index"), data(page, "q")) == (index, q)
            # An entry of v_j is off by at most half a step, s = max|v_j| / 32767, so v_j by at most
            # √D s / 2 < 1e-4 for D = 108 pixels. The error E = ‖r‖² changes to first order by
            # 2 Σ z_j r·δv_j ≤ 2 ‖r‖ ‖d‖ √Q 1e-4, with d the distance from the mean: relative to E
            # that is 2e-4 √Q ‖d‖/‖r‖ at the very worst; 1e-3 covers what random signs leave of it.
            assert data(page, "error") == pytest.approx(figure.error(index, q), rel=1e-3)
            assert data(page, "share") == pytest.approx(figure.share(index, q), rel=1e-3)
            page.keyboard.press("ArrowRight")
    assert data(page, "q") == 20  # the last key met the end


def test_the_rebuilt_picture_has_the_grey_levels_that_python_computes(show):
    images, mean, components = image_data()
    figure = ReconstructionFigure(images[:3], mean, components, (12, 9), q=6)
    figure.index = 2
    page = show(figure)
    low, high = images[:3].min(), images[:3].max()
    for number, expected in ((1, images[2]), (2, figure.reconstruct(2, 6))):
        shown = pixels(page, f".live-tiles > div:nth-child({number}) canvas")
        levels = np.clip(255 * (expected - low) / (high - low), 0, 255).reshape(12, 9)
        # rounded to whole levels from numbers that differ by less than 0.1 of one
        assert np.abs(shown[..., 0] - levels).max() <= 0.6
    assert "rebuilt x̂, Q = 6" in page.locator(".live-tiles").inner_text()
    label = page.locator(".live-tiles").get_attribute("aria-label")
    assert f"{figure.share(2, 6):.0%}".replace("%", "\N{NO-BREAK SPACE}%") in label


def test_all_components_of_a_small_image_leave_nothing(show):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 12))
    basis = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    figure = ReconstructionFigure(images, np.zeros(12), basis, (3, 4), q=12)
    page = show(figure)
    # r is 0 in exact numbers; what is left is second order in the rounding of v
    assert data(page, "share") < 1e-7


# ── the manifold ──────────────────────────────────────────────────────────────────────────────────


def manifold_agrees(figure, page):
    z, sigma = data(page, "z"), data(page, "sigma")
    x = figure.point(z)
    # the same sums in float64; the page keeps the density as float32, whose rounding is 6e-8
    assert [data(page, "x1"), data(page, "x2")] == pytest.approx(x.tolist(), rel=1e-9, abs=1e-12)
    assert data(page, "density") == pytest.approx(float(figure.density(x, sigma)), rel=1e-6)
    assert data(page, "prior") == pytest.approx(np.exp(-z * z / 2) / np.sqrt(2 * np.pi), rel=1e-9)


def test_the_manifold_agrees_wherever_the_sliders_stand(show):
    figure = manifold()
    page = show(figure)
    z = page.get_by_role("slider", name="Latent z")
    sigma = page.get_by_role("slider", name="Noise σ")
    for slider, keys in ((z, "Home End ArrowLeft PageDown"), (sigma, "End Home ArrowRight")):
        slider.focus()
        for key in keys.split():
            page.keyboard.press(key)
            manifold_agrees(figure, page)
    assert data(page, "sigma") == pytest.approx(figure.sigma_range[0] + 0.01)
    assert data(page, "z") < 2.95


@pytest.mark.parametrize("by", ["mouse", "touch"])
def test_both_handles_of_the_manifold_can_be_dragged(show, by):
    figure = manifold()
    page = show(figure, touch=by == "touch", width=1300 if by == "mouse" else 390)
    drag = drag_by_mouse if by == "mouse" else drag_by_touch
    # the axis of z runs from −3 at 42 to 3 at 332
    place = place_in(page, ".live-side svg", 42 + 290 * (1.2 + 3) / 6, 168)
    drag(page, page.locator(".live-side .live-touch"), *place)
    assert data(page, "z") == pytest.approx(1.2, abs=0.05)  # one pixel is 0.02
    manifold_agrees(figure, page)
    c1, c2, half = figure.window
    a, b = figure.point(-2.0)
    x, y = 42 + 290 * (a - c1 + half) / (2 * half), 312 - 290 * (b - c2 + half) / (2 * half)
    drag(page, page.locator(".live-main .live-touch"), *place_in(page, ".live-main svg", x, y))
    # the handle is moved to the nearest of 121 places, 0.05 apart in z
    assert data(page, "z") == pytest.approx(-2.0, abs=0.08)
    manifold_agrees(figure, page)


@pytest.mark.parametrize("sigma", [0.1, 0.15, 0.6])
def test_the_shade_is_the_root_of_the_density(show, sigma):
    figure = ManifoldFigure(Z, hook(Z), sigma=0.1)
    figure.sigma = sigma
    page = show(figure)
    c1, c2, half = figure.window
    steps = half * ((2 * np.arange(96) + 1) / 96 - 1)
    grid = np.stack(np.meshgrid(c1 + steps, c2 - steps), axis=-1)
    expected = 230 * np.sqrt(figure.density(grid, sigma) / figure.peak)
    # alpha is rounded to whole levels
    assert np.abs(pixels(page, ".live-stack canvas")[..., 3] - expected).max() <= 0.51


def test_the_page_starts_in_the_state_that_python_left(show):
    figure = manifold()
    figure.z, figure.sigma = 0.75, 0.3
    page = show(figure)
    assert (data(page, "z"), data(page, "sigma")) == (0.75, 0.3)
    assert re.search(r"z = 0\.75\b.*σ = 0\.30", page.locator(".live-sentence").inner_text())
    manifold_agrees(figure, page)
