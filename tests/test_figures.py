import base64
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_figures import Z, direction, every_figure, hook, image_data, manifold, points
from matplotlib.figure import Figure
from traitlets import TraitError

from lecture_lib.figures import (
    DirectionFigure,
    LiveFigure,
    ManifoldFigure,
    ReconstructionFigure,
    base,
)


@given(n=st.integers(2, 40), seed=st.integers(0, 999), theta=st.floats(0, 180))
@settings(deadline=None, max_examples=25)
@pytest.mark.equation("eq-pca-identity")
def test_retained_and_error_add_up_to_the_trace_at_every_angle(n, seed, theta):
    figure = DirectionFigure(points(n, seed))
    total = np.square(figure.x - figure.x.mean(axis=0)).sum()
    # error() sums residuals of projected points, retained() is vᵀSv: rounding is all that differs
    assert figure.retained(theta) + figure.error(theta) == pytest.approx(total, rel=1e-10)


@given(n=st.integers(3, 40), seed=st.integers(0, 999))
@settings(deadline=None, max_examples=25)
def test_no_angle_keeps_more_than_the_best_one_and_the_slope_there_is_zero(n, seed):
    figure = DirectionFigure(points(n, seed))
    best = figure.retained(figure.best_angle)
    angles = np.linspace(0, 180, 721)
    # the sum of rounding errors is below 1e-12 of the trace
    assert max(map(figure.retained, angles)) <= best + 1e-12 * np.trace(figure.S)
    # a central difference over ±0.01° has an error of order h² = 3e-8 of the trace per radian
    slope = figure.retained(figure.best_angle + 0.01) - figure.retained(figure.best_angle - 0.01)
    assert abs(slope / np.radians(0.02)) < 1e-6 * np.trace(figure.S)


def test_components_travel_with_at_most_half_a_step_of_rounding():
    images, mean, components = image_data()
    figure = ReconstructionFigure(images[:3], mean, components, (12, 9))
    steps = np.frombuffer(figure.component_steps, "<f8")[:, None]
    whole = np.frombuffer(figure.component_data, "<i2").reshape(components.shape)
    # 0.5 steps, and a little for rounding in the division
    assert np.abs(whole * steps - components).max() <= 0.500001 * steps.max()
    assert np.abs(whole).max() == 32767


def test_the_error_is_what_the_kept_codes_leave():
    images, mean, components = image_data()
    figure = ReconstructionFigure(images[:3], mean, components, (12, 9))
    codes = (images[1] - mean) @ components.T
    distance = np.square(images[1] - mean).sum()
    for q in (0, 1, 7, 20):
        left = distance - np.square(codes[:q]).sum()
        assert figure.error(1, q) == pytest.approx(left, rel=1e-9)  # float64 sums of 108 terms
        assert figure.share(1, q) == pytest.approx(left / distance, rel=1e-9)


def test_nothing_is_left_of_an_image_that_is_the_mean():
    _, mean, components = image_data()
    figure = ReconstructionFigure(mean[None], mean, components, (12, 9))
    assert figure.share(0, 3) == 0.0


def test_the_density_around_a_straight_line_is_the_gaussian_that_it_should_be():
    a, sigma = np.array([0.8, -0.5]), 0.2
    z = np.linspace(-6, 6, 241)
    figure = ManifoldFigure(z, np.outer(z, a), sigma=sigma)
    x = np.random.default_rng(0).normal(size=(50, 2))
    # z ~ N(0, 1) and x = a z + noise make x a Gaussian with covariance a aᵀ + σ²I
    covariance = np.outer(a, a) + sigma**2 * np.eye(2)
    exponent = np.einsum("ni,ij,nj->n", x, np.linalg.inv(covariance), x)
    exact = np.exp(-0.5 * exponent) / (2 * np.pi * np.sqrt(np.linalg.det(covariance)))
    # nodes lie 0.24 σ apart on the line, where the trapezoidal rule is exact to rounding;
    # the prior beyond ±6 is 2e-9, which is seen only where the density itself is as small
    np.testing.assert_allclose(figure.density(x, sigma), exact, rtol=1e-6, atol=1e-8)


def test_the_density_integrates_to_one():
    figure = manifold()
    steps = np.arange(-4, 4, 0.05) + 0.025
    grid = np.stack(np.meshgrid(steps, steps), axis=-1)
    # cells of a third of σ sum a Gaussian exactly to rounding; the prior beyond ±4 is 6e-5
    assert figure.density(grid, 0.15).sum() * 0.05**2 == pytest.approx(1, abs=1e-4)


def test_the_point_lies_on_the_curve_at_a_node_and_between_two():
    figure = manifold()
    np.testing.assert_allclose(figure.point(Z[40]), hook(Z[40]), rtol=1e-12)
    np.testing.assert_allclose(figure.point(Z[40] + 0.025), (hook(Z[40]) + hook(Z[41])) / 2)


@every_figure
def test_a_figure_has_one_self_contained_module(make):
    figure = make()
    script = base.HERE / (type(figure).__mro__[1].__module__.rsplit(".")[-1] + ".js")
    assert script.read_text(encoding="utf-8") in figure._esm
    assert (base.HERE / "base.js").read_text(encoding="utf-8") in figure._esm
    assert not re.search(
        r"https?://(?!www\.w3\.org/2000/svg)|^import |<!--|</script", figure._esm, re.M
    )
    assert "url(" not in figure._css
    assert "@import" not in figure._css


@every_figure
def test_the_still_picture_is_small_and_described(make):
    figure = make()
    assert isinstance(figure.still(), Figure)
    slot = figure.slot()
    png = base64.b64decode(re.search(r'base64,([^"]+)"', slot)[1])
    assert png.startswith(b"\x89PNG")
    assert len(png) < 40_000
    assert re.search(r'alt="([^"]+)"', slot)[1] == figure.alt
    assert f'data-live="{figure.model_id}"' in slot


def test_the_description_names_the_present_numbers():
    figure = direction()
    figure.theta = 30.0
    assert "at 30 degrees" in figure.alt
    assert f"keep {figure.retained(30):.3g} of" in figure.alt


@every_figure
def test_what_the_reader_moves_has_limits(make):
    figure = make()
    assert figure._ranges
    for name, (low, high) in figure._ranges.items():
        for value in (low, high):
            setattr(figure, name, value)
            assert figure.alt
        for value in (low - 1, high + 1):
            with pytest.raises(TraitError, match=f"expected {name} from {low:g} to {high:g}"):
                setattr(figure, name, value)
        assert getattr(figure, name) == high


def test_a_manifold_starts_at_a_sigma_hardly_larger_than_its_gaps():
    gap = np.linalg.norm(np.diff(hook(Z), axis=0), axis=1).max()
    figure = ManifoldFigure(Z, hook(Z), sigma=1.001 * gap)
    assert figure.sigma == figure.sigma_range[0]


def test_markup_in_a_label_stays_text():
    images, mean, components = image_data()
    labels = ['<b>"seven"</b>']
    figure = ReconstructionFigure(images[:1], mean, components, (12, 9), labels)
    assert "<b>" not in figure.slot()
    assert "&lt;b&gt;&quot;seven&quot;" in figure.slot()


@every_figure
def test_the_slot_is_shown_before_the_widget(make, monkeypatch):
    shown = []
    monkeypatch.setattr(base, "display", lambda data, **_: shown.append(data))
    figure = make()
    figure._ipython_display_()
    slot, widget = shown
    assert slot.data.startswith('<div class="live-slot"')
    assert widget["application/vnd.jupyter.widget-view+json"]["model_id"] == figure.model_id


def test_the_largest_state_fits_a_page():
    rng = np.random.default_rng(0)
    components = np.linalg.qr(rng.normal(size=(784, 64)))[0].T
    figure = ReconstructionFigure(rng.normal(size=(10, 784)), np.zeros(784), components, (28, 28))
    state = figure._get_embed_state()
    assert len(json.dumps(state)) < 250_000


def test_a_class_without_its_script_is_refused():
    with pytest.raises(FileNotFoundError, match=r"test_figures\.js"):
        type("Orphan", (LiveFigure,), {"__module__": __name__})


def broken_points(**changes):
    x = points()
    x[3] = changes.pop("row", x[3])
    return x


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros(5),), r"shape \(N, 2\); got shape \(5,\)"),
        ((np.zeros((5, 3)),), r"\(5, 3\): choose two columns"),
        ((broken_points(row=[np.nan, np.inf]),), "2 that are NaN or infinite"),
        ((points(301),), "got 301: pass a sample"),
        ((points(1),), "got 1"),
        ((np.full((7, 2), 1e6 / 3),), "one point repeated"),
        ((points(), -1.0), "0 to 180 degrees; got -1.0"),
        ((points(), np.nan), "got nan"),
    ],
)
def test_a_direction_needs_points_in_the_plane(arguments, message):
    with pytest.raises(ValueError, match=message):
        DirectionFigure(*arguments)


IMAGES, MEAN, COMPONENTS = image_data()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": IMAGES[0]}, r"images of shape \(n, D\); got shape \(108,\)"),
        ({"images": IMAGES[:3, :50]}, r"108 pixels in images .* \(3, 50\): flatten"),
        ({"images": IMAGES[:11]}, "1 to 10 images.*got 11"),
        ({"images": IMAGES[:0]}, "1 to 10 images.*got 0"),
        ({"mean": MEAN[:-1]}, "108 pixels in mean"),
        ({"mean": MEAN * np.nan}, "108 that are NaN"),
        ({"components": COMPONENTS * 2}, "orthonormal"),
        ({"components": np.eye(108)[:65]}, "1 to 64 components.*got 65"),
        ({"image_shape": (9, 11)}, "99 pixels in images for 9 by 11"),
        ({"labels": ["one"]}, "each of the 3 images; got 1"),
        ({"q": 21}, "q from 0 to 20.*got 21"),
    ],
)
def test_a_reconstruction_needs_arrays_that_fit(changes, message):
    fitting = {"images": IMAGES[:3], "mean": MEAN, "components": COMPONENTS, "image_shape": (12, 9)}
    ReconstructionFigure(**fitting)
    with pytest.raises(ValueError, match=message):
        ReconstructionFigure(**(fitting | changes))


def test_no_more_pixels_than_a_page_can_carry():
    with pytest.raises(ValueError, match="1 to 784 pixels"):
        ReconstructionFigure(np.zeros((1, 900)), np.zeros(900), np.eye(900)[:2], (30, 30))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Z[:, None], hook(Z)), r"z_nodes of shape \(M,\)"),
        ((Z, hook(Z)[:-1]), "each of the 161 nodes"),
        ((Z[::-1], hook(Z)), "rise"),
        ((Z[30:], hook(Z)[30:]), "from -2.5 to 4: sort or extend"),
        ((Z, hook(Z), 0.01), "more nodes or a larger sigma"),
        ((Z, hook(Z), np.nan), "sigma = nan"),
        ((np.linspace(-4, 4, 401), hook(np.linspace(-4, 4, 401))), "at most 400 nodes; got 401"),
    ],
)
def test_a_manifold_needs_a_curve_that_is_fine_enough(arguments, message):
    with pytest.raises(ValueError, match=message):
        ManifoldFigure(*arguments)
