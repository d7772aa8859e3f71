"""An image rebuilt from its mean and its first Q components."""

from collections.abc import Sequence

import numpy as np
import traitlets
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from lecture_lib.figures.base import LiveFigure, few_enough, finite_array, image_labels
from lecture_lib.plotting import BLUE, ORANGE, PAPER

SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, PAPER, ORANGE])


class ReconstructionFigure(LiveFigure):
    """Images rebuilt as x̂ = x̄ + Σ_{j ≤ Q} z_j v_j, z_j = v_jᵀ(x − x̄), for a Q that the reader sets.

    The components travel as 16-bit integers, one step size for each, so that a page stays small.
    The rounding error of an entry is at most half a step, 1/65534 of the component's largest entry.

    Parameters
    ----------
    images : array, shape (n, D)
        From 1 to 10 flattened images.
    mean : array, shape (D,)
        The mean image x̄ of the data that the components were fitted to.
    components : array, shape (K, D)
        Orthonormal rows v_j, from 1 to 64 of them, most important first.
    image_shape : (height, width)
        With height * width = D, at most 784.
    labels : sequence of str, optional
        A name for each image; "image 1" and so on by default.
    q : int
        The first Q.

    Attributes
    ----------
    index, q : int
        The present image and the present number of components.

    Raises
    ------
    ValueError
        If shapes do not fit each other, numbers are not finite, the components are not orthonormal,
        or there is more than a page can carry.
    """

    image_data = traitlets.Bytes(help="images as float32").tag(sync=True)
    mean_data = traitlets.Bytes(help="mean as float32").tag(sync=True)
    component_data = traitlets.Bytes(help="components in steps, as int16").tag(sync=True)
    component_steps = traitlets.Bytes(help="the step of each component, as float64").tag(sync=True)
    image_shape = traitlets.List(traitlets.Int()).tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    q = traitlets.Int().tag(sync=True)

    _size = (7.2, 2.1)

    def __init__(
        self,
        images: np.ndarray,
        mean: np.ndarray,
        components: np.ndarray,
        image_shape: tuple[int, int],
        labels: Sequence[str] | None = None,
        q: int = 8,
    ) -> None:
        """Check the arrays and pack them for the page."""
        images = finite_array("images", images, 2, "(n, D)")
        mean = finite_array("mean", mean, 1, "(D,)")
        components = finite_array("components", components, 2, "(K, D)")
        height, width = image_shape
        d = height * width
        for name, array in (("images", images), ("mean", mean), ("components", components)):
            if array.shape[-1] != d:
                raise ValueError(
                    f"expected {d} pixels in {name} for {height} by {width} images; "
                    f"got shape {array.shape}: flatten each image into one row"
                )
        few_enough("images", len(images), 10)
        few_enough("components", len(components), 64)
        few_enough("pixels", d, 784)
        gram = components @ components.T
        if not np.allclose(gram, np.eye(len(gram)), atol=1e-4):  # float32 components pass
            raise ValueError(
                "expected orthonormal components, one in each row; got rows that are not: "
                "pass PCA's components_, unscaled"
            )
        labels = image_labels(labels, len(images))
        if not 0 <= q <= len(components):
            raise ValueError(
                f"expected q from 0 to {len(components)}, the components given; got {q}"
            )
        self.images, self.mean, self.components = images, mean, components
        steps = np.abs(components).max(axis=1) / 32767
        super().__init__(
            image_data=images.astype("<f4").tobytes(),
            mean_data=mean.astype("<f4").tobytes(),
            component_data=np.rint(components / steps[:, None]).astype("<i2").tobytes(),
            component_steps=steps.astype("<f8").tobytes(),
            image_shape=[int(height), int(width)],
            labels=labels,
            q=int(q),
        )

    @property
    def _heights(self) -> tuple[str, str]:
        slant = self.image_shape[0] / self.image_shape[1]  # two pictures stand above each other
        return (
            f"calc({slant:.3f} * (0.5 * var(--w) - 28px) + 156px)",
            f"calc({slant:.3f} * (var(--w) - 16px) + 0.6 * var(--w) + 306px)",
        )

    @property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        return {"index": (0, len(self.images) - 1), "q": (0, len(self.components))}

    def reconstruct(self, index: int, q: int) -> np.ndarray:
        """x̂, shape (D,), of one image from its first ``q`` components."""
        v = self.components[:q]
        return self.mean + (v @ (self.images[index] - self.mean)) @ v

    def error(self, index: int, q: int) -> float:
        """‖x̂ − x‖² of one image for ``q`` components, summed over the pixels."""
        return float(np.square(self.reconstruct(index, q) - self.images[index]).sum())

    def share(self, index: int, q: int) -> float:
        """The error as a part of the squared distance from the mean; 0 for the mean itself."""
        distance = self.error(index, 0)
        return self.error(index, q) / distance if distance > 0 else 0.0

    @property
    def alt(self) -> str:
        """What the figure shows in its present state."""
        return (
            f"Four pictures of {self.labels[self.index]}: the original, the image rebuilt from "
            f"{self.q} components, what is left over, and the component added last. "
            f"{self.share(self.index, self.q):.0%} of its squared distance from the mean is left."
        )

    def _draw(self, figure: Figure) -> None:
        image, x_hat = self.images[self.index], self.reconstruct(self.index, self.q)
        grey = {"vmin": self.images.min(), "vmax": self.images.max(), "cmap": "gray"}
        largest = np.abs(image - self.mean).max() or 1.0
        panels = [
            ("original x", image, grey),
            (f"rebuilt x̂, Q = {self.q}", x_hat, grey),
            (
                "left over: x − x̂",
                image - x_hat,
                {"vmin": -largest, "vmax": largest, "cmap": SIGNED},
            ),
        ]
        if self.q:
            v = self.components[self.q - 1]
            z = v @ (image - self.mean)
            peak = np.abs(v).max()
            signed = {"vmin": -peak, "vmax": peak, "cmap": SIGNED}
            panels.append((f"last added: {z:.3g} v", np.sign(z) * v, signed))
        for ax, (title, pixels, options) in zip(
            figure.subplots(1, len(panels)), panels, strict=True
        ):
            ax.imshow(pixels.reshape(self.image_shape), **options)
            ax.set_title(title, fontsize=10)
            ax.set_axis_off()
