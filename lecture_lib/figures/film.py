"""The training of an autoencoder on points in the plane, as a film to step through."""

import copy

import numpy as np
import torch
import traitlets
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from lecture_lib.autoencoders import Autoencoder, squared_error
from lecture_lib.figures.base import LiveFigure, plane_points
from lecture_lib.pca import PCA
from lecture_lib.plotting import CODES, INK, MUTED, PAPER, TEAL
from lecture_lib.training import History

CURVE = 60  # points on the decoded curve, Q = 1
GRID_LINES, GRID_STEPS = 5, 11  # lines each way and points on each, Q = 2


class FilmFigure(LiveFigure):
    """Points, their reconstructions and the decoder's curve, at each snapshot of a training.

    Each frame is one snapshot. All its numbers come from the clean points, without the noise and
    the weight decay that the training may have used, and in float64: the loss is the mean of
    ‖x̂ − x‖². PCA's loss is the sum of the discarded λ_j, divided by N.

    Parameters
    ----------
    x : array, shape (N, 2)
        The points that the model was trained on, 2 to 300: each one is drawn in each frame.
    model : Autoencoder
        From the plane (D = 2) to Q = 1 or 2. It is left as it is.
    history : History
        What ``fit(model, x, snapshots=...)`` returned. About 40 snapshots make a smooth film.

    Attributes
    ----------
    frame : int
        The present frame; at first the last one.
    epochs : list of int
        The epoch of each frame, rising.
    losses : list of float
        The mean of ‖x̂ − x‖² over all points in each frame, in squared units of x.
    pca_loss : float
        What PCA loses with the same Q. It is 0 for Q = 2.
    rebuilt : array, shape (frames, N, 2)
        The reconstructions x̂.
    shares : array, shape (frames, N)
        The place of each code (its first coordinate, for Q = 2) between the lowest and the highest
        of its frame, from 0 to 1. The sign of a code is arbitrary; here it is chosen such that the
        codes of neighbouring frames do not correlate negatively, nor those of the last with x_1.
    lines : array, shape (frames, lines, steps, 2)
        What the decoder makes of the range of the codes: one curve for Q = 1; lines along which one
        coordinate is constant for Q = 2.

    Raises
    ------
    ValueError
        If x does not have shape (N, 2), is not finite, has too few or too many points or only equal
        ones, if the model is not one of the plane, or if the history has fewer than two snapshots,
        or some that do not fit the model or give numbers that are not finite.

    Notes
    -----
    The window holds all that is drawn in any frame, except what is further from the data than they
    are wide: one wild frame must not make all others small. What lies outside is cut off.

    The page gets places as whole numbers from 0 to 65535 over three widths of the window, so that
    each is off by at most 3e-5 of its width; what is further out is moved straight towards the
    centre as far as that. It gets shares as whole numbers from 0 to 255. With 150 points and 40
    frames, that makes a film of about 50 kB.
    """

    point_data = traitlets.Bytes(help="x, row by row, as uint16, see Notes").tag(sync=True)
    rebuilt_data = traitlets.Bytes(help="x̂, frame by frame, likewise").tag(sync=True)
    line_data = traitlets.Bytes(help="the decoded lines, likewise").tag(sync=True)
    line_count = traitlets.Int(help="decoded lines in each frame").tag(sync=True)
    share_data = traitlets.Bytes(help="place of each code in its range, as uint8").tag(sync=True)
    epochs = traitlets.List(traitlets.Int()).tag(sync=True)
    losses = traitlets.List(traitlets.Float()).tag(sync=True)
    pca_loss = traitlets.Float().tag(sync=True)
    pca_line = traitlets.List(help="both ends of PCA's line; empty for Q = 2").tag(sync=True)
    window = traitlets.List(traitlets.Float(), help="centre and half width of the plane").tag(
        sync=True
    )
    frame = traitlets.Int().tag(sync=True)

    _size = (7.2, 3.9)
    _heights = ("calc(0.515 * var(--w) + 121px)", "calc(2.059 * var(--w) + 172px)")

    def __init__(self, x: np.ndarray, model: Autoencoder, history: History) -> None:
        """Run each snapshot on all points."""
        x = plane_points(x)
        if not isinstance(model, Autoencoder) or model.data_dim != 2:
            got = f"data_dim={model.data_dim}" if isinstance(model, Autoencoder) else repr(model)
            raise ValueError(
                f"expected an Autoencoder of points in the plane, data_dim=2; got {got}"
            )
        if not isinstance(history, History) or len(history.snapshots) < 2:
            got = len(history.snapshots) if isinstance(history, History) else repr(history)[:40]
            raise ValueError(
                f"expected a history with two snapshots or more; got {got}: "
                "pass what fit(..., snapshots=range(0, epochs + 1)) returned"
            )
        self.x, self.latent_dim = x, model.latent_dim
        epochs = sorted(history.snapshots)
        model = copy.deepcopy(model).to(device="cpu", dtype=torch.float64)
        frames = [_run(model, epoch, history.snapshots[epoch], x) for epoch in epochs]
        codes, rebuilt, losses, lines = zip(*frames, strict=True)
        self.shares = _shares(np.array(codes)[:, :, 0], x[:, 0])
        self.rebuilt, self.lines = np.array(rebuilt), np.array(lines)

        span = np.ptp(x, axis=0).max()
        everything = np.concatenate([a.reshape(-1, 2) for a in (x, self.rebuilt, self.lines)])
        near = everything.clip(x.min(axis=0) - span, x.max(axis=0) + span)
        low, high = near.min(axis=0), near.max(axis=0)
        centre, half = (low + high) / 2, 0.54 * (high - low).max()
        self._centre, self._reach = centre, 3 * half
        pca = PCA(n_components=1).fit(x)
        super().__init__(
            point_data=self._whole(x),
            rebuilt_data=self._whole(self.rebuilt),
            line_data=self._whole(self.lines),
            line_count=self.lines.shape[1],
            share_data=np.round(255 * self.shares).astype("u1").tobytes(),
            epochs=epochs,
            losses=list(losses),
            pca_loss=float(pca.eigenvalues_[model.latent_dim :].sum() / len(x)),
            pca_line=_across(centre, half, pca.mean_, pca.components_[0])
            if model.latent_dim == 1
            else [],
            window=[*centre.tolist(), float(half)],
            frame=len(epochs) - 1,
        )

    def _whole(self, places: np.ndarray) -> bytes:
        away = (places - self._centre) / self._reach
        away /= np.abs(away).max(axis=-1, keepdims=True).clip(min=1)
        return np.round(65535 * (away + 1) / 2).astype("<u2").tobytes()

    @property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        return {"frame": (0, len(self.epochs) - 1)}

    @property
    def _when(self) -> str:
        epoch = self.epochs[self.frame]
        if epoch == 0:
            return "before training"
        return "after 1 epoch" if epoch == 1 else f"after {epoch} epochs"

    @property
    def alt(self) -> str:
        """What the figure shows in its present state."""
        where = (
            "on the decoder’s curve" if self.latent_dim == 1 else "among the decoder’s grid lines"
        )
        pca = (
            f"; PCA’s, dashed, is {self.pca_loss:.3g}"
            if self.latent_dim == 1
            else "; PCA with two components loses nothing"
        )
        return (
            f"Left, {len(self.x)} points in the plane, joined to their reconstructions "
            f"{self._when}, which lie {where} and are coloured "
            f"by their code. Right, the loss against the epoch, on a logarithmic axis, from "
            f"{self.losses[0]:.3g} at epoch {self.epochs[0]} to {self.losses[-1]:.3g} at epoch "
            f"{self.epochs[-1]}. Here it is {self.losses[self.frame]:.3g}{pca}."
        )

    def _draw(self, figure: Figure) -> None:
        plane, curve = figure.subplots(1, 2)
        c1, c2, half = self.window
        rebuilt = self.rebuilt[self.frame]
        # a loss of nothing has no place on a logarithmic axis; the page has the same floor
        *losses, pca_loss = np.maximum([*self.losses, self.pca_loss], half**2 / 1e9)
        flat = self.latent_dim == 1
        pairs = np.stack([self.x, rebuilt], axis=1)
        plane.add_collection(LineCollection(pairs, color=MUTED, linewidth=0.8, alpha=0.6))
        plane.plot(*self.x.T, "o", color=PAPER, markeredgecolor=MUTED, markersize=4, label="x")
        if flat:
            ends = np.reshape(self.pca_line, (2, 2))
            plane.plot(*ends.T, "--", color=INK, linewidth=1.5, label="PCA")
            curve.axhline(pca_loss, color=INK, linestyle="--", linewidth=1.5)
            text, place = f"PCA {self.pca_loss:.3g}", (self.epochs[0], pca_loss)
            curve.annotate(text, place, (0, 4), textcoords="offset points")
        lines = LineCollection(self.lines[self.frame], color=INK if flat else MUTED)
        plane.add_collection(lines).set_linewidth(1.5 if flat else 1)
        shares = self.shares[self.frame]
        dots = plane.scatter(
            *rebuilt.T, c=shares, cmap=CODES, vmin=0, vmax=1, s=18, zorder=3, label="x̂"
        )
        bar = figure.colorbar(dots, ax=plane, location="bottom", shrink=0.6, ticks=[0, 1])
        bar.ax.set_xticklabels(["low", "high"])
        bar.set_label("code z" if flat else "code $z_1$", labelpad=-10)
        plane.set(
            xlim=(c1 - half, c1 + half),
            ylim=(c2 - half, c2 + half),
            xlabel="$x_1$",
            ylabel="$x_2$",
            aspect="equal",
        )
        plane.legend(handletextpad=0.3)
        curve.semilogy(self.epochs, losses, color=INK, linewidth=1.5)
        curve.plot(self.epochs[self.frame], losses[self.frame], "o", color=TEAL, markersize=8)
        curve.set(xlabel="epoch", title=f"loss {self.losses[self.frame]:.3g} {self._when}")


def _run(
    model: Autoencoder, epoch: int, weights: dict[str, torch.Tensor], x: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """Return the codes, the reconstructions, the loss and the decoded lines of one snapshot."""
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"expected the history of this model; its snapshots do not fit the model: {error}"
        ) from error
    with torch.no_grad():
        points = torch.as_tensor(x)
        z = model.encode(points)
        x_hat = model.decode(z)
        loss = squared_error(x_hat, points).mean().item()
        ways = _latent_lines(z.numpy())
        lines = model.decode(torch.as_tensor(ways.reshape(-1, model.latent_dim)))
    if not (np.isfinite(loss) and torch.isfinite(lines).all()):
        raise ValueError(
            f"expected finite numbers in every frame; the weights after epoch {epoch} give NaN or "
            "infinity: train with a smaller learning_rate"
        )
    return z.numpy(), x_hat.numpy(), loss, lines.numpy().reshape(*ways.shape[:2], 2)


def _latent_lines(z: np.ndarray) -> np.ndarray:
    """Return lines through the range of the codes z (N, Q): shape (lines, steps, Q)."""
    low, high = z.min(axis=0), z.max(axis=0)
    if z.shape[1] == 1:
        return np.linspace(low, high, CURVE)[None]
    fixed, along = (np.linspace(low, high, count) for count in (GRID_LINES, GRID_STEPS))
    upright = [np.column_stack([np.full(GRID_STEPS, z1), along[:, 1]]) for z1 in fixed[:, 0]]
    level = [np.column_stack([along[:, 0], np.full(GRID_STEPS, z2)]) for z2 in fixed[:, 1]]
    return np.array(upright + level)


def _shares(z: np.ndarray, x1: np.ndarray) -> np.ndarray:
    """Return each code's place in the range of its frame, 0 to 1: shape (frames, N) to the same."""
    z = z - z.mean(axis=1, keepdims=True)
    after = x1
    for frame in z[::-1]:  # from the end, so that the frames that look least random lead
        if frame @ after < 0:
            frame *= -1
        after = frame
    low, high = z.min(axis=1, keepdims=True), z.max(axis=1, keepdims=True)
    return (z - low) / np.maximum(high - low, np.finfo(float).tiny)


def _across(centre: np.ndarray, half: float, mean: np.ndarray, v: np.ndarray) -> list[float]:
    """Return both ends of the line through ``mean`` along ``v`` in the window, as four numbers."""
    with np.errstate(divide="ignore"):  # a level line never meets the upper and the lower edge
        steps = np.sort(([centre - half, centre + half] - mean) / v, axis=0)
    ends = mean + np.outer([steps[0].max(), steps[1].min()], v)
    return ends.ravel().tolist()
