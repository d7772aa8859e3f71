"""The denoising figure: what it computes, and that the page shows the same."""

import json
import re

import numpy as np
import pytest
import torch
import traitlets
from live_figures import data, denoiser, denoising, grey_images, pixels
from torch import nn

from lecture_lib import Autoencoder
from lecture_lib.figures import DenoisingFigure, base

D = 108


# ── in Python ─────────────────────────────────────────────────────────────────────────────────────


def test_the_noise_has_the_moments_of_a_standard_normal():
    figure = DenoisingFigure(Autoencoder(784, 2, (4,)), np.zeros((1, 784)), (28, 28))
    noise = figure.noise
    assert noise.shape == (16, 784)
    # 12,544 numbers: standard errors are 0.0089 for the mean and 0.0126 for the variance; rounding
    # to 1/32 adds 1/12288 to the variance. Four of them each, and the noise never changes.
    assert noise.mean() == pytest.approx(0, abs=0.036)
    assert noise.var() == pytest.approx(1, abs=0.05)
    # 127/32 is the limit; of so many normal numbers 24 ± 5 are beyond 3.1
    assert 3.5 < np.abs(noise).max() <= 127 / 32
    # independent draws: a correlation of 784 pairs has a standard error of 0.036; of 120 such the
    # largest stays below 4.5 standard errors
    between = np.corrcoef(noise)[np.triu_indices(16, 1)]
    assert np.abs(between).max() < 0.16


def test_all_that_travels_is_what_python_computes_with():
    figure = denoising()
    images = np.frombuffer(figure.image_data, np.uint8).reshape(3, D) / 255
    noise = np.frombuffer(figure.noise_data, np.int8).reshape(16, D) / 32
    assert np.abs(images - grey_images()).max() <= 0.5 / 255 + 1e-12
    np.testing.assert_array_equal(figure.noisy(2, 5, 0.0), images[2])
    # the same sum, in float64 like everything here
    np.testing.assert_allclose(figure.noisy(2, 5, 0.3), images[2] + 0.3 * noise[5], atol=1e-15)


def test_the_cleaned_image_is_nearly_the_models_own():
    figure, model = denoising(), denoiser()
    row = torch.as_tensor(figure.noisy(1, 3, 0.5)[None], dtype=torch.float32)
    with torch.no_grad():
        own = model(row)[0].numpy()
    cleaned = figure.cleaned(1, 3, 0.5)
    # a weight is off by 1/2048 of itself; four layers of such errors stay below ten of them
    np.testing.assert_allclose(cleaned, own, atol=10 / 2048)
    assert not np.array_equal(cleaned, own)


@pytest.mark.parametrize("tau", [0.0, 0.36, 1.0])
def test_errors_are_squared_distances_from_the_clean_image(tau):
    figure = denoising()
    noisy, cleaned = figure.errors(1, 4, tau)
    assert noisy == pytest.approx(tau**2 * np.square(figure.noise[4]).sum(), rel=1e-12)
    distance = np.linalg.norm(figure.cleaned(1, 4, tau) - figure.images[1])
    assert cleaned == pytest.approx(distance**2, rel=1e-12)


def test_the_description_names_the_present_numbers():
    figure = denoising()
    figure.index, figure.draw, figure.tau = 2, 7, 0.8
    noisy, cleaned = figure.errors(2, 7, 0.8)
    assert "of image 3: clean, with noise of standard deviation 0.80" in figure.alt
    assert f"is {noisy:.3g} away and the cleaned one {cleaned:.3g}" in figure.alt


@pytest.mark.parametrize(
    ("name", "value"), [("index", 3), ("index", -1), ("draw", 16), ("tau", 1.01), ("tau", np.nan)]
)
def test_a_state_that_there_is_not_is_refused_and_the_old_one_stays(name, value):
    figure = denoising()
    before = getattr(figure, name)
    with pytest.raises(traitlets.TraitError, match=f"expected {name} from 0 to .*; got {value:g}"):
        setattr(figure, name, value)
    assert getattr(figure, name) == before


def test_the_module_holds_the_script_that_runs_networks():
    assert (base.HERE / "networks.js").read_text(encoding="utf-8") in DenoisingFigure._esm


def digits_model(width):
    return Autoencoder(784, 32, (width,), activation=nn.ReLU, output=nn.Sigmoid)


def test_the_largest_state_fits_a_page():
    figure = DenoisingFigure(digits_model(136), np.ones((10, 784)), (28, 28))
    assert 440_000 < len(figure.network_data) <= 450_000
    assert len(json.dumps(figure._get_embed_state())) < 700_000


def test_a_model_too_large_for_a_page_is_refused():
    model = digits_model(140)
    count = sum(values.numel() for values in model.parameters())
    with pytest.raises(ValueError, match=f"at most 225,000 weights.*got {count:,}: use fewer"):
        DenoisingFigure(model, np.ones((10, 784)), (28, 28))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": nn.Linear(D, D)}, "trained Autoencoder; got Linear"),
        ({"model": denoiser(90)}, r"\(n, 90\).*got \(3, 108\) for 12 by 9"),
        ({"model": Autoencoder(D, 2, activation=nn.ELU)}, "got ELU"),
        ({"images": grey_images()[0]}, r"images of shape \(n, D\); got shape \(108,\)"),
        ({"images": grey_images()[:, :100]}, r"\(n, 108\).*got \(3, 100\)"),
        ({"image_shape": (10, 9)}, "for 10 by 9 pixels"),
        ({"images": grey_images(11)}, "1 to 10 images.*got 11"),
        ({"images": grey_images(0)}, "1 to 10 images.*got 0"),
        ({"images": grey_images() * np.nan}, "324 that are NaN"),
        ({"images": grey_images() * 255}, "grey values from 0 to 1"),
        ({"images": grey_images() - 1}, "grey values from 0 to 1"),
        ({"images": grey_images() + 0.5}, "grey values from 0 to 1"),
        ({"labels": ["one"]}, "each of the 3 images; got 1"),
    ],
)
def test_arguments_must_fit(changes, message):
    fitting = {"model": denoiser(), "images": grey_images(), "image_shape": (12, 9)}
    DenoisingFigure(**fitting)
    with pytest.raises(ValueError, match=message):
        DenoisingFigure(**(fitting | changes))


# ── in a browser ──────────────────────────────────────────────────────────────────────────────────


def slider(page):
    return page.get_by_role("slider", name="Noise level τ")


def agrees(figure, page):
    """Check the page against Python at its present state, and return this state."""
    index, draw, tau = int(data(page, "index")), int(data(page, "draw")), data(page, "tau")
    noisy, cleaned = figure.errors(index, draw, tau)
    assert data(page, "noisy") == pytest.approx(noisy, rel=1e-12)  # both in float64
    # PyTorch's float32 is off by 1e-6 at most in a pixel: the error E, a sum over D pixels, by
    # 2e-6 √(D E), which is below 1e-5 E as long as E > 4
    assert cleaned > 4
    assert data(page, "cleaned") == pytest.approx(cleaned, rel=1e-5)
    return index, draw, tau


@pytest.mark.browser
def test_the_page_agrees_for_several_levels_images_and_draws(show):
    figure = denoising()
    page = show(figure)
    choice = page.get_by_label("Image", exact=True)
    button = page.get_by_role("button", name="New noise")
    assert agrees(figure, page) == (0, 0, 0.5)
    for number, (index, tau) in enumerate([(1, 0.0), (2, 0.02), (0, 0.36), (2, 1.0)], start=1):
        choice.select_option(index=index)
        button.click()
        slider(page).fill(str(tau))
        assert agrees(figure, page) == (index, number, tau)
        empty, *shown = page.locator(".live-tile-number").all_inner_texts()
        assert empty == ""
        for text, error in zip(shown, figure.errors(index, number, tau), strict=True):
            assert float(text.removeprefix("error ")) == pytest.approx(error, rel=0.005)


@pytest.mark.browser
def test_the_level_moves_by_keyboard_and_says_where_it_is(show):
    figure = denoising()
    page = show(figure)
    slider(page).focus()
    for key, tau in (("ArrowRight", 0.52), ("ArrowLeft", 0.5), ("Home", 0), ("End", 1)):
        page.keyboard.press(key)
        assert agrees(figure, page) == (0, 0, tau)
        spoken = slider(page).get_attribute("aria-valuetext")
        assert spoken == f"noise of standard deviation {tau:.2f}"
    page.wait_for_timeout(600)  # the spoken sentence waits until the figure rests
    sentence = page.locator(".live-spoken").inner_text()
    assert sentence == page.locator(".live-sentence").inner_text()
    noisy, cleaned = figure.errors(0, 0, 1.0)
    assert f"At τ = 1.00 the noisy image is {noisy:.3g} from" in sentence
    assert sentence.endswith(f"one\N{NO-BREAK SPACE}{cleaned:.3g}.")
    assert sentence in page.locator(".live-tiles").get_attribute("aria-label")


@pytest.mark.browser
def test_new_noise_comes_at_every_press_and_starts_again_after_the_last(show):
    figure = denoising()
    page = show(figure)
    page.get_by_role("button", name="New noise").focus()
    seen = [data(page, "noisy")]
    for draw in [*range(1, 16), 0]:
        page.keyboard.press("Enter")
        assert agrees(figure, page) == (0, draw, 0.5)
        seen.append(data(page, "noisy"))
    assert len(set(seen)) == 16
    assert seen[-1] == seen[0]


@pytest.mark.browser
def test_the_pictures_have_the_grey_levels_that_python_computes(show):
    figure = denoising()
    figure.index, figure.draw, figure.tau = 2, 9, 0.6
    page = show(figure)
    assert agrees(figure, page) == (2, 9, 0.6)  # the page starts where Python left it
    state = (2, 9, 0.6)
    expected = [figure.images[2], figure.noisy(*state), figure.cleaned(*state)]
    assert expected[1].min() < 0 < 1 < expected[1].max()  # so that clipping is seen
    for number, values in enumerate(expected, start=1):
        shown = pixels(page, f".live-tiles > div:nth-child({number}) canvas")
        levels = 255 * values.clip(0, 1).reshape(12, 9)
        # rounded to whole levels, from numbers that differ by less than 0.01 of one
        for channel in range(3):
            assert np.abs(shown[..., channel] - levels).max() <= 0.51
        assert (shown[..., 3] == 255).all()


def points_of(page, selector):
    text = page.locator(selector).get_attribute("d")
    return np.array([pair.split(",") for pair in re.split("[ML]", text)[1:]], dtype=float)


@pytest.mark.browser
def test_the_chart_draws_the_errors_for_every_level(show):
    figure = denoising()
    page = show(figure)
    page.get_by_role("button", name="New noise").click()

    def height(error):  # D + 5√(2D) = 181, so the frame, from 182 up to 26, goes from 1 to 1000
        return 182 - (182 - 26) * np.log10(error) / 3

    cleaned = points_of(page, ".live-side path.live-blue")
    taus = np.linspace(0, 1, 26)
    expected = [height(figure.errors(0, 1, tau)[1]) for tau in taus]
    # the path is written with two decimals
    np.testing.assert_allclose(cleaned, np.stack([42 + 290 * taus, expected], 1), atol=0.0051)
    noisy = points_of(page, ".live-side path.live-orange")
    square = np.square(figure.noise[1]).sum()
    assert noisy[0] == pytest.approx([42 + 290 / np.sqrt(square), 182], abs=0.0051)
    # two decimals of τ move a height by as much as the slope, which is steepest at the start:
    # 156/3 · 2/(ln 10 · τ) per 290 units, or 1.6 at τ = 0.1
    inner = noisy[(noisy[:, 0] - 42) / 290 > 0.1]
    levels = square * ((inner[:, 0] - 42) / 290) ** 2
    np.testing.assert_allclose(inner[:, 1], height(levels), atol=0.0051 * 2.6)
    marks = page.locator(".live-side circle")
    for mark, error in zip(marks.all(), figure.errors(0, 1, 0.5), strict=True):
        assert float(mark.get_attribute("cx")) == pytest.approx(42 + 290 / 2)
        assert float(mark.get_attribute("cy")) == pytest.approx(height(error), abs=1e-3)
    slider(page).fill("0")
    assert marks.first.get_attribute("visibility") == "hidden"  # no error is below the frame


@pytest.mark.browser
@pytest.mark.parametrize("width", [350, 1300])
def test_the_three_pictures_stand_side_by_side(show, accessibility, width):
    page = show(denoising(), width=width)
    boxes = [canvas.bounding_box() for canvas in page.locator(".live-tiles canvas").all()]
    assert len({round(box["y"]) for box in boxes}) == 1
    assert min(box["width"] for box in boxes) > 90
    for title, box in zip(page.locator(".live-tile-title").all(), boxes, strict=True):
        assert title.evaluate("node => node.scrollWidth") <= box["width"] + 1
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert accessibility(page) == []
