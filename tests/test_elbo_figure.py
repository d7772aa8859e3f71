"""The figure of the bound: its sums are the integrals, and the page shows what Python computes."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_figures import data, drag_by_mouse, drag_by_touch, elbo, place_in
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import norm

from lecture_lib.figures import ElboFigure

Z = np.linspace(-12, 12, 481)
FIGURE = elbo()


def line(x, slope=0.9, sigma=0.4):
    """Log joint of x = slope · z + noise, whose integrals are known."""
    return norm.logpdf(Z) + norm.logpdf(x, slope * Z, sigma)


def at(figure, index, mu, sigma, reading=0):
    figure.index, figure.mu, figure.sigma, figure.reading = index, mu, sigma, reading
    return figure


def best(figure, index, mu, sigma=0.4):
    """The Gaussian that a search by SciPy ends at: its μ, its σ and its ELBO."""

    def cost(place):
        return -at(figure, index, *np.clip(place, [-3, 0.1], [3, 1.5])).elbo

    found = minimize(cost, [mu, sigma], method="Nelder-Mead", options={"xatol": 1e-5})
    return *found.x, -found.fun


# ── in Python ─────────────────────────────────────────────────────────────────────────────────────


@given(index=st.integers(0, 2), mu=st.floats(-3, 3), sigma=st.floats(0.1, 1.5))
@settings(deadline=None, max_examples=60)
def test_elbo_and_kl_add_up_to_log_p_for_every_q(index, mu, sigma):
    figure = at(FIGURE, index, mu, sigma)
    # the sum over the grid of the narrowest q, two steps wide, is 1 up to 1e-17; what lies beyond
    # six σ, 2e-9, is multiplied by up to 16,000 nats there, and is seen in both terms alike
    assert figure.elbo + figure.kl == pytest.approx(figure.log_evidence, abs=1e-7)
    assert figure.kl >= 0
    split = figure.reconstruction - figure.kl_to_prior
    assert split == pytest.approx(figure.elbo, abs=1e-6)  # a closed form against a sum


@given(x=st.floats(-3, 3), mu=st.floats(-3, 3), sigma=st.floats(0.1, 1.5))
@settings(deadline=None, max_examples=20)
def test_all_numbers_of_a_linear_model_are_the_closed_forms(x, mu, sigma):
    figure = at(ElboFigure(Z, [line(x)], ["x"]), 0, mu, sigma)
    noise = 0.4**2
    variance = 1 / (1 + 0.9**2 / noise)
    mean = variance * 0.9 * x / noise
    kl = np.log(np.sqrt(variance) / sigma) + (sigma**2 + (mu - mean) ** 2) / (2 * variance) - 0.5
    square = (x - 0.9 * mu) ** 2 + 0.9**2 * sigma**2
    rebuilt = -0.5 * np.log(2 * np.pi * noise) - square / (2 * noise)
    # beyond the ends of the grid lies at most 1e-9 of q, times 400 nats there
    assert figure.log_evidence == pytest.approx(norm.logpdf(x, 0, np.sqrt(0.81 + noise)), abs=1e-9)
    assert figure.kl == pytest.approx(kl, abs=1e-6)
    assert figure.reconstruction == pytest.approx(rebuilt, abs=1e-6)


def test_a_two_humped_model_agrees_with_adaptive_quadrature():
    figure = at(elbo(), 1, 0.7, 0.45)

    def log_joint(z):
        return norm.logpdf(z) + norm.logpdf(2.0, z**2 - z / 3, 0.8)

    def integral(f, low=-6, high=6):
        return quad(f, low, high, epsabs=1e-11, limit=200)[0]

    log_p = np.log(integral(lambda z: np.exp(log_joint(z))))
    q = norm(0.7, 0.45)
    bound = integral(lambda z: q.pdf(z) * (log_joint(z) - q.logpdf(z)), -3, 4.4)
    # quad promises 1e-11; 8 σ of q and 6 of the prior leave out less
    assert figure.log_evidence == pytest.approx(log_p, abs=1e-8)
    assert figure.elbo == pytest.approx(bound, abs=1e-8)


def test_the_best_q_takes_one_of_two_humps_and_covers_two_that_merge():
    figure = elbo()
    left, right = best(figure, 1, -1.2), best(figure, 1, 1.5)
    share = norm.cdf(0, left[0], left[1]), norm.sf(0, right[0], right[1])
    assert min(share) > 0.95  # of q on one side of the dip, where p(z|x) has both
    assert 0.3 < figure.posteriors[1][Z < 0].sum() * 0.05 < 0.7
    one, other = best(figure, 2, -0.8), best(figure, 2, 0.8)
    # both searches end in the middle, each within the search's own tolerance of 1e-5
    assert [one[0], other[0]] == pytest.approx([0, 0], abs=1e-3)
    turns = np.diff(np.sign(np.diff(figure.posteriors[2])))
    assert np.count_nonzero(turns < 0) == 2  # though this posterior has two humps too


def test_the_description_follows_the_reading():
    figure = at(elbo(), 1, -1.0, 0.5)
    assert f"plus KL(q, p(z|x)), {figure.kl:.3f}; this third bar" in figure.alt
    assert "the posterior for a bowl" in figure.alt
    figure.reading = 1
    assert f"{figure.reconstruction:.3f}, less KL(q, p(z)), {figure.kl_to_prior:.3f}" in figure.alt


def test_the_state_is_small():
    grid = np.linspace(-12, 12, 1000)
    row = norm.logpdf(grid) + norm.logpdf(1, grid, 0.4)
    figure = ElboFigure(grid, [row] * 6, ["x"] * 6)
    assert len(json.dumps(figure._get_embed_state())) < 150_000


def narrow(sigma):
    return np.array([line(1, sigma=sigma)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Z[:, None], [line(1)], ["x"]), r"grid z of shape \(n,\)"),
        ((Z, line(1), ["x"]), r"log_joint of shape \(K, n\)"),
        ((Z, [line(1)[:-1]], ["x"]), r"each of the 481 nodes of z; got shape \(1, 480\)"),
        ((Z, [np.where(Z > 11, -np.inf, line(1))], ["x"]), "20 that are NaN or infinite"),
        ((Z, [line(1)] * 7, ["x"] * 7), "1 to 6 observations.*got 7"),
        ((np.linspace(-12, 12, 1001), np.zeros((1, 1001)), ["x"]), "1 to 1000 nodes.*got 1001"),
        ((Z, [line(1)], ["x", "y"]), "each of the 1 observations; got 2"),
        ((Z[::2], [line(1)[::2]], ["x"]), "at most 0.05.*from 0.1 to 0.1"),
        ((Z[::-1], [line(1)[::-1]], ["x"]), "rise by equal steps"),
        ((Z**3 / 144, [line(1)], ["x"]), "equal steps"),
        ((Z[10:], [line(1)[10:]], ["x"]), "got -11.5 to 12: extend it"),
        ((Z, narrow(0.02), ["x"]), "with half of the nodes"),
        ((Z, [np.zeros(481)], ["x"]), "at its edge"),
    ],
)
def test_a_grid_and_densities_that_cannot_be_used_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ElboFigure(*arguments)


# ── in a browser ──────────────────────────────────────────────────────────────────────────────────


def agrees(figure, page):
    """Check every number of the page against Python in the page's state, and return this state."""
    state = int(data(page, "index")), data(page, "mu"), data(page, "sigma")
    at(figure, *state)
    shown = [data(page, name) for name in ("logp", "elbo", "kl", "reconstruction", "prior")]
    computed = [
        figure.log_evidence,
        figure.elbo,
        figure.kl,
        figure.reconstruction,
        figure.kl_to_prior,
    ]
    # the same sums over the same float64, of up to some thousand nats
    assert shown == pytest.approx(computed, rel=1e-9, abs=1e-9)
    return state


def slider(page, name):
    return page.get_by_role("slider", name=name)


@pytest.mark.browser
def test_the_page_agrees_wherever_the_sliders_stand(show):
    figure = elbo()
    page = show(figure)
    assert agrees(figure, page) == (0, 0.0, 1.0)
    choice = page.get_by_label("Seen", exact=True)
    for index in (1, 2, 0):
        choice.select_option(index=index)
        for mu, sigma in ((-3, 0.1), (3, 1.5), (0.4, 0.3)):
            slider(page, "Mean μ of q").fill(str(mu))
            slider(page, "Standard deviation σ of q").fill(str(sigma))
            assert agrees(figure, page) == (index, mu, sigma)


@pytest.mark.browser
@pytest.mark.parametrize(("mu", "sigma"), [(-1.2, 0.5), (0.2, 0.3), (1.4, 0.3)])
@pytest.mark.parametrize("reading", [0, 1])
def test_the_third_bar_lies_between_the_ends_of_the_two_others(show, mu, sigma, reading):
    figure = at(elbo(), 1, mu, sigma, reading)
    page = show(figure)
    low, high = figure.window
    bars = page.locator(".live-side rect").evaluate_all(
        "bars => bars.map(bar => [bar.y.baseVal.value, bar.height.baseVal.value])"
    )
    tops, heights = np.array(bars).T
    unit = (372 - 26) / (high - low)  # units of the drawing for a nat
    places = 372 - unit * (
        np.array([figure.log_evidence, figure.elbo, figure.reconstruction, 0.0]) - low
    )
    log_p, bound, kept, zero = np.minimum(places, 372)
    ends = [(zero, log_p), (zero, bound), (bound, log_p)]
    if reading == 1:
        ends = [(zero, bound), (zero, kept), (bound, kept)]
    # the browser keeps lengths as float32
    assert tops == pytest.approx([min(pair) for pair in ends], abs=1e-3)
    assert heights == pytest.approx([abs(a - b) for a, b in ends], abs=1e-3)


@pytest.mark.browser
def test_the_numbers_under_the_bars_are_those_of_python(show):
    figure = at(elbo(), 1, -1.2, 0.3)
    page = show(figure)
    numbers = page.locator(".live-side .live-number")

    def shown():
        return [text.replace("−", "-") for text in numbers.all_text_contents()]

    values = (figure.log_evidence, figure.elbo, figure.kl)
    assert shown() == [*(f"{value:.2f}" for value in values), "=", "+"]
    page.get_by_label("Bars", exact=True).select_option(index=1)
    values = (figure.elbo, figure.reconstruction, figure.kl_to_prior)
    assert shown() == [*(f"{value:.2f}" for value in values), "=", "-"]


@pytest.mark.browser
def test_a_bar_below_the_axis_is_notched_and_its_number_stays(show):
    figure = at(elbo(), 0, -3.0, 0.5)
    page = show(figure)
    assert figure.elbo < figure.window[0]
    notches = page.locator(".live-more").evaluate_all(
        "marks => marks.map(mark => getComputedStyle(mark).visibility)"
    )
    assert notches == ["hidden", "visible", "visible"]
    bottoms = page.locator(".live-side rect").evaluate_all(
        "bars => bars.map(bar => bar.y.baseVal.value + bar.height.baseVal.value)"
    )
    assert max(bottoms) == pytest.approx(372, abs=1e-3)
    assert data(page, "elbo") == pytest.approx(figure.elbo, rel=1e-9)


@pytest.mark.browser
@pytest.mark.parametrize("by", ["mouse", "touch"])
def test_both_handles_can_be_dragged(show, by):
    figure = at(elbo(), 1, -1.0, 0.8)
    page = show(figure, touch=by == "touch", width=1300 if by == "mouse" else 390)
    drag = drag_by_mouse if by == "mouse" else drag_by_touch
    side, top = page.locator(".live-main .live-touch").all()
    # the axis of z runs from −3.5 at 42 to 3.5 at 332
    drag(page, top, *place_in(page, ".live-main svg", 42 + 290 * (1.0 + 3.5) / 7, 100))
    assert data(page, "mu") == pytest.approx(1.0, abs=0.05)  # one pixel is 0.024
    drag(page, side, *place_in(page, ".live-main svg", 42 + 290 * (1.4 + 3.5) / 7, 100))
    assert data(page, "sigma") == pytest.approx(0.4, abs=0.08)  # both are off by a pixel or two
    agrees(figure, page)
    page.keyboard.press("ArrowRight")  # the keys go on from the handle
    assert data(page, "sigma") > 0.41


@pytest.mark.browser
def test_the_handles_stay_in_the_frame_where_q_is_taller_or_wider(show):
    page = show(at(elbo(), 1, 3.0, 0.1))
    for sigma in ("0.1", "1.5"):
        slider(page, "Standard deviation σ of q").fill(sigma)
        for handle in page.locator(".live-main .live-ring").all():
            x, y = handle.evaluate(
                "node => { const m = node.getCTM(); return [m.e / m.a, m.f / m.d]; }"
            )
            assert 42 <= x <= 332
            assert 26 <= y <= 202


@pytest.mark.browser
def test_the_climb_ends_at_the_best_q_of_the_hump_that_it_starts_at(show):
    figure = elbo()
    for mu in (-1.6, 1.9):
        page = show(at(figure, 1, mu, 0.3))
        page.get_by_role("button", name="Climb to the best q").click()
        page.wait_for_function(
            """() => {
                const now = document.querySelector('.live').dataset.elbo;
                const still = now === window.last;
                window.last = now;
                return still;
            }""",
            polling=300,  # several steps
        )
        expected = best(figure, 1, mu)
        agrees(figure, page)
        # a gain below 1e-9 nats ends the climb: with curvatures of 1/σ² > 4, that is within 1e-4
        assert data(page, "mu") == pytest.approx(expected[0], abs=1e-3)
        assert data(page, "sigma") == pytest.approx(expected[1], abs=1e-3)
        assert data(page, "elbo") == pytest.approx(expected[2], abs=1e-6)


@pytest.mark.browser
def test_it_says_where_it_is(show):
    figure = at(elbo(), 1, 0.0, 0.5)
    page = show(figure)
    slider(page, "Mean μ of q").focus()
    page.keyboard.press("ArrowLeft")
    assert agrees(figure, page)[1] == -0.05
    assert slider(page, "Mean μ of q").get_attribute("aria-valuetext") == "mean -0.05"
    page.wait_for_timeout(600)  # the spoken sentence waits until the figure rests
    sentence = page.locator(".live-spoken").inner_text()
    assert sentence == page.locator(".live-sentence").inner_text()
    assert sentence.replace("−", "-") == (
        "q has mean -0.05 and standard deviation 0.50. "
        f"log p(x) {figure.log_evidence:.2f} = ELBO {figure.elbo:.2f} + KL {figure.kl:.2f} nats."
    )
