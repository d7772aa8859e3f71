"""The latent plane: what it computes, and that the page shows the same."""

import json
import re

import numpy as np
import pytest
import torch
import traitlets
from live_figures import (
    data,
    drag_by_mouse,
    drag_by_touch,
    latent_plane,
    pixels,
    place_in,
    plane_decoder,
)
from torch import nn

from lecture_lib.figures import LatentPlaneFigure, base

D = 108
CODES = np.random.default_rng(1).normal(size=(30, 2))
LABELS = np.arange(30) % 3


# ── in Python ─────────────────────────────────────────────────────────────────────────────────────


def test_the_mean_is_nearly_the_decoders_own():
    figure, decoder = latent_plane(), plane_decoder()
    with torch.no_grad():
        own = decoder(torch.tensor([[0.7, -1.2]]))[0].numpy()
    mean = figure.mean(0.7, -1.2)
    # a weight is off by 1/2048 of itself; two layers of such errors stay below ten of them
    np.testing.assert_allclose(mean, own, atol=10 / 2048)
    assert not np.array_equal(mean, own)


def test_draws_have_the_mean_as_their_probability():
    # One probability for all pixels, so that their share of ones estimates it.
    decoder = nn.Sequential(nn.Linear(2, 784), nn.Sigmoid())
    nn.init.zeros_(decoder[0].weight)
    nn.init.constant_(decoder[0].bias, -1.0)
    figure = LatentPlaneFigure(decoder, CODES, LABELS, (28, 28))
    p = 1 / (1 + np.e)
    assert figure.mean(0, 0) == pytest.approx(np.full(784, p), rel=1e-6)
    x = figure.sample(0, 0)
    assert set(x) == {0.0, 1.0}
    # a share of 784 pixels has a standard error of 0.016; four of them, and u never changes
    assert x.mean() == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 784))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_farther_out_is_that_of_a_normal_in_the_plane(share):
    z = np.random.default_rng(0).standard_normal((100_000, 2))
    radius = np.quantile(np.linalg.norm(z, axis=1), 1 - share)
    figure = latent_plane()
    # a share of 100,000 draws has a standard error of 0.0016 at most
    assert figure.farther(0.6 * radius, -0.8 * radius) == pytest.approx(share, abs=4 * 0.0016)
    assert figure.distance(0.6 * radius, -0.8 * radius) == pytest.approx(radius)


def test_the_nearest_codes_come_in_order():
    figure = LatentPlaneFigure(plane_decoder(), CODES, np.arange(30) % 10, (12, 9))
    for i in (0, 7, 29):
        assert figure.nearest(*CODES[i])[0] == i % 10
    distances = np.linalg.norm(CODES - [0.3, 0.1], axis=1)
    expected = np.argsort(distances)[:5] % 10
    np.testing.assert_array_equal(figure.nearest(0.3, 0.1), expected)


def test_fewer_codes_than_five_are_all_the_nearest():
    figure = LatentPlaneFigure(plane_decoder(), CODES[:2], LABELS[:2], (12, 9))
    np.testing.assert_array_equal(figure.nearest(*CODES[1]), [1, 0])


def test_the_plane_holds_all_codes_and_the_middle_of_the_prior():
    for reach, half in ((0.1, 3.0), (3.0, 3.5), (4.7, 5.0)):
        codes = reach * CODES / np.abs(CODES).max()
        figure = LatentPlaneFigure(plane_decoder(), codes, LABELS, (12, 9))
        assert figure.half == half
        assert np.abs(figure.disc_places).max() <= half


def test_discs_do_not_cover_each_other():
    codes = np.concatenate([CODES, CODES + 0.01])
    labels = np.repeat([4, 9], 30)
    figure = LatentPlaneFigure(plane_decoder(), codes, labels, (12, 9))
    a, b = np.array(figure.disc_places)
    # a disc is 18 of the 290 units that the plane is wide
    assert np.linalg.norm(a - b) > 18 / 290 * 2 * figure.half
    # and moves away from its class by no more than it must
    assert np.linalg.norm(a - CODES.mean(axis=0)) < 18 / 290 * 2 * figure.half


def test_the_description_names_the_present_numbers():
    figure = latent_plane()
    figure.z1, figure.z2 = 0.6, -0.8
    assert "z = (0.60, -0.80) lies 1.00 from the origin; 61% of the prior" in figure.alt
    near = ", ".join(map(str, figure.nearest(0.6, -0.8)))
    assert figure.alt.endswith(f"Nearest codes: {near}.")


@pytest.mark.parametrize(
    ("name", "value"), [("z1", 9.0), ("z2", -9.0), ("z2", np.nan), ("shown", 11), ("shown", -1)]
)
def test_a_state_that_there_is_not_is_refused_and_the_old_one_stays(name, value):
    figure = latent_plane()
    before = getattr(figure, name)
    with pytest.raises(traitlets.TraitError, match=f"expected {name} from .*; got {value:g}"):
        setattr(figure, name, value)
    assert getattr(figure, name) == before


def test_the_module_holds_the_script_that_runs_networks():
    assert (base.HERE / "networks.js").read_text(encoding="utf-8") in LatentPlaneFigure._esm


def wide(width):
    return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 784), nn.Sigmoid())


def test_the_largest_state_fits_a_page():
    rng = np.random.default_rng(0)
    codes, labels = rng.normal(size=(1500, 2)), rng.integers(10, size=1500)
    figure = LatentPlaneFigure(wide(284), codes, labels, (28, 28))
    assert 445_000 < len(figure.network_data) <= 450_000
    assert len(json.dumps(figure._get_embed_state())) < 700_000


def linear(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, outputs), nn.Sigmoid())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decoder": wide(400)}, r"at most 225,000 weights.*got 315,\d+: use fewer"),
        ({"decoder": linear(3, D)}, "12 by 9 pixels; got 3 to 108"),
        ({"decoder": linear(2, 90)}, "12 by 9 pixels; got 2 to 90"),
        ({"decoder": nn.ELU()}, "got ELU"),
        ({"decoder": nn.Sigmoid()}, "from 2 numbers"),
        ({"decoder": nn.Linear(2, D)}, "from 0 to 1; got .*nn.Sigmoid"),
        ({"codes": CODES[:, 0]}, r"codes of shape \(N, 2\); got shape \(30,\)"),
        ({"codes": np.ones((30, 3))}, r"\(30, 3\): train a model with latent_dim=2"),
        ({"codes": CODES * np.nan}, "60 that are NaN"),
        ({"codes": CODES[:0], "labels": LABELS[:0]}, "1 to 1500 codes.*got 0"),
        ({"codes": np.ones((1501, 2))}, "1 to 1500 codes.*got 1501"),
        ({"labels": LABELS[:9]}, r"each of the 30 codes; got shape \(9,\)"),
        ({"labels": LABELS + 8}, "from 0 to 9.*10"),
        ({"labels": LABELS + 0.5}, "whole numbers"),
        ({"image_shape": (9, 9)}, "9 by 9 pixels; got 2 to 16 then 16 to 108"),
    ],
)
def test_arguments_must_fit(changes, message):
    fitting = {
        "decoder": plane_decoder(),
        "codes": CODES,
        "labels": LABELS,
        "image_shape": (12, 9),
    }
    LatentPlaneFigure(**fitting)
    with pytest.raises(ValueError, match=message):
        LatentPlaneFigure(**(fitting | changes))


# ── in a browser ──────────────────────────────────────────────────────────────────────────────────


def agrees(figure, page):
    """Check the page against Python at its present point, and return this point."""
    z1, z2 = data(page, "z1"), data(page, "z2")
    # the same formulas in float64
    assert data(page, "distance") == pytest.approx(figure.distance(z1, z2), rel=1e-12)
    assert data(page, "farther") == pytest.approx(figure.farther(z1, z2), rel=1e-12)
    near = page.locator(".live").get_attribute("data-nearest")
    assert near == ", ".join(map(str, figure.nearest(z1, z2)))
    mean = figure.mean(z1, z2)
    first, second = (f".live-tiles > div:nth-child({k}) canvas" for k in (1, 2))
    shown = pixels(page, first)
    # rounded to whole levels, from numbers that differ by less than 0.01 of one
    assert np.abs(shown[..., 0] - 255 * mean.reshape(12, 9)).max() <= 0.51
    assert (shown[..., 3] == 255).all()
    # float32 can put a mean on the other side of u only where the two are as good as equal
    clear = np.abs(mean - figure.uniform) > 1e-5
    drawn = pixels(page, second)[..., 1].ravel() / 255
    np.testing.assert_array_equal(drawn[clear], figure.sample(z1, z2)[clear])
    return z1, z2


def slider(page, name):
    return page.get_by_role("slider", name=name)


@pytest.mark.browser
def test_the_page_agrees_wherever_the_sliders_stand(show):
    figure = latent_plane()
    page = show(figure)
    assert agrees(figure, page) == (0, 0)
    for z1, z2 in ((0.5, -0.75), (-figure.half, figure.half), (1.25, 2.0)):
        slider(page, "Code z₁").fill(str(z1))
        slider(page, "Code z₂").fill(str(z2))
        assert agrees(figure, page) == (z1, z2)


@pytest.mark.browser
def test_the_page_starts_in_the_state_that_python_left(show):
    figure = latent_plane()
    figure.z1, figure.z2, figure.shown = -1.5, 0.35, 4
    page = show(figure)
    assert agrees(figure, page) == (-1.5, 0.35)
    assert page.get_by_label("Highlight").input_value() == "4"


@pytest.mark.browser
@pytest.mark.parametrize("by", ["mouse", "touch"])
def test_the_point_follows_a_dragged_handle(show, by):
    figure = latent_plane()
    page = show(figure, touch=by == "touch", width=1300 if by == "mouse" else 390)
    unit = 145 / figure.half  # the origin lies at (187, 167) of the drawing; up is minus y
    place = place_in(page, ".live-main svg", 187 + 1.4 * unit, 167 + 0.9 * unit)
    drag = drag_by_mouse if by == "mouse" else drag_by_touch
    drag(page, page.locator(".live-touch"), *place)
    assert page.evaluate("scrollY") == 0
    # one pixel is 1.1 units at most on these pages
    assert agrees(figure, page) == pytest.approx((1.4, -0.9), abs=1.1 / unit)
    # out of the frame, the point stops at its edge
    drag(page, page.locator(".live-touch"), *place_in(page, ".live-main svg", 337, 12))
    assert agrees(figure, page) == (figure.half, figure.half)


@pytest.mark.browser
def test_the_point_moves_by_keyboard_and_says_where_it_is(show):
    figure = latent_plane()
    page = show(figure)
    slider(page, "Code z₁").focus()
    page.keyboard.press("ArrowRight")
    assert agrees(figure, page) == (0.05, 0)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert agrees(figure, page) == (0.05, -0.05)
    assert slider(page, "Code z₂").get_attribute("aria-valuetext") == "-0.05"
    page.wait_for_timeout(600)  # the spoken sentence waits until the figure rests
    sentence = page.locator(".live-spoken").inner_text()
    assert sentence == page.locator(".live-sentence").inner_text()
    near = ", ".join(map(str, figure.nearest(0.05, -0.05)))
    assert sentence.startswith(
        "z = (0.05, −0.05) lies 0.07 from the origin; 100\N{NO-BREAK SPACE}%"
    )
    assert sentence.endswith(f"Nearest codes: {near}.")
    assert sentence in page.locator(".live-tiles").get_attribute("aria-label")


@pytest.mark.browser
def test_the_drawing_has_a_dot_for_each_code_and_rings_at_the_nearest(show):
    figure = latent_plane()
    figure.z1 = 0.4
    page = show(figure)
    unit = 145 / figure.half
    found = []
    for path in page.locator("path.live-cloud").all():
        pairs = re.findall(r"M([\d.]+),([\d.]+)h0", path.get_attribute("d"))
        found.append(np.array(pairs, dtype=float))
    places = [187, 167] + [unit, -unit] * figure.codes
    assert len(found) == 10
    for label, dots in enumerate(found):
        # written with one decimal
        np.testing.assert_allclose(dots, places[figure.labels == label], atol=0.0501)
    rings = page.locator("circle.live-ring-line").evaluate_all(
        "rings => rings.map(ring => [ring.cx.baseVal.value, ring.cy.baseVal.value])"
    )
    squares = np.square(figure.codes - [0.4, 0]).sum(axis=1)
    # single precision is what a drawing keeps
    np.testing.assert_allclose(rings, places[np.argsort(squares)[:5]], atol=1e-3)


@pytest.mark.browser
def test_one_class_can_be_made_to_stand_out(show):
    page = show(latent_plane())
    pale = page.locator("path.live-cloud.live-pale")
    assert pale.count() == 0
    page.get_by_label("Highlight").select_option(label="class 7")
    assert pale.count() == 9
    clouds = page.locator("path.live-cloud")
    assert "live-pale" not in clouds.nth(7).get_attribute("class")
    bold, faint = (
        float(clouds.nth(k).evaluate("path => getComputedStyle(path).opacity")) for k in (7, 6)
    )
    assert bold > 3 * faint
    page.get_by_label("Highlight").select_option(index=0)
    assert pale.count() == 0


@pytest.mark.browser
def test_four_tones_differ_in_both_themes(show):
    page = show(latent_plane())

    def tones():
        return page.locator("path.live-cloud").evaluate_all(
            "paths => paths.map(path => getComputedStyle(path).stroke)"
        )

    light = tones()
    assert len(set(light)) == 4
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert len(set(tones())) == 4
    assert not set(light) & set(tones())


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_with_a_class_that_stands_out(show, accessibility, theme):
    figure = latent_plane()
    figure.shown = 3
    assert accessibility(show(figure, theme=theme)) == []
