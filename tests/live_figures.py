"""The live figures that every test of figures runs on, and what their tests in a browser share.

A new figure gets a function that makes a small one and a place in `FIGURES`: from there on the
tests of test_figures.py and test_figures_browser.py that hold for every figure hold for it too.
"""

import json
from pathlib import Path

import light_pages
import numpy as np
import pytest
import torch
from ipywidgets.embed import dependency_state
from torch import nn

from lecture_lib import Autoencoder, fit
from lecture_lib.figures import (
    DenoisingFigure,
    DirectionFigure,
    ElboFigure,
    FilmFigure,
    GradientFigure,
    LatentPlaneFigure,
    ManifoldFigure,
    PushForwardFigure,
    ReconstructionFigure,
)

STATIC = Path(__file__).parent.parent / "book" / "_static"
MIME = "application/vnd.jupyter.widget-"


# ── the figures ───────────────────────────────────────────────────────────────────────────────────


def points(n=20, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2)) @ [[2.0, 0.9], [0.0, 0.6]] + [3, -1]


def image_data(n=60, shape=(12, 9), q=20, seed=0):
    """Images, their mean and the first q right singular vectors, made without the book's PCA."""
    rng = np.random.default_rng(seed)
    d = shape[0] * shape[1]
    images = rng.normal(size=(n, 5)) @ rng.normal(size=(5, d)) + 0.3 * rng.normal(size=(n, d))
    mean = images.mean(axis=0)
    components = np.linalg.svd(images - mean, full_matrices=False)[2][:q]
    return images, mean, components


def hook(z):
    return np.stack([np.cos(z / 2), z / 3 + np.sin(z / 2)], axis=-1)


Z = np.linspace(-4, 4, 161)


def direction():
    return DirectionFigure(points())


def reconstruction():
    images, mean, components = image_data()
    return ReconstructionFigure(images[:3], mean, components, (12, 9))


def manifold():
    return ManifoldFigure(Z, hook(Z), sigma=0.15)


def grey_images(n=3):
    return 1 / (1 + np.exp(-image_data()[0][:n]))


def denoiser(data_dim=108):
    """A small model with large random weights: x̂ depends strongly on its input."""
    torch.manual_seed(0)
    model = Autoencoder(data_dim, 6, (16,), activation=nn.ReLU, output=nn.Sigmoid)
    with torch.no_grad():
        for values in model.parameters():
            values.mul_(3)
    return model


def denoising():
    return DenoisingFigure(denoiser(), grey_images(), (12, 9))


def film(latent_dim=1):
    """A short training, with snapshots at uneven distances."""
    x = points(40)
    torch.manual_seed(0)
    model = Autoencoder(2, latent_dim, (8,))
    history = fit(model, x, epochs=20, batch_size=8, learning_rate=0.05, snapshots=(0, 1, 3, 8, 20))
    return FilmFigure(x, model, history)


def plane_decoder(pixels=108):
    """A small decoder with large random weights: its image depends strongly on z."""
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, pixels), nn.Sigmoid())
    with torch.no_grad():
        for values in decoder.parameters():
            values.mul_(2)
    return decoder


def latent_plane():
    """Codes of ten classes, which overlap."""
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 10
    codes = rng.normal(size=(10, 2))[labels] + 0.4 * rng.normal(size=(200, 2))
    return LatentPlaneFigure(plane_decoder(), codes, labels, (12, 9))


def push_forward(n=150, seed=0):
    return PushForwardFigure(np.random.default_rng(seed).normal(size=(n, 2)))


def gradient():
    return GradientFigure()


def elbo():
    """A narrow posterior with one hump, one with two humps, and one with two that merge."""
    z = np.linspace(-12, 12, 481)
    prior = -(z**2) / 2 - np.log(2 * np.pi) / 2
    means = [(0.9 * z, 1.3, 0.4), (z**2 - z / 3, 2.0, 0.8), (z**2, 0.5, 0.8)]
    log_likelihood = [
        -0.5 * ((x - g) / s) ** 2 - np.log(s * np.sqrt(2 * np.pi)) for g, x, s in means
    ]
    return ElboFigure(z, prior + np.array(log_likelihood), ["a line", "a bowl", "its bottom"])


FIGURES = [
    direction,
    reconstruction,
    manifold,
    film,
    denoising,
    latent_plane,
    push_forward,
    gradient,
    elbo,
]
every_figure = pytest.mark.parametrize("make", FIGURES)


def all_figures():
    return [make() for make in FIGURES]


# ── in a browser ──────────────────────────────────────────────────────────────────────────────────


def write_page(folder, *figures):
    """Write a page as the book does: of the structure that myst-nb gives it, then lightened."""

    def script(kind, content):
        text = json.dumps(content).replace("</script>", r"<\/script>")
        return f'<script type="{MIME}{kind}+json">{text}</script>'

    def output(figure):
        view = {"version_major": 2, "version_minor": 0, "model_id": figure.model_id}
        slot = figure.slot() if hasattr(figure, "slot") else ""
        return f"<div>{slot}</div><div>{script('view', view)}</div><p>The text goes on.</p>"

    state = dependency_state(figures, drop_defaults=False)
    for name in ("live.js", "book.css"):
        (folder / name).write_text((STATIC / name).read_text(encoding="utf-8"), encoding="utf-8")
    html = f"""<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Figures</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="book.css">
<style>
  html[data-theme="dark"] {{ --pst-color-background: #14181e; }} /* the theme's part */
  html {{ background: var(--fig-paper); color: var(--fig-ink); font-family: sans-serif; }}
  body {{ margin: 16px; }} main {{ max-width: 704px; margin: auto; }}
</style>
{script("state", {"version_major": 2, "version_minor": 0, "state": state})}
<script src="live.js"></script></head><body><main class="bd-article"><h1>Figures</h1>
{"".join(map(output, figures))}</main></body></html>"""
    (folder / "_static").mkdir(exist_ok=True)
    html = light_pages.lighten(html, folder, "_static/")
    (folder / "index.html").write_text(html, encoding="utf-8")
    return folder / "index.html"


def bring_near(page):
    """Go to each figure and wait until it is drawn: a figure starts when the reader is near."""
    page.evaluate(
        """async () => {
            const drawn = (mount) => mount.firstElementChild || mount.closest(".live-broken");
            for (const mount of document.querySelectorAll(".live-mount")) {
                mount.scrollIntoView({ behavior: "instant" });
                for (let frames = 0; frames < 600 && !drawn(mount); frames++)
                    await new Promise(requestAnimationFrame);
                if (!drawn(mount)) throw new Error("a live figure is not drawn after 600 frames");
            }
            scrollTo({ top: 0, behavior: "instant" });
        }"""
    )


def data(page, name):
    return float(page.locator(".live").get_attribute(f"data-{name}"))


def place_in(page, selector, x, y):
    """The place on the screen of a point in a drawing's own units."""
    return page.locator(selector).evaluate(
        """(drawing, [x, y]) => {
            const place = new DOMPoint(x, y).matrixTransform(drawing.getScreenCTM());
            return [place.x, place.y];
        }""",
        [x, y],
    )


def centre(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag_by_mouse(page, handle, x, y):
    page.mouse.move(*centre(handle))
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.up()


def drag_by_touch(page, handle, x, y):
    cdp = page.context.new_cdp_session(page)
    start = centre(handle)

    def touch(kind, *points):
        where = [{"x": a, "y": b} for a, b in points]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    touch("touchStart", start)
    for part in (0.25, 0.5, 0.75, 1.0):
        touch("touchMove", (start[0] + part * (x - start[0]), start[1] + part * (y - start[1])))
    touch("touchEnd")


def pixels(page, selector):
    """Red, green, blue and alpha of a canvas, shape (height, width, 4)."""
    values, width = page.locator(selector).evaluate(
        "c => [[...c.getContext('2d').getImageData(0, 0, c.width, c.height).data], c.width]"
    )
    return np.array(values, dtype=float).reshape(-1, width, 4)
