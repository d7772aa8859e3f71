"""The figure of two gradient estimates: what it computes, and that the page shows the same."""

import json
import re

import numpy as np
import pytest
import traitlets
from live_figures import data, gradient
from numpy.polynomial.hermite_e import hermegauss

from lecture_lib.figures import GradientFigure
from lecture_lib.figures.gradient import exact_variances, pathwise, score_function

STATES = [(1.5, 0.5), (-3, 0.1), (3, 2), (0, 0.7), (-0.4, 1.1)]


# ── in Python ─────────────────────────────────────────────────────────────────────────────────────


def moments(values, weights):
    mean = values @ weights
    return mean, (values - mean) ** 2 @ weights


@pytest.mark.parametrize(("mu", "sigma"), STATES)
def test_both_estimates_have_the_exact_mean_and_variance(mu, sigma):
    # their squares are polynomials of degree 6 in ε: 4 nodes integrate up to degree 7 exactly
    epsilon, weights = hermegauss(4)
    weights /= weights.sum()
    found = [moments(how(mu, sigma, epsilon), weights) for how in (score_function, pathwise)]
    for (mean, variance), exact in zip(found, exact_variances(mu, sigma), strict=True):
        # rounding of terms of the size of the square root of the variance; of its own size
        assert mean == pytest.approx(2 * mu, rel=1e-12, abs=1e-12 * np.sqrt(exact))
        assert variance == pytest.approx(exact, rel=1e-11)


def test_the_ratio_of_the_lecture_notes():
    score, path = exact_variances(1.5, 0.5)
    assert (score, path) == (55.5, 1.0)  # 20.25 + 31.5 + 3.75, all exact in binary


def test_the_estimates_are_what_their_definitions_say():
    figure = GradientFigure(-0.8, 0.6)
    figure.draw = 3
    z = -0.8 + 0.6 * figure.epsilon[3]
    score, path = figure.estimates()
    np.testing.assert_allclose(score, z**2 * (z - -0.8) / 0.6**2, rtol=1e-9, atol=1e-12)
    step = 1e-6  # z² is quadratic, so a central difference has rounding errors only
    moved = [(mu + 0.6 * figure.epsilon[3]) ** 2 for mu in (-0.8 + step, -0.8 - step)]
    np.testing.assert_allclose(path, (moved[0] - moved[1]) / (2 * step), atol=1e-8)


def test_the_draws_are_those_of_a_standard_normal_and_differ_between_sets():
    epsilon = gradient().epsilon
    assert epsilon.shape == (12, 400)
    # 4,800 numbers: standard errors 0.0144 and 0.0204; four of them, and the draws never change
    assert epsilon.mean() == pytest.approx(0, abs=0.058)
    assert epsilon.var() == pytest.approx(1, abs=0.082)
    # correlations of 400 pairs have a standard error of 0.05; of 66 the largest stays below 4 of it
    assert np.abs(np.corrcoef(epsilon)[np.triu_indices(12, 1)]).max() < 0.2


def test_what_travels_is_what_python_computes_with():
    figure = gradient()
    sent = np.frombuffer(figure.epsilon_data, "<f4").reshape(12, 400)
    np.testing.assert_array_equal(sent, figure.epsilon)
    assert len(json.dumps(figure._get_embed_state())) < 60_000


def test_the_axes_hold_the_six_draws_at_every_corner():
    figure = gradient()
    for mu in (-3, -0.1, 0, 1.2, 3):
        for sigma in (0.1, 0.45, 2):
            for draw in range(12):
                figure.mu, figure.sigma, figure.draw = mu, sigma, draw
                reach, wide = figure.windows()
                few = figure.few()
                assert np.abs(mu + sigma * few).max() <= reach
                assert np.abs(score_function(mu, sigma, few)).max() <= wide
                assert np.abs(pathwise(mu, sigma, few)).max() <= wide
                assert set(few) <= set(figure.epsilon[draw])


def test_wrong_signs_are_counted_and_none_is_wrong_where_the_slope_is_zero():
    figure = GradientFigure(1.5, 0.5)
    score, path = figure.estimates()
    assert figure.wrong_signs() == ((score < 0).sum(), (path < 0).sum())
    assert figure.wrong_signs()[0] > figure.wrong_signs()[1] > 0
    figure.mu = 0
    assert figure.wrong_signs() == (0, 0)


def test_the_description_names_the_present_numbers():
    figure = GradientFigure(-2, 1)
    score, path = exact_variances(-2, 1)
    assert "mean -2.00 and standard deviation 1.00" in figure.alt
    assert f"with variance {score:.3g}; the pathwise ones have variance {path:.3g}" in figure.alt


@pytest.mark.parametrize(("mu", "sigma"), [(3.1, 1), (-4, 1), (0, 0), (0, 2.5), (np.nan, 1)])
def test_a_gaussian_out_of_range_is_refused(mu, sigma):
    with pytest.raises(
        traitlets.TraitError, match=r"expected (mu from -3 to 3|sigma from 0.1 to 2)"
    ):
        GradientFigure(mu, sigma)


# ── in a browser ──────────────────────────────────────────────────────────────────────────────────


def sliders(page):
    return (
        page.get_by_role("slider", name="Mean μ"),
        page.get_by_role("slider", name="Standard deviation σ"),
    )


def agrees(figure, page):
    """Set Python to the state of the page, compare every number, and return the state."""
    state = data(page, "mu"), data(page, "sigma"), int(data(page, "draw"))
    figure.mu, figure.sigma, figure.draw = state
    exact = exact_variances(*state[:2])
    wide = data(page, "wide")
    assert (data(page, "reach"), wide) == figure.windows()
    names = ("score", "path")
    for name, values, variance, wrong in zip(
        names, figure.estimates(), exact, figure.wrong_signs(), strict=True
    ):
        # float64 on both sides; sums of 400 terms in another order
        mean = pytest.approx(values.mean(), rel=1e-10, abs=1e-12 * np.abs(values).max())
        assert data(page, f"{name}-mean") == mean
        assert data(page, f"{name}-variance") == pytest.approx(values.var(ddof=1), rel=1e-10)
        assert data(page, f"exact-{name}") == pytest.approx(variance, rel=1e-12)
        assert data(page, f"{name}-outside") == (np.abs(values) > wide).sum()
        assert data(page, f"wrong-{name}") == wrong
    assert data(page, "ratio") == pytest.approx(exact[0] / exact[1], rel=1e-12)
    return state


@pytest.mark.browser
def test_the_page_agrees_wherever_the_sliders_stand(show):
    figure = gradient()
    page = show(figure)
    assert agrees(figure, page) == (1.5, 0.5, 0)
    for mu, sigma in STATES:
        for control, value in zip(sliders(page), (mu, sigma), strict=True):
            control.fill(str(value))
        assert agrees(figure, page) == (mu, sigma, 0)


@pytest.mark.browser
def test_it_moves_by_keyboard_and_says_where_it_is(show):
    figure = gradient()
    page = show(figure)
    mean, deviation = sliders(page)
    mean.focus()
    for key, mu in (("ArrowRight", 1.6), ("Home", -3), ("End", 3)):
        page.keyboard.press(key)
        assert agrees(figure, page) == (mu, 0.5, 0)
        assert mean.get_attribute("aria-valuetext") == f"mean {mu:.2f}"
    deviation.focus()
    page.keyboard.press("ArrowRight")
    assert agrees(figure, page) == (3, 0.55, 0)
    assert deviation.get_attribute("aria-valuetext") == "standard deviation 0.55"
    page.wait_for_timeout(600)  # the spoken sentence waits until the figure rests
    sentence = page.locator(".live-spoken").inner_text()
    assert sentence == page.locator(".live-sentence").inner_text()
    score, path = exact_variances(3, 0.55)
    assert (
        f"2μ = 6.00. By the variances, one pathwise draw is worth {score / path:.0f} " in sentence
    )


@pytest.mark.browser
def test_each_press_draws_again_and_the_sets_come_round(show):
    figure = gradient()
    page = show(figure)
    page.get_by_role("button", name="Draw again").focus()
    seen = [data(page, "score-mean")]
    for draw in [*range(1, 12), 0]:
        page.keyboard.press("Enter")
        assert agrees(figure, page) == (1.5, 0.5, draw)
        seen.append(data(page, "score-mean"))
    assert len(set(seen)) == 12
    assert seen[0] == seen[-1]


def corners(page, selector):
    """Every point of the paths that match, path by path."""
    texts = page.locator(selector).evaluate_all("nodes => nodes.map(n => n.getAttribute('d'))")
    pairs = [re.findall(r"(-?[\d.]+),(-?[\d.]+)", text) for text in texts]
    return [np.array(points, dtype=float) for points in pairs]


@pytest.mark.browser
def test_every_arrow_and_dot_stands_where_its_number_says(show):
    figure = gradient()
    figure.mu, figure.sigma, figure.draw = -1.2, 0.8, 5
    page = show(figure)
    assert agrees(figure, page) == (-1.2, 0.8, 5)  # the page starts where Python left it
    _, wide = figure.windows()

    def across(value):
        return 50 + 282 * (value + wide) / (2 * wide)

    few = figure.few()
    for tone, how, values in zip(
        ("orange", "blue"), (score_function, pathwise), figure.estimates(), strict=True
    ):
        arrows = corners(page, f".live-side path.live-{tone}.live-stem")
        tips = [arrow[1, 0] for arrow in arrows]
        # paths are written with two decimals, dots with one
        np.testing.assert_allclose(tips, across(how(-1.2, 0.8, few)), atol=0.0051)
        np.testing.assert_allclose([arrow[0, 0] for arrow in arrows], across(0), atol=0.0051)
        (dots,) = corners(page, f".live-side path.live-{tone}.live-faint")
        inside = values[np.abs(values) <= wide]
        np.testing.assert_allclose(dots[:, 0], across(inside), atol=0.051)
    labels = page.locator(".live-side > svg > text.live-tick").all_text_contents()
    shown = [text.replace("−", "-") for text in labels if re.fullmatch(r"−?\d+\.\d\d", text)]
    assert shown == [f"{z:.2f}" for z in -1.2 + 0.8 * few]


@pytest.mark.browser
def test_stems_reach_the_parabola_and_tangents_have_its_slope(show):
    figure = gradient()
    page = show(figure)
    agrees(figure, page)
    reach, _ = figure.windows()
    z = figure.mu + figure.sigma * figure.few()
    (stems,) = corners(page, ".live-main path.live-orange")
    top = 226 - 204 * z**2 / reach**2
    np.testing.assert_allclose(stems[::2, 1], 226, atol=0.0051)
    np.testing.assert_allclose(stems[1::2, 1], top, atol=0.0051)
    np.testing.assert_allclose(stems[1::2, 0], 42 + 145 * (z + reach) / reach, atol=0.0051)
    (ends,) = corners(page, ".live-main path.live-blue")
    run, rise = (ends[1::2] - ends[::2]).T
    slope = -(rise / 204 * reach**2) / (run / 145 * reach)
    # 28 units long, each end within 0.005: a slope of at most 3 in the drawing is off by 1 %
    np.testing.assert_allclose(slope, 2 * z, rtol=0.01)


@pytest.mark.browser
def test_the_table_holds_the_same_numbers(show):
    figure = gradient()
    page = show(figure)
    rows = [row.inner_text().split("\t") for row in page.locator(".live-table tbody tr").all()]
    score, path = figure.estimates()
    table = {name: pair for name, *pair in rows}
    assert table["mean of draws ○"] == [f"{score.mean():.2f}", f"{path.mean():.2f}"]
    assert table["exact mean 2μ"] == ["3.00", "3.00"]
    assert [float(v) for v in table["variance of draws"]] == pytest.approx(
        [score.var(ddof=1), path.var(ddof=1)],
        rel=0.005,  # three figures
    )
    assert table["exact variance"] == ["55.5", "1.00"]
    assert table["wrong sign"] == [f"{count} of 400" for count in figure.wrong_signs()]
    sliders(page)[0].fill("0")
    assert page.locator(".live-table tbody tr").last.inner_text().split("\t")[1:] == ["–", "–"]


@pytest.mark.browser
@pytest.mark.parametrize("width", [350, 1300])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_and_stays_where_it_is_while_the_reader_moves_it(show, accessibility, width, theme):
    page = show(gradient(), width=width, theme=theme)
    heights = set()
    for mu, sigma in STATES:
        for control, value in zip(sliders(page), (mu, sigma), strict=True):
            control.fill(str(value))
        heights.add(page.locator(".live-body").bounding_box()["height"])
        assert page.evaluate("document.documentElement.scrollWidth") == width
    assert len(heights) == 1
    cells = page.locator(".live-table :is(th, td)").evaluate_all(
        "cells => cells.map(cell => cell.scrollWidth - cell.clientWidth)"
    )
    assert max(cells) <= 0
    assert accessibility(page) == []
