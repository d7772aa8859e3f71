"""The push-forward figure: a Gaussian becomes a ring, with its density on the way."""

import itertools
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_figures import data, drag_by_mouse, drag_by_touch, place_in, push_forward
from scipy.integrate import quad
from scipy.stats import kstest, rayleigh

from lecture_lib.figures import PushForwardFigure
from lecture_lib.plotting import CODES

times = st.floats(0, 1)


# ── the numbers ───────────────────────────────────────────────────────────────────────────────────


def test_the_ways_lead_from_z_to_the_lectures_map():
    figure = push_forward()
    np.testing.assert_array_equal(figure.places(0.0), figure.z)
    norms = np.sqrt(figure.z[:, :1] ** 2 + figure.z[:, 1:] ** 2)
    g = figure.z / 10 + figure.z / norms
    # float64 on both sides, with other sums
    np.testing.assert_allclose(figure.places(1.0), g, rtol=1e-12)
    np.testing.assert_allclose(figure.places(0.25), 0.75 * figure.z + 0.25 * g, rtol=1e-12)


@given(t=times)
@settings(deadline=None, max_examples=20)
def test_the_density_of_the_radius_has_area_one_and_nothing_below_t(t):
    figure = push_forward()
    area, error = quad(figure.density, t, t + 10, args=(t,), points=[t + 0.1, t + 1], limit=200)
    assert error < 1e-7
    # a ≤ 1, so that what lies beyond r = 10 is below exp(−50)
    assert area == pytest.approx(1, abs=1e-7)
    assert figure.density(np.array([0, t / 2, t]), t).tolist() == [0, 0, 0]


@pytest.mark.parametrize("t", [0.0, 0.4, 1.0])
def test_radii_of_fresh_draws_have_the_density(t):
    figure = push_forward()
    z = np.random.default_rng(5).normal(size=(20_000, 2))
    x = (1 - t) * z + t * (z / 10 + z / np.linalg.norm(z, axis=1, keepdims=True))
    rho = np.linalg.norm(x, axis=1)
    edges = np.linspace(t, rho.max() * 1.001, 41)
    expected = [
        len(z) * quad(figure.density, *pair, args=(t,))[0] for pair in itertools.pairwise(edges)
    ]
    expected, counts = np.array(expected), np.histogram(rho, edges)[0]
    enough = expected >= 5
    chi2 = ((counts - expected) ** 2 / expected)[enough].sum()
    # χ² has a mean of about its number of cells k and a variance of 2 k; five deviations
    assert chi2 < enough.sum() + 5 * np.sqrt(2 * enough.sum())
    assert enough.sum() >= 20


def test_at_the_end_it_is_the_density_of_the_lecture():
    figure = push_forward()
    rho = np.linspace(1.001, 1.6, 50)
    plane = 50 * (rho - 1) / (np.pi * rho) * np.exp(-50 * (rho - 1) ** 2)
    # rounding of ρ − 1, whose smallest value here is 0.001
    np.testing.assert_allclose(figure.density(rho, 1.0), 2 * np.pi * rho * plane, rtol=1e-10)
    # Rayleigh's at the start, in SciPy's words
    np.testing.assert_allclose(figure.density(rho, 0.0), rayleigh.pdf(rho), rtol=1e-12)


@given(t=times, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_the_bars_are_a_histogram_of_the_radii_at_every_time(t, seed):
    figure = push_forward(seed=seed)
    edges, heights = figure.bars(t)
    assert np.sum(heights * np.diff(edges)) == pytest.approx(1, rel=1e-12)
    rho = np.linalg.norm(figure.places(t), axis=1)
    # an edge is met by no draw: the nearest is further away than rounding moves it
    assert np.abs(rho[:, None] - edges).min() > 1e-9
    np.testing.assert_allclose(np.histogram(rho, edges, density=True)[0], heights, rtol=1e-9)
    assert heights.max() <= figure.top


@given(t=times, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_the_draws_inside_the_circle_are_counted_and_expected(t, seed):
    figure = push_forward(seed=seed)
    count, expected = figure.inside(t)
    rho = np.linalg.norm(figure.places(t), axis=1)
    near = np.abs(rho - 1) < 1e-9  # where rounding decides; at t = 1 these are none, or nearly zero
    assert abs(count - np.count_nonzero(rho < 1)) <= np.count_nonzero(near)
    area = quad(figure.density, min(t, 1), 1, args=(t,))[0]
    assert expected == pytest.approx(len(figure.z) * area, abs=1e-5)


def test_nothing_is_left_inside_the_circle_at_the_end():
    figure = push_forward()
    assert figure.inside(1.0) == (0, 0)
    count, expected = figure.inside(0.0)
    # 150 draws: five standard deviations of a binomial
    assert abs(count - expected) < 5 * np.sqrt(150 * 0.24)
    assert expected == pytest.approx(150 * rayleigh.cdf(1), rel=1e-12)


def test_radii_of_the_figure_are_rayleigh():
    # a p-value below 1e-3 would come once in a thousand seeds; the seed is fixed
    assert kstest(push_forward(1000).radii, rayleigh.cdf).pvalue > 1e-3


def test_the_marked_point_jumps_across_the_centre_and_has_no_image_there():
    figure = push_forward()
    figure.t, figure.z2 = 1.0, 0.0
    figure.z1 = 1e-6
    right = figure.place(1.0)
    figure.z1 = -1e-6
    # 1 + 1e-7 from the centre on both sides
    assert np.linalg.norm(right - figure.place(1.0)) == pytest.approx(2, abs=1e-6)
    figure.z1 = 0.0
    assert figure.place(1.0) is None
    assert "has no image" in figure.alt
    figure.still()


def test_the_description_names_the_present_numbers():
    figure = push_forward()
    figure.t = 0.6
    count, expected = figure.inside(0.6)
    assert f"circle are {count}; {expected:.1f} are expected" in figure.alt
    assert f"peak is {np.exp(-0.5) / 0.46:.3g}." in figure.alt
    x = figure.place(0.6)
    assert f"is at ({x[0]:.2f}, {x[1]:.2f})" in figure.alt


def test_the_largest_state_fits_a_page():
    figure = push_forward(1000)
    assert len(figure.point_data) == 8000
    assert len(json.dumps(figure._get_embed_state())) < 60_000


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.ones(5), r"z of shape \(N, 2\); got shape \(5,\)"),
        (np.ones((5, 3)), r"\(N, 2\); got \(5, 3\): draw Q = 2"),
        (np.ones((1001, 2)), "1 to 1000 draws.*got 1001"),
        (np.ones((0, 2)), "got 0"),
        ([[1, np.nan]], "1 that are NaN"),
        ([[1, 1], [0, 0]], "no z that is zero.*got 1: drop"),
        ([[1, 1], [1e-60, 0]], "no z that is zero.*got 1: drop"),  # zero in float32
    ],
)
def test_only_draws_that_have_an_image_are_taken(z, message):
    with pytest.raises(ValueError, match=message):
        PushForwardFigure(z)


# ── in the page ───────────────────────────────────────────────────────────────────────────────────


def numbers_in(path):
    return np.array(re.findall(r"-?[\d.]+", path), dtype=float).reshape(-1, 2)


def agrees(figure, page):
    """Check all that is drawn against Python, in units of the drawing, and return the state."""
    t, figure.z1, figure.z2 = data(page, "t"), data(page, "z1"), data(page, "z2")
    count, expected = figure.inside(t)
    assert data(page, "inside") == count
    assert data(page, "expected") == pytest.approx(expected, rel=1e-12)
    assert data(page, "peak") == pytest.approx(figure.density(t + 1 - 0.9 * t, t), rel=1e-12)
    unit = 290 / (2 * figure.half)
    dots = page.locator(".live-main circle.live-coded").evaluate_all(
        "dots => dots.map(dot => [dot.cx.baseVal.value, dot.cy.baseVal.value])"
    )
    # two decimals are written
    np.testing.assert_allclose(dots, [187, 167] + figure.places(t) * [unit, -unit], atol=0.0051)
    x = figure.place(t)
    if x is not None:
        assert [data(page, "x1"), data(page, "x2")] == pytest.approx(x.tolist(), rel=1e-12)
        way = numbers_in(page.locator(".live-main path.live-ink").get_attribute("d"))
        ends = np.array([[figure.z1, figure.z2], x])
        np.testing.assert_allclose(way, [187, 167] + ends * [unit, -unit], atol=0.0051)
    across = 290 / (0.25 * len(figure.counts))
    up = 230 / figure.top
    edges, heights = figure.bars(t)
    corners = np.column_stack([np.repeat(edges, 2), [0, *np.repeat(heights, 2), 0]])
    drawn = numbers_in(page.locator(".live-side path.live-bar").get_attribute("d"))
    np.testing.assert_allclose(drawn, [42, 312] + corners * [across, -up], atol=0.0051)
    curve = numbers_in(page.locator(".live-side path.live-orange").last.get_attribute("d"))[1:]
    rho = (curve[:, 0] - 42) / across
    # a place that is rounded by 0.005 moves the height by as much as the curve is steep: at most
    # 1/a² per unit of ρ
    tolerance = 0.0051 * (1 + up / across / (1 - 0.9 * t) ** 2)
    np.testing.assert_allclose(curve[:, 1], 312 - up * figure.density(rho, t), atol=tolerance)
    return t, figure.z1, figure.z2


@pytest.mark.browser
def test_the_page_agrees_wherever_the_sliders_stand(show):
    figure = push_forward()
    figure.t = 0.3
    page = show(figure)
    assert agrees(figure, page) == (0.3, 0.5, 0.25)  # it starts where Python left it
    slider = page.get_by_role("slider", name="Time t")
    slider.focus()
    for key, t in (("End", 1), ("ArrowLeft", 0.99), ("Home", 0), ("ArrowRight", 0.01)):
        page.keyboard.press(key)
        assert agrees(figure, page)[0] == t
        assert slider.get_attribute("aria-valuetext").startswith(f"time {t:.2f}")
    for name, place in (("Point z₁", 1), ("Point z₂", 2)):
        page.get_by_role("slider", name=name).focus()
        page.keyboard.press("Home")
        assert agrees(figure, page)[place] == -3


@pytest.mark.browser
def test_the_point_at_the_centre_has_no_image(show):
    figure = push_forward()
    figure.z1 = figure.z2 = 0.0
    page = show(figure)
    assert "z = 0 has no direction" in page.locator(".live-sentence").inner_text()
    dot = page.locator(".live-main circle.live-teal.live-dot")
    assert dot.is_hidden()
    page.get_by_role("slider", name="Point z₁").press("ArrowRight")
    assert dot.is_visible()
    assert agrees(figure, page) == (0, 0.05, 0)


@pytest.mark.browser
@pytest.mark.parametrize("by", ["mouse", "touch"])
def test_the_point_can_be_dragged(show, by):
    figure = push_forward()
    figure.t = 1.0
    page = show(figure, touch=by == "touch", width=1300 if by == "mouse" else 390)
    drag = drag_by_mouse if by == "mouse" else drag_by_touch
    unit = 290 / (2 * figure.half)
    target = place_in(page, ".live-main svg", 187 - 1.2 * unit, 167 - 0.7 * unit)
    drag(page, page.locator(".live-main .live-touch"), *target)
    _, z1, z2 = agrees(figure, page)
    # a pixel is 0.03, and the place is rounded to 0.05
    assert (z1, z2) == pytest.approx((-1.2, 0.7), abs=0.051)
    outside = place_in(page, ".live-main svg", 187 + 400, 167)
    drag(page, page.locator(".live-main .live-touch"), outside[0], outside[1])
    assert agrees(figure, page)[1] == 3


@pytest.mark.browser
def test_the_sentence_says_what_python_computes(show):
    figure = push_forward()
    figure.t = 0.6
    sentence = show(figure).locator(".live-sentence").inner_text()
    count, expected = figure.inside(0.6)
    x = figure.place(0.6)
    assert f"circle: {count} of 150 draws, {expected:.1f} expected" in sentence
    radius = np.linalg.norm(x)
    assert f"is now at ({x[0]:.2f}, {x[1]:.2f}), radius {radius:.2f}." in sentence


@pytest.mark.browser
@pytest.mark.parametrize(
    ("motion", "pause", "stride"), [("no-preference", 40, 2), ("reduce", 600, 10)]
)
def test_play_runs_to_the_end_and_starts_over(show, motion, pause, stride):
    page = show(push_forward(), wait=False)
    page.emulate_media(reduced_motion=motion)
    page.clock.install(time=0)
    page.reload()
    page.locator(".live-sentence").wait_for()
    page.clock.pause_at(3_600_000)
    button = page.get_by_role("button")
    page.clock.run_for(5000)
    assert (button.inner_text(), data(page, "t")) == ("Play", 0)  # it does not play by itself
    for _ in range(2):
        button.press("Enter")
        for step in range(100 // stride):
            assert (button.inner_text(), data(page, "t")) == ("Pause", step * stride / 100)
            page.clock.run_for(pause)
        assert (button.inner_text(), data(page, "t")) == ("Play", 1)
    button.press("Enter")
    page.clock.run_for(2 * pause)
    page.get_by_role("slider", name="Time t").press("ArrowRight")
    page.clock.run_for(5000)
    assert (button.inner_text(), data(page, "t")) == ("Play", (2 * stride + 1) / 100)


@pytest.mark.browser
def test_colours_are_those_of_the_still_picture(show):
    figure = push_forward()
    page = show(figure)
    colours = page.locator(".live-main circle.live-coded").evaluate_all(
        "dots => dots.map(dot => getComputedStyle(dot).fill)"
    )
    mixed = np.array([re.findall(r"[\d.]+", colour) for colour in colours], dtype=float)
    shares = rayleigh.cdf(figure.radii)  # uniform, so that all colours are used alike
    # a colour map has 256 steps
    np.testing.assert_allclose(mixed, CODES(shares)[:, :3], atol=1.5 / 255)
