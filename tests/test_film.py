"""The film of a training: its numbers are the model's, and the page draws them."""

import itertools
import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from live_figures import data, direction, film, points

from lecture_lib import Autoencoder, LinearAutoencoder, fit
from lecture_lib.autoencoders import squared_error
from lecture_lib.figures import FilmFigure
from lecture_lib.plotting import CODES
from lecture_lib.training import History


def random_history(make, count, seed=0, size=1.0):
    """Snapshots of models with random weights, for what holds whether or not they were trained."""
    torch.manual_seed(seed)
    snapshots = {}
    for epoch in range(count):
        model = make()
        with torch.no_grad():
            for values in model.parameters():
                values.mul_(size)
        snapshots[epoch] = {name: value.clone() for name, value in model.state_dict().items()}
    return model, History(snapshots=snapshots)


def random_film(x, make, count=3, **options):
    return FilmFigure(x, *random_history(make, count, **options))


def places(figure, trait):
    """What the page reads from the bytes of a trait, in units of x."""
    whole = np.frombuffer(getattr(figure, trait), "<u2").reshape(-1, 2) / 65535
    c1, c2, half = figure.window
    return np.array([c1, c2]) + 3 * half * (2 * whole - 1)


def wild_history(scale=30.0):
    """Three frames; in the one in the middle the weights are `scale` times too large."""
    model, history = random_history(MODELS[0], count=3)
    history.snapshots[1] = {k: scale * value for k, value in history.snapshots[1].items()}
    return model, history


MODELS = [
    lambda: Autoencoder(2, 1, (8,)),
    lambda: Autoencoder(2, 2, (8,)),
    lambda: LinearAutoencoder(2, 1),
    lambda: LinearAutoencoder(2, 2),
]
every_model = pytest.mark.parametrize("make", MODELS)


# ── the numbers ───────────────────────────────────────────────────────────────────────────────────


@every_model
def test_the_loss_of_a_frame_is_the_loss_of_its_snapshot(make):
    x = points(40)
    torch.manual_seed(0)
    model = make()
    history = fit(model, x, epochs=6, batch_size=8, learning_rate=0.05, snapshots=(6, 0, 2))
    figure = FilmFigure(x, model, history)
    assert figure.epochs == [0, 2, 6]
    for epoch, loss, rebuilt in zip(figure.epochs, figure.losses, figure.rebuilt, strict=True):
        model.load_state_dict(history.snapshots[epoch])
        with torch.no_grad():
            expected = model(torch.as_tensor(x, dtype=torch.float32)).numpy()
            # the model's float32 has an error of 6e-8 an operation, of which there are dozens;
            # the figure's float64 has none that is seen
            assert model.loss(torch.as_tensor(x, dtype=torch.float32)).item() == pytest.approx(
                loss, rel=1e-4, abs=1e-10
            )
        np.testing.assert_allclose(rebuilt, expected, atol=1e-5)
        assert loss == pytest.approx(np.square(rebuilt - x).sum(axis=1).mean(), rel=1e-12)


def test_noise_and_weight_decay_of_the_training_are_left_out():
    x = points(40)
    model, history = random_history(
        lambda: LinearAutoencoder(2, 1, noise=0.5, weight_decay=0.3), count=2
    )
    figure = FilmFigure(x, model, history)
    clean = torch.as_tensor(x, dtype=torch.float32)
    model.load_state_dict(history.snapshots[1])
    with torch.no_grad():
        expected = squared_error(model(clean), clean).mean().item()
        assert model.loss(clean).item() > expected + 0.05  # so that the test can tell them apart
    assert figure.losses[1] == pytest.approx(expected, rel=1e-5)  # float32 against float64


@given(n=st.integers(3, 40), seed=st.integers(0, 999))
@settings(deadline=None, max_examples=20)
def test_pca_loses_the_discarded_eigenvalue_and_no_affine_autoencoder_less(n, seed):
    x = points(n, seed)
    figure = random_film(x, MODELS[2], seed=seed)
    eigenvalues = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2
    # eigenvalues of S have errors of 1e-15 of the largest, which is at most about 1e4 times the
    # smallest in clouds of this shape, or a smaller share of a loss that is compared with it
    tolerance = 1e-12 * eigenvalues[0]
    assert figure.pca_loss == pytest.approx(eigenvalues[1] / n, rel=1e-9, abs=tolerance)
    assert min(figure.losses) >= figure.pca_loss - tolerance


def test_pca_with_two_components_loses_nothing_and_has_no_line():
    figure = random_film(points(), MODELS[1])
    assert figure.pca_loss == 0
    assert figure.pca_line == []


@given(n=st.integers(3, 40), seed=st.integers(0, 999), shift=st.floats(-50, 50))
@settings(deadline=None, max_examples=20)
def test_the_line_of_pca_runs_through_the_mean_from_edge_to_edge(n, seed, shift):
    x = points(n, seed) + np.array([0, shift])
    figure = random_film(x, MODELS[2], seed=seed)
    c1, c2, half = figure.window
    ends = np.reshape(figure.pca_line, (2, 2))
    # each end lies on the border of the square, up to rounding
    assert np.abs(ends - [c1, c2]).max(axis=1) == pytest.approx([half, half], rel=1e-9)
    v = np.linalg.svd(x - x.mean(axis=0))[2][0]
    away = np.linalg.norm(ends - x.mean(axis=0), axis=1)
    np.testing.assert_allclose(
        np.abs((ends - x.mean(axis=0)) @ v), away, rtol=1e-9, atol=1e-9 * half
    )


@given(n=st.integers(2, 40), seed=st.integers(0, 999), size=st.floats(0.1, 4))
@settings(deadline=None, max_examples=20)
def test_places_travel_with_at_most_half_a_step_of_rounding(n, seed, size):
    for make in MODELS[:2]:
        figure = random_film(points(n, seed), make, seed=seed, size=size)
        width = 2 * figure.window[2]
        for trait, exact in (
            ("point_data", figure.x),
            ("rebuilt_data", figure.rebuilt),
            ("line_data", figure.lines),
        ):
            exact = exact.reshape(-1, 2)
            near = np.abs(exact - figure.window[:2]).max(axis=1) <= 1.5 * width
            assert near.all() or trait != "point_data"  # an untrained decoder may be anywhere
            error = np.abs(places(figure, trait) - exact)[near].max(initial=0)
            # half a step, and a little for the rounding of the division
            assert error <= 0.5001 / 65535 * 3 * width < 3e-5 * width
        sent = np.frombuffer(figure.share_data, "u1").reshape(figure.shares.shape) / 255
        assert np.abs(sent - figure.shares).max() <= 0.5001 / 255


def test_one_wild_frame_does_not_make_the_others_small():
    x = points(30)
    tame, wild = FilmFigure(x, *wild_history(1)), FilmFigure(x, *wild_history(30))
    low, high = x.min(axis=0), x.max(axis=0)
    span = (high - low).max()
    assert np.ptp(wild.rebuilt[1], axis=0).max() > 100 * span  # it is wild
    # the data and one span on both sides, and the margin of 8 %
    assert wild.window[2] <= 1.08 * 1.5 * span * (1 + 1e-12)
    centre, half = np.array(wild.window[:2]), wild.window[2]
    assert (np.abs(x - centre) < half).all()
    sent = places(wild, "rebuilt_data").reshape(wild.rebuilt.shape)
    np.testing.assert_allclose(sent[[0, 2]], tame.rebuilt[[0, 2]], atol=3e-5 * 2 * half)
    # what is too far to be sent stays outside the window, in its own direction from the centre
    far = np.abs(wild.rebuilt[1] - centre).max(axis=1) > 3 * half
    assert far.any()
    away, exact = sent[1][far] - centre, wild.rebuilt[1][far] - centre
    assert np.abs(away).max(axis=1) == pytest.approx(3 * half, rel=1e-9)
    cosines = np.einsum("nd,nd->n", away, exact) / np.prod(
        [np.linalg.norm(away, axis=1), np.linalg.norm(exact, axis=1)], axis=0
    )
    assert cosines == pytest.approx(1, abs=1e-8)  # the square of half a step


@every_model
def test_the_decoded_lines_span_the_codes(make):
    model, history = random_history(make, count=2)
    x = points(30)
    figure = FilmFigure(x, model, history)
    model.load_state_dict(history.snapshots[1])
    model.double()
    with torch.no_grad():
        z = model.encode(torch.as_tensor(x))
        corners = itertools.product(*zip(z.amin(dim=0), z.amax(dim=0), strict=True))
        ends = model.decode(torch.tensor(list(corners), dtype=torch.float64)).numpy()
    # float64 on both sides, on weights that are the same float32
    if model.latent_dim == 1:
        np.testing.assert_allclose(figure.lines[1, 0, [0, -1]], ends, atol=1e-10)
    else:
        upright = figure.lines[1][[0, 4]]  # z_1 at its lowest and highest
        np.testing.assert_allclose(upright[:, [0, -1]].reshape(4, 2), ends, atol=1e-10)
        level = figure.lines[1][[5, 9]]  # z_2 at its lowest and highest
        np.testing.assert_allclose(level[:, [0, -1]].reshape(4, 2), ends[[0, 2, 1, 3]], atol=1e-10)


@given(seed=st.integers(0, 999))
@settings(deadline=None, max_examples=20)
def test_colours_do_not_flip_from_frame_to_frame(seed):
    figure = random_film(points(30, seed), MODELS[0], count=8, seed=seed)
    centred = figure.shares - figure.shares.mean(axis=1, keepdims=True)
    assert (np.einsum("fn,fn->f", centred[1:], centred[:-1]) >= -1e-9).all()  # rounding of sums
    assert centred[-1] @ figure.x[:, 0] >= -1e-9
    assert figure.shares.min() == 0
    assert figure.shares.max() == 1


def test_a_model_with_the_other_sign_of_its_code_makes_the_same_film():
    x = points(30)
    model, history = random_history(MODELS[2], count=3)
    figure = FilmFigure(x, model, history)
    for name, values in history.snapshots[1].items():
        if name != "decoder.bias":
            values.neg_()
    other = FilmFigure(x, model, history)
    # the same sums with other signs; the range of the codes is run through backwards
    np.testing.assert_allclose(other.shares, figure.shares, atol=1e-12)
    np.testing.assert_allclose(other.rebuilt, figure.rebuilt, atol=1e-12)
    np.testing.assert_allclose(other.lines[1, :, ::-1], figure.lines[1], atol=1e-12)


def test_codes_that_are_all_the_same_have_a_colour():
    model, history = random_history(MODELS[2], count=2)
    history.snapshots[0]["encoder.weight"].zero_()
    figure = FilmFigure(points(), model, history)
    assert np.ptp(figure.shares[0]) == 0
    assert np.isfinite(figure.shares).all()


def test_the_model_stays_as_it_was():
    x = points(30)
    model, history = random_history(MODELS[0], count=3)
    model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    FilmFigure(x, model, history)
    assert not model.training
    assert torch.equal(torch.get_rng_state(), random)
    for name, value in model.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("make", MODELS[:2])
def test_a_film_of_forty_frames_is_small(make):
    figure = random_film(points(150), make, count=40)
    state = figure._get_embed_state()
    code = len(json.dumps(figure._esm)) + len(json.dumps(figure._css))
    # places and shares have a length of their own, whatever their values; a grid has more of them
    assert len(json.dumps(state)) - code < (60_000 if figure.latent_dim == 1 else 70_000)


def test_the_description_names_the_present_numbers():
    figure = film()
    figure.frame = 2
    assert "after 3 epochs" in figure.alt
    assert (
        f"Here it is {figure.losses[2]:.3g}; PCA’s, dashed, is {figure.pca_loss:.3g}" in figure.alt
    )
    for frame, when in ((0, "before training"), (1, "after 1 epoch")):
        figure.frame = frame
        assert f"reconstructions {when}," in figure.alt
        assert figure.still().axes[1].get_title("left").endswith(when)
    assert "PCA with two components loses nothing" in film(latent_dim=2).alt


def test_the_still_picture_compares_with_pca():
    figure = film()
    plane, curve, _ = figure.still().axes
    (line,) = [line for line in plane.lines if line.get_label() == "PCA"]
    np.testing.assert_array_equal(line.get_xydata().ravel(), figure.pca_line)
    level, losses, mark = curve.lines
    np.testing.assert_array_equal(level.get_ydata(), [figure.pca_loss] * 2)
    np.testing.assert_array_equal(losses.get_xydata(), np.transpose([figure.epochs, figure.losses]))
    np.testing.assert_array_equal(mark.get_xydata(), [[20, figure.losses[-1]]])
    assert [text.get_text() for text in curve.texts] == [f"PCA {figure.pca_loss:.3g}"]


def test_points_on_a_line_leave_pca_nothing_to_lose():
    x = np.outer(np.arange(10.0), [1, 2])
    figure = random_film(x, MODELS[0])
    # eigenvalues of S have errors of 1e-16 of the largest
    assert figure.pca_loss == pytest.approx(0, abs=1e-15 * np.square(x).sum())
    curve = figure.still().axes[1]
    level = curve.lines[0].get_ydata()[0]
    assert 0 < level < 1e-6 * min(figure.losses)
    assert curve.get_ylim()[0] < level


X = points(20)


def broken(x, value):
    x = x.copy()
    x[3, 1] = value
    return x


def other_history():
    return random_history(lambda: Autoencoder(2, 1, (9,)), count=2)[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": X[:, 0]}, r"shape \(N, 2\); got shape \(20,\)"),
        ({"x": np.zeros((5, 3))}, r"\(5, 3\): choose two columns"),
        ({"x": broken(X, np.nan)}, "1 that are NaN or infinite"),
        ({"x": broken(X, -np.inf)}, "1 that are NaN or infinite"),
        ({"x": X[:1]}, "2 to 300 points.*got 1"),
        ({"x": points(301)}, "got 301: pass a sample"),
        ({"x": np.full((7, 2), 1e6 / 3)}, "points that differ"),
        ({"model": Autoencoder(3, 1)}, "data_dim=2; got data_dim=3"),
        ({"model": torch.nn.Linear(2, 2)}, "expected an Autoencoder.*got Linear"),
        ({"history": History()}, "two snapshots or more; got 0: pass what fit"),
        ({"history": random_history(MODELS[0], count=1)[1]}, "got 1: pass what fit"),
        ({"history": None}, "got None: pass what fit"),
        ({"history": [0.3, 0.2]}, r"got \[0.3, 0.2\]: pass what fit"),
        ({"history": other_history()}, "history of this model"),
        ({"history": wild_history(np.nan)[1]}, "after epoch 1 give NaN or infinity"),
    ],
)
def test_a_film_needs_points_a_model_and_a_history_that_fit(changes, message):
    model, history = random_history(MODELS[0], count=2)
    fitting = {"x": X, "model": model, "history": history}
    FilmFigure(**fitting)
    with pytest.raises(ValueError, match=message):
        FilmFigure(**(fitting | changes))


# ── in the page ───────────────────────────────────────────────────────────────────────────────────


def numbers_in(path):
    return np.array(re.findall(r"-?[\d.]+", path), dtype=float).reshape(-1, 2)


def agrees_with(figure, page, frame):
    """All that is drawn in a frame, in units of the drawing: the window is 290 wide."""
    assert data(page, "frame") == frame
    assert data(page, "epoch") == figure.epochs[frame]
    # float64 on both sides, through text that keeps every digit
    assert data(page, "loss") == figure.losses[frame]
    assert data(page, "pca") == figure.pca_loss
    c1, c2, half = figure.window

    def drawn(x):
        return [42, 312] + (x - [c1, c2] + half * np.array([1, 1])) * [1, -1] * 290 / (2 * half)

    plane = page.locator(".live-main svg")
    dots = plane.locator("circle.live-coded").evaluate_all(
        "dots => dots.map(dot => [dot.cx.baseVal.value, dot.cy.baseVal.value,"
        " parseFloat(dot.style.getPropertyValue('--code'))])"
    )
    # half a step of 3 · 290/65535 units, and 0.005 since two digits are written
    np.testing.assert_allclose(np.array(dots)[:, :2], drawn(figure.rebuilt[frame]), atol=0.012)
    # half a step of 100/255 percent
    np.testing.assert_allclose(np.array(dots)[:, 2], 100 * figure.shares[frame], atol=0.2)
    errors = numbers_in(plane.locator("path.live-faint").get_attribute("d"))
    np.testing.assert_allclose(errors[::2], drawn(figure.x), atol=0.012)
    np.testing.assert_allclose(errors[1::2], drawn(figure.rebuilt[frame]), atol=0.012)
    decoded = numbers_in(plane.locator("path").last.get_attribute("d"))
    np.testing.assert_allclose(decoded, drawn(figure.lines[frame].reshape(-1, 2)), atol=0.012)


@pytest.mark.browser
@pytest.mark.parametrize("latent_dim", [1, 2])
def test_every_frame_agrees_with_python(show, latent_dim):
    figure = film(latent_dim)
    page = show(figure)
    agrees_with(figure, page, 4)  # it starts at its end
    slider = page.get_by_role("slider", name="Epoch")
    slider.focus()
    for key, frame in (
        ("Home", 0),
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowRight", 3),
        ("ArrowRight", 4),
        ("ArrowRight", 4),
        ("ArrowLeft", 3),
    ):
        page.keyboard.press(key)
        agrees_with(figure, page, frame)
        assert slider.get_attribute("aria-valuetext").startswith(f"epoch {figure.epochs[frame]}, ")
        assert f"{figure.epochs[frame]} of 20" in page.locator(".live-value").inner_text()


@pytest.mark.browser
def test_the_sentence_and_the_chart_compare_with_pca(show):
    figure = film()
    figure.frame = 1
    page = show(figure)
    sentence = page.locator(".live-sentence").inner_text()
    loss, pca = re.fullmatch(
        r"After 1 epoch the loss is (\S+); PCA’s is (\S+)\.", sentence
    ).groups()
    # three digits are written
    assert float(loss) == pytest.approx(figure.losses[1], rel=5e-3)
    assert float(pca) == pytest.approx(figure.pca_loss, rel=5e-3)
    # on a logarithmic axis, heights above PCA's line are as the logarithms of the ratios
    marks = page.locator(".live-side circle.live-fill").evaluate_all(
        "marks => marks.map(mark => [mark.cx.baseVal.value, mark.cy.baseVal.value])"
    )
    across, height = np.transpose(marks)
    line = page.locator(".live-side path.live-dashed").last.get_attribute("d")
    level = numbers_in(line)[0, 1]
    ratios = np.log(np.array(figure.losses) / figure.pca_loss)
    slope = (height[0] - level) / ratios[0]
    # the line is written with two digits
    np.testing.assert_allclose(level + slope * ratios, height, atol=0.02)
    assert slope < 0
    # epochs lie where they belong between 0 at 42 and 20 at 332; SVG keeps float32
    np.testing.assert_allclose(across, 42 + 290 * np.array(figure.epochs) / 20, rtol=1e-6)
    marker = page.locator(".live-side circle.live-ring")
    assert float(marker.get_attribute("cx")) == pytest.approx(across[1], rel=1e-6)
    assert float(marker.get_attribute("cy")) == pytest.approx(height[1], rel=1e-6)
    figure.frame = 0
    assert "Before training" in show(figure).locator(".live-sentence").inner_text()


@pytest.mark.browser
def test_two_components_have_nothing_of_pca_to_be_compared_with(show, accessibility):
    page = show(film(latent_dim=2))
    assert page.locator(".live path.live-dashed").count() == 0
    assert "PCA with two components loses nothing" in page.locator(".live-sentence").inner_text()
    assert accessibility(page) == []


@pytest.fixture
def clock(show):
    """Return a function that shows figures in a page whose time only `clock.run_for` moves."""

    def clock(*figures, motion="no-preference"):
        page = show(*figures, wait=False)
        page.emulate_media(reduced_motion=motion)
        page.clock.install(time=0)
        page.reload()
        page.locator(".live-sentence").last.wait_for()
        page.clock.pause_at(3_600_000)
        return page

    return clock


def frames(page):
    return page.locator(".live").evaluate_all(
        "figures => figures.map(f => Number(f.dataset.frame))"
    )


@pytest.mark.browser
@pytest.mark.parametrize(("motion", "pause"), [("no-preference", 120), ("reduce", 600)])
def test_play_runs_to_the_end_and_starts_over(clock, motion, pause):
    page = clock(film(), motion=motion)
    button = page.get_by_role("button")
    page.clock.run_for(5000)
    assert (button.inner_text(), frames(page)) == ("Play", [4])  # it does not play by itself
    for _ in range(2):
        button.focus()
        page.keyboard.press("Enter")
        for frame in range(4):
            assert (button.inner_text(), frames(page)) == ("Pause", [frame])
            page.clock.run_for(pause - 1)
            assert frames(page) == [frame]
            page.clock.run_for(1)
        assert (button.inner_text(), frames(page)) == ("Play", [4])
        page.clock.run_for(5000)
        assert frames(page) == [4]


@pytest.mark.browser
@pytest.mark.parametrize("stop", ["button", "slider"])
def test_play_pauses_where_it_is(clock, stop):
    figure = film()
    page = clock(figure)
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(130)
    if stop == "button":
        page.get_by_role("button", name="Pause").press(" ")
    else:
        page.get_by_role("slider", name="Epoch").press("ArrowRight")
    frame = 1 if stop == "button" else 2
    page.clock.run_for(5000)
    agrees_with(figure, page, frame)
    page.get_by_role("button", name="Play").click()  # goes on, not back
    assert frames(page) == [frame]
    page.clock.run_for(130)
    assert frames(page) == [frame + 1]


@pytest.mark.browser
def test_the_slider_of_a_second_view_pauses_the_first(clock):
    figure = film()
    page = clock(figure, figure)
    page.get_by_role("button").first.click()
    page.clock.run_for(130)
    assert frames(page) == [1, 1]
    page.get_by_role("slider").last.press("ArrowRight")
    page.clock.run_for(5000)
    assert frames(page) == [2, 2]
    assert page.get_by_role("button").first.inner_text() == "Play"


@pytest.mark.browser
def test_a_film_that_is_taken_away_stops(clock):
    figure = film()
    page = clock(direction())
    state = {k: v for k, v in figure.get_state().items() if isinstance(v, (int, float, list, str))}
    binary = {k: list(v) for k, v in figure.get_state().items() if isinstance(v, bytes)}
    page.evaluate(
        """async ([script, state, binary]) => {
            for (const name in binary) state[name] = Uint8Array.from(binary[name]);
            const model = {
                get: (name) => state[name], set: (name, value) => { state[name] = value; },
                on() {}, save_changes() {},
            };
            const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
            const el = document.body.appendChild(document.createElement("div"));
            window.stop = (await import(url)).default.render({ model, el });
            window.state = state;
            el.querySelector("button").click();
        }""",
        [figure._esm, state, binary],
    )
    page.clock.run_for(250)
    assert page.evaluate("state.frame") == 2
    page.evaluate("stop()")
    page.clock.run_for(5000)
    assert page.evaluate("state.frame") == 2


@pytest.mark.browser
def test_what_a_wild_frame_has_outside_the_window_is_cut_off(show):
    figure = FilmFigure(points(30), *wild_history())
    figure.frame = 1
    page = show(figure)
    plane = page.locator(".live-main svg")
    drawn = numbers_in(plane.locator("path.live-faint").get_attribute("d"))
    assert (np.abs(drawn - [187, 167]) > 145).any()  # outside the frame
    # the clip holds for everything that a frame moves
    group = plane.locator("g[clip-path]")
    assert group.locator("path, circle").count() == plane.locator("path, g circle").count()
    box = plane.locator("clipPath rect").evaluate(
        "r => [r.x, r.y, r.width, r.height].map(v => v.baseVal.value)"
    )
    assert box == [42, 22, 290, 290]
    assert (
        group.get_attribute("clip-path") == f"url(#{plane.locator('clipPath').get_attribute('id')})"
    )


@pytest.mark.browser
def test_colours_follow_the_theme(show):
    page = show(film())

    def colours():
        return page.locator(".live-main circle.live-coded").evaluate_all(
            "dots => dots.map(dot => getComputedStyle(dot).fill)"
        )

    light = colours()
    assert len(set(light)) > 10
    mixed = np.array([re.findall(r"[\d.]+", colour) for colour in light], dtype=float)
    # the still picture has the same colours; shares travel in 255 steps, as do colours of a map
    np.testing.assert_allclose(mixed, CODES(film().shares[-1])[:, :3], atol=1 / 255)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert not set(colours()) & set(light)


@pytest.mark.browser
@pytest.mark.parametrize("latent_dim", [1, 2])
def test_on_a_phone_the_button_stands_beside_the_slider(show, latent_dim):
    page = show(film(latent_dim), width=350)
    button = page.get_by_role("button").bounding_box()
    slider = page.get_by_role("slider").bounding_box()
    assert button["x"] + button["width"] < slider["x"]
    assert slider["width"] > 150
    assert abs(button["y"] + button["height"] - slider["y"] - slider["height"]) < 10
    assert page.evaluate("document.documentElement.scrollWidth") == 350
