"""A latent plane: the codes of the data in it, and what the decoder makes of the point chosen."""

import math

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import nn

from lecture_lib.figures.base import LiveFigure, few_enough, finite_array
from lecture_lib.figures.networks import pack, rounded
from lecture_lib.plotting import INK, MUTED, ORANGE, apart, latent_plane

NEAREST = 5
CIRCLES = (0.5, 0.95)  # shares of the prior


class LatentPlaneFigure(LiveFigure):
    """The decoder of a model with Q = 2 under the reader's hand: a point z, and the image p(x|z).

    The reader moves z through the plane, where the codes of training points lie. The decoder runs
    in the page, with weights rounded to float16 (see `networks.pack`). Its answer is a probability
    for each pixel. The figure shows these, the mean of p(x|z), and one draw from p(x|z): pixel d is
    white where u_d < mean_d. The numbers u_d, uniform in (0, 1) in steps of 1/256, stay the same,
    so that only z changes the picture. The methods compute with the same roundings.

    Parameters
    ----------
    decoder : Module
        What `networks.pack` takes, from 2 numbers to D from 0 to 1, with at most 225,000 weights:
        ``nn.Sequential(*vae.decoder, nn.Sigmoid())`` for a Bernoulli likelihood.
    codes : array, shape (N, 2)
        Codes of 1 to 1,500 training points: the means of q(z|x).
    labels : int array, shape (N,)
        The class of each point, 0 to 9.
    image_shape : (height, width)
        With height * width = D.

    Attributes
    ----------
    z1, z2 : float
        The present point.
    shown : int
        0 if all classes are drawn alike; k if the k-th class stands out.

    Raises
    ------
    ValueError
        If shapes do not fit, the decoder's answers are no probabilities, or there is more than a
        page can carry.
    """

    network_data = traitlets.Bytes(help="weights as float16, see networks.py").tag(sync=True)
    network_layers = traitlets.List(help="layers, see networks.py").tag(sync=True)
    code_data = traitlets.Bytes(help="codes, row by row, as float32").tag(sync=True)
    label_data = traitlets.Bytes(help="the class of each code, as uint8").tag(sync=True)
    uniform_data = traitlets.Bytes(help="k of u = (k + ½) / 256, as uint8").tag(sync=True)
    disc_places = traitlets.List(help="z1 and z2 of each class's disc").tag(sync=True)
    classes = traitlets.List(traitlets.Int()).tag(sync=True)
    image_shape = traitlets.List(traitlets.Int()).tag(sync=True)
    half = traitlets.Float(help="the plane goes from −half to half").tag(sync=True)
    z1 = traitlets.Float(0.0).tag(sync=True)
    z2 = traitlets.Float(0.0).tag(sync=True)
    shown = traitlets.Int(0).tag(sync=True)

    _shared = ("base.js", "networks.js")
    _size = (7.2, 3.7)

    def __init__(
        self,
        decoder: nn.Module,
        codes: np.ndarray,
        labels: np.ndarray,
        image_shape: tuple[int, int],
    ) -> None:
        """Check the arguments and pack all for the page."""
        self.codes = finite_array("codes", codes, 2, "(N, 2)").astype("<f4").astype(float)
        height, width = image_shape
        if self.codes.shape[1] != 2:
            raise ValueError(
                f"expected codes in the plane, shape (N, 2); got {self.codes.shape}: train a model "
                "with latent_dim=2"
            )
        few_enough("codes", len(self.codes), 1500)
        self.labels = _digits(labels, len(self.codes))
        network_data, network_layers = pack(decoder)
        self.network = rounded(decoder)
        linear = [layer for layer in network_layers if layer["kind"] == "linear"]
        if not linear or (linear[0]["n_in"], linear[-1]["n_out"]) != (2, height * width):
            raise ValueError(
                f"expected a decoder from 2 numbers to {height} by {width} pixels; got "
                f"{' then '.join('{n_in} to {n_out}'.format(**part) for part in linear)}"
            )
        with torch.no_grad():
            answers = self.network(torch.as_tensor(self.codes, dtype=torch.float32))
        if not ((answers >= 0) & (answers <= 1)).all():
            raise ValueError(
                "expected a decoder whose answers are probabilities, from 0 to 1; got "
                f"{answers.min():.3g} to {answers.max():.3g}: end it with nn.Sigmoid()"
            )
        half = max(3.0, math.ceil(2.1 * np.abs(self.codes).max()) / 2)  # a margin of 5 %
        classes, places = _discs(self.codes, self.labels, half)
        levels = np.random.default_rng(0).integers(0, 256, height * width, dtype=np.uint8)
        self.uniform = (levels + 0.5) / 256
        super().__init__(
            network_data=network_data,
            network_layers=network_layers,
            code_data=self.codes.astype("<f4").tobytes(),
            label_data=self.labels.astype(np.uint8).tobytes(),
            uniform_data=levels.tobytes(),
            disc_places=places.tolist(),
            classes=classes.tolist(),
            image_shape=[int(height), int(width)],
            half=half,
        )

    @property
    def _heights(self) -> tuple[str, str]:
        slant = self.image_shape[0] / self.image_shape[1]  # two pictures side by side
        return (
            f"max(0.515 * var(--w) + 59px, {slant / 4:.3f} * (var(--w) - 56px) + 261px)",
            f"calc(1.029 * var(--w) + {slant / 2:.3f} * (var(--w) - 16px) + 300px)",
        )

    @property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        place = (-self.half, self.half)
        return {"z1": place, "z2": place, "shown": (0, len(self.classes))}

    def mean(self, z1: float, z2: float) -> np.ndarray:
        """Return the mean of p(x|z), shape (D,): the probability of white for each pixel."""
        with torch.no_grad():
            return self.network(torch.tensor([[z1, z2]], dtype=torch.float32))[0].double().numpy()

    def sample(self, z1: float, z2: float) -> np.ndarray:
        """Return one x drawn from p(x|z), shape (D,), of zeros and ones."""
        return (self.uniform < self.mean(z1, z2)).astype(float)

    def distance(self, z1: float, z2: float) -> float:
        """Return ‖z‖, how far z lies from the middle of the prior."""
        return math.hypot(z1, z2)

    def farther(self, z1: float, z2: float) -> float:
        """Return the share of the prior that lies farther out than z: exp(−‖z‖² / 2) in a plane."""
        return math.exp(-(z1**2 + z2**2) / 2)

    def nearest(self, z1: float, z2: float) -> np.ndarray:
        """Return the labels of the nearest five codes (or of all, if fewer), the nearest first."""
        squares = (self.codes[:, 0] - z1) ** 2 + (self.codes[:, 1] - z2) ** 2
        return self.labels[np.argsort(squares, kind="stable")[:NEAREST]]

    @property
    def _sentence(self) -> str:
        z = (self.z1, self.z2)
        near = ", ".join(map(str, self.nearest(*z)))
        return (
            f"z = ({self.z1:.2f}, {self.z2:.2f}) lies {self.distance(*z):.2f} from the origin; "
            f"{self.farther(*z):.0%} of the prior lies farther out. Nearest codes: {near}."
        )

    @property
    def alt(self) -> str:
        """What the figure shows in its present state."""
        return (
            f"Left, the latent plane with the codes of {len(self.codes)} images and a disc for "
            f"each of {len(self.classes)} classes. Right, the image that the decoder makes of the "
            f"point chosen, and one draw from it. {self._sentence}"
        )

    def _draw(self, figure: Figure) -> None:
        plane, *tiles = figure.subplots(1, 3, width_ratios=[2, 1, 1])
        latent_plane(plane, self.codes, self.labels)
        for share in CIRCLES:
            radius = _radius(share)
            plane.add_patch(Circle((0, 0), radius, fill=False, color=MUTED, linestyle="--"))
        plane.plot(self.z1, self.z2, "o", color=ORANGE, markeredgecolor=INK, markersize=9, zorder=5)
        plane.set(xlim=(-self.half, self.half), ylim=(-self.half, self.half), aspect="equal")
        pictures = {"mean of p(x|z)": self.mean, "one draw": self.sample}
        for ax, (title, picture) in zip(tiles, pictures.items(), strict=True):
            pixels = picture(self.z1, self.z2).reshape(self.image_shape)
            ax.imshow(pixels, vmin=0, vmax=1, cmap="gray")
            ax.set_title(title, fontsize=10)
            ax.set_axis_off()


def _radius(share: float) -> float:
    """Return the radius of the circle that holds this share of the prior N(0, I) of the plane."""
    return math.sqrt(-2 * math.log(1 - share))


def _digits(labels: np.ndarray, count: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != (count,):
        raise ValueError(
            f"expected one label for each of the {count} codes; got shape {labels.shape}"
        )
    if not np.isin(labels, range(10)).all():
        raise ValueError(f"expected labels from 0 to 9, whole numbers; got {np.unique(labels)}")
    return labels.astype(int)


def _discs(codes: np.ndarray, labels: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes and a place for each one's disc: its mean, moved apart from the others."""
    classes = np.unique(labels)
    places = np.array([codes[labels == label].mean(axis=0) for label in classes])
    room = 20 / 290 * 2 * half  # discs are 18 units wide, the plane is 290
    return classes, apart(places, room).clip(-half, half)
