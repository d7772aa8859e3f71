from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle

from lecture_lib import diagrams, plotting

ALL = [
    diagrams.autoencoder,
    diagrams.decoder_only,
    diagrams.variational_autoencoder,
    diagrams.vanilla_vae,
    diagrams.reparameterised_vae,
    diagrams.graph_written_out,
    diagrams.graph_plate,
]


def drawn(diagram, figsize=(3.1, 3.9)):
    with plt.rc_context():
        plotting.use_style()
        fig, ax = plt.subplots(figsize=figsize)
        diagram(ax)
        fig.draw_without_rendering()
    return ax


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def patches(ax, kind):
    return [patch for patch in ax.patches if type(patch) is kind]


def labels(ax):
    return [text for text in ax.texts if text.get_text()]


def arrows(ax):
    return [(np.array(text.xyann), np.array(text.xy)) for text in ax.texts if not text.get_text()]


def cells(ax, color):
    return [p for p in patches(ax, Rectangle) if to_hex(p.get_edgecolor()) == color]


@pytest.mark.parametrize(
    ("diagram", "size"),
    [  # in inches, as on the pages
        (diagrams.autoencoder, (6.2, 2.4)),
        (diagrams.decoder_only, (6.2, 2.4)),
        (diagrams.variational_autoencoder, (6.4, 2.5)),
        (diagrams.vanilla_vae, (6.4, 2.4)),
        (diagrams.reparameterised_vae, (6.4, 2.4)),
        (diagrams.graph_written_out, (3.1, 3.9)),
        (diagrams.graph_plate, (3.1, 3.9)),
    ],
)
def test_no_label_covers_another_or_leaves_the_canvas(diagram, size):
    ax = drawn(diagram, size)
    boxes = {text.get_text(): text.get_window_extent() for text in labels(ax)}
    for (one, first), (other, second) in combinations(boxes.items(), 2):
        assert not first.overlaps(second), f"{one!r} covers {other!r}"
    canvas = ax.get_window_extent()
    for name, box in boxes.items():
        assert canvas.x0 <= box.x0 < box.x1 <= canvas.x1, name
        assert canvas.y0 <= box.y0 < box.y1 <= canvas.y1, name


@pytest.mark.parametrize("diagram", ALL)
def test_only_colours_that_follow_the_theme(diagram):
    ax = drawn(diagram)
    palette = {plotting.INK, plotting.MUTED, plotting.GRID, plotting.BLUE, plotting.ORANGE}
    used = {to_hex(text.get_color()) for text in labels(ax)}
    shapes = [*ax.patches, *(text.arrow_patch for text in ax.texts if not text.get_text())]
    for shape in shapes:
        used.add(to_hex(shape.get_edgecolor()))
        if shape.get_facecolor()[3]:  # not transparent
            used.add(to_hex(shape.get_facecolor()))
    assert used <= palette


def test_the_code_is_shorter_than_what_it_stands_for():
    ax = drawn(diagrams.autoencoder, (6.4, 3.0))
    columns = {}
    for cell in cells(ax, plotting.INK) + cells(ax, plotting.ORANGE):
        columns.setdefault(round(cell.get_x(), 6), []).append(cell)
    observed, latent, rebuilt = (len(columns[x]) for x in sorted(columns))
    assert observed == rebuilt > latent
    assert latent == len(cells(ax, plotting.ORANGE))
    assert len(patches(ax, Polygon)) == 2
    assert len(arrows(ax)) == 4


def test_without_an_encoder_nothing_is_encoded():
    ax = drawn(diagrams.decoder_only, (6.4, 3.0))
    names = " ".join(text.get_text() for text in labels(ax))
    assert "decoder" in names
    assert "encoder" not in names
    assert "x" not in [text.get_text() for text in labels(ax)]  # x̂ only
    assert len(patches(ax, Polygon)) == 1


def test_each_network_narrows_towards_the_code():
    ax = drawn(diagrams.autoencoder, (6.4, 3.0))
    for network in patches(ax, Polygon):
        corners = network.get_xy()[:4]
        code = np.mean([cell.get_x() for cell in cells(ax, plotting.ORANGE)])
        near = corners[:, 0] == corners[np.abs(corners[:, 0] - code).argmin(), 0]
        assert np.ptp(corners[near, 1]) < np.ptp(corners[~near, 1])


def test_the_recognition_model_has_two_heads_on_one_backbone():
    ax = drawn(lambda ax: diagrams.variational_autoencoder(ax, (9, 7, 2)), (6.4, 2.5))
    names = [text.get_text() for text in labels(ax)]
    # lengths: x and the logits; two hidden layers; μ, log σ and z
    assert [names.count(size) for size in "972"] == [2, 2, 3]
    layers = [patch.get_xy()[:4] for patch in patches(ax, Polygon)]
    assert len(layers) == 5
    starts = [tuple(corners[0].round(6)) for corners in layers]
    assert len(set(starts)) == 4, "the two heads start from the same hidden layer"
    # the draw joins both heads to z, the only latent variable
    left = min(cell.get_x() for cell in cells(ax, plotting.ORANGE))
    ends = [end for _, end in arrows(ax)]
    assert len(ends) == 2
    np.testing.assert_allclose(ends, [(left, diagrams.MIDDLE)] * 2)


@pytest.mark.parametrize(
    ("diagram", "random", "passes"),
    [(diagrams.vanilla_vae, "z", False), (diagrams.reparameterised_vae, "ε", True)],
)
def test_the_gradient_reaches_the_encoder_only_if_nothing_random_is_in_its_way(
    diagram, random, passes
):
    ax = drawn(diagram, (6.4, 2.4))
    (circle,) = patches(ax, Circle)  # what is drawn at random, and nothing else
    (name,) = [t for t in labels(ax) if np.allclose(t.get_position(), circle.center)]
    assert random in name.get_text()
    parts = arrows(ax)
    into = [end for start, end in parts if np.isclose(np.linalg.norm(end - circle.center), 0.34)]
    assert len(into) == (0 if passes else 2)  # μ and σ lead into a draw of z, nothing into ε
    (back,) = [(start, end) for start, end in parts if end[0] < start[0]]
    encoder = min(
        np.ptp(p.get_xy()[:4], axis=0)[0] + p.get_xy()[0, 0] for p in patches(ax, Polygon)
    )
    reached = back[1][0] < encoder  # its right edge
    assert reached == passes
    assert bool(ax.lines) != passes  # the cross


def test_written_out_each_point_has_a_latent_and_shares_the_parameters():
    ax = drawn(diagrams.graph_written_out)
    names = [text.get_text() for text in labels(ax)]
    for symbol in "zx":
        assert sum(f"{{{symbol}}}" in name for name in names) == 3
    assert names.count("w") == 1
    assert len(arrows(ax)) == 6  # z to x and w to x, three times


def test_the_plate_holds_what_is_repeated_and_not_the_parameters():
    ax = drawn(diagrams.graph_plate)
    (plate,) = patches(ax, FancyBboxPatch)
    inside = plate.get_path().contains_points
    for circle in patches(ax, Circle):
        turn = np.linspace(0, 2 * np.pi, 50)
        edge = circle.center + circle.radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        repeated = circle.radius == diagrams.RADIUS
        assert inside(edge).all() if repeated else not inside(edge).any()
    assert len(patches(ax, Circle)) == 3
    assert len(arrows(ax)) == 2


@pytest.mark.parametrize("diagram", [diagrams.graph_written_out, diagrams.graph_plate])
def test_arrows_lead_from_edge_to_edge(diagram):
    ax = drawn(diagram)
    circles = patches(ax, Circle)
    for start, end in arrows(ax):
        for place in (start, end):
            away = [np.linalg.norm(place - circle.center) - circle.radius for circle in circles]
            assert min(np.abs(away)) < 1e-9, "each end lies on the edge of a circle"
        reached = min(circles, key=lambda circle: np.linalg.norm(end - circle.center))
        assert to_hex(reached.get_facecolor()) == plotting.GRID, "only observed variables depend"
