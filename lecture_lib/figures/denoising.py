"""Images with noise on them, and what a denoising autoencoder makes of them."""

from collections.abc import Sequence

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from torch import nn

from lecture_lib.autoencoders import Autoencoder
from lecture_lib.figures.base import LiveFigure, few_enough, finite_array, image_labels
from lecture_lib.figures.networks import pack, rounded
from lecture_lib.plotting import BLUE, MUTED, ORANGE

DRAWS = 16


class DenoisingFigure(LiveFigure):
    """An image x, the noisy x + τ ε, and the cleaned x̂ = g(f(x + τ ε)), for τ set by the reader.

    The network itself runs in the page, with weights rounded to float16 (see `networks.pack`). The
    noise ε is one of 16 draws from N(0, I), which the reader goes through one by one; its numbers
    are rounded to steps of 1/32. Grey values are rounded to 256 levels. The methods here compute
    with the same roundings, so that they give what the page shows.

    Parameters
    ----------
    model : Autoencoder
        With ``data_dim`` = D and at most 225,000 weights, because they all lie in the page.
    images : array, shape (n, D)
        From 1 to 10 flattened images, with grey values from 0 to 1.
    image_shape : (height, width)
        With height * width = D.
    labels : sequence of str, optional
        A name for each image; "image 1" and so on by default.

    Attributes
    ----------
    index, draw : int
        The present image, and which of the draws of ε is on it.
    tau : float
        The present noise level τ, from 0 to 1.

    Raises
    ------
    ValueError
        If the model or an array does not fit, or there is more than a page can carry.
    """

    network_data = traitlets.Bytes(help="weights as float16, see networks.py").tag(sync=True)
    network_layers = traitlets.List(help="layers, see networks.py").tag(sync=True)
    image_data = traitlets.Bytes(help="images in steps of 1/255, as uint8").tag(sync=True)
    noise_data = traitlets.Bytes(help="draws of ε in steps of 1/32, as int8").tag(sync=True)
    image_shape = traitlets.List(traitlets.Int()).tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    draw = traitlets.Int(0).tag(sync=True)
    tau = traitlets.Float(0.5).tag(sync=True)

    _shared = ("base.js", "networks.js")
    _size = (7.2, 2.3)

    def __init__(
        self,
        model: Autoencoder,
        images: np.ndarray,
        image_shape: tuple[int, int],
        labels: Sequence[str] | None = None,
    ) -> None:
        """Check the arguments, draw the noise and pack all for the page."""
        images = finite_array("images", images, 2, "(n, D)")
        height, width = image_shape
        if not isinstance(model, Autoencoder):
            raise ValueError(
                f"expected a trained Autoencoder; got {type(model).__name__}: pass the model itself"
            )
        if not images.shape[1] == height * width == model.data_dim:
            raise ValueError(
                f"expected images of shape (n, {model.data_dim}), as many pixels as the model has "
                f"inputs; got {images.shape} for {height} by {width} pixels: flatten each image "
                "into one row, or train on images of this size"
            )
        few_enough("images", len(images), 10)
        if images.min() < 0 or images.max() > 1:
            raise ValueError(
                "expected grey values from 0 to 1, which τ is measured against; got values from "
                f"{images.min():g} to {images.max():g}: scale them as for training"
            )
        labels = image_labels(labels, len(images))
        layers = nn.Sequential(model.encoder, model.decoder)
        network_data, network_layers = pack(layers)
        self.network = rounded(layers)
        levels = np.rint(255 * images).astype(np.uint8)
        normal = np.random.default_rng(0).standard_normal((DRAWS, model.data_dim))
        # the clip, at 3.97 standard deviations, meets one number in 14,000
        steps = np.rint(32 * normal).clip(-127, 127).astype(np.int8)
        self.images, self.noise = levels / 255, steps / 32
        super().__init__(
            network_data=network_data,
            network_layers=network_layers,
            image_data=levels.tobytes(),
            noise_data=steps.tobytes(),
            image_shape=[int(height), int(width)],
            labels=labels,
        )

    @property
    def _heights(self) -> tuple[str, str]:
        slant = self.image_shape[0] / self.image_shape[1]  # three pictures stand side by side
        return (
            f"calc({slant / 3:.3f} * (var(--w) - 48px) + 0.324 * var(--w) + 121px)",
            f"calc({slant / 3:.3f} * (var(--w) - 16px) + 0.647 * var(--w) + 309px)",
        )

    @property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        return {"index": (0, len(self.images) - 1), "draw": (0, DRAWS - 1), "tau": (0, 1)}

    def noisy(self, index: int, draw: int, tau: float) -> np.ndarray:
        """x + τ ε, shape (D,): one image with one of the draws of ε on it."""
        return self.images[index] + tau * self.noise[draw]

    def cleaned(self, index: int, draw: int, tau: float) -> np.ndarray:
        """x̂ = g(f(x + τ ε)), shape (D,): what the network makes of the noisy image."""
        row = torch.as_tensor(self.noisy(index, draw, tau)[None], dtype=torch.float32)
        with torch.no_grad():
            return self.network(row)[0].double().numpy()

    def errors(self, index: int, draw: int, tau: float) -> tuple[float, float]:
        """‖x + τ ε − x‖² and ‖x̂ − x‖², summed over the pixels."""
        noisy, cleaned = self.noisy(index, draw, tau), self.cleaned(index, draw, tau)
        x = self.images[index]
        return float(np.square(noisy - x).sum()), float(np.square(cleaned - x).sum())

    @property
    def alt(self) -> str:
        """What the figure shows in its present state."""
        noisy, cleaned = self.errors(self.index, self.draw, self.tau)
        return (
            f"Three pictures of {self.labels[self.index]}: clean, with noise of standard deviation "
            f"{self.tau:.2f}, and cleaned by the network. In squared distance from the clean image "
            f"the noisy one is {noisy:.3g} away and the cleaned one {cleaned:.3g}. A chart shows "
            "both distances for every noise level from 0 to 1."
        )

    def _draw(self, figure: Figure) -> None:
        state = (self.index, self.draw, self.tau)
        panels = {
            "clean x": self.images[self.index],
            f"noisy, τ = {self.tau:.2f}": self.noisy(*state),
            "cleaned x̂": self.cleaned(*state),
        }
        *tiles, chart = figure.subplots(1, 4, width_ratios=[1, 1, 1, 1.4])
        for ax, (title, pixels) in zip(tiles, panels.items(), strict=True):
            ax.imshow(pixels.reshape(self.image_shape), vmin=0, vmax=1, cmap="gray")
            ax.set_title(title, fontsize=10)
            ax.set_axis_off()
        taus = np.linspace(0, 1, 26)
        curves = np.array([self.errors(self.index, self.draw, tau) for tau in taus])
        chart.axvline(self.tau, color=MUTED, linewidth=0.8)
        chart.plot(taus[1:], curves[1:, 0], color=ORANGE)
        chart.plot(taus, curves[:, 1], color=BLUE)
        chart.text(0.4, 1.2 * curves[10, 0], "noisy", color=ORANGE, ha="right", va="bottom")
        chart.text(1.0, 0.7 * curves[20, 1], "cleaned", color=BLUE, ha="right", va="top")
        chart.set_yscale("log")
        chart.set_title("squared error", fontsize=10)
        chart.set_xlabel("noise level τ", fontsize=10)
