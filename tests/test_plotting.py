import matplotlib.colors as mcolors
import matplotlib.pyplot as plt
import numpy as np
import pytest

from lecture_lib import plotting


@pytest.fixture(autouse=True)
def clean_figures():
    with plt.rc_context():
        yield
    plt.close("all")


def test_codes_run_from_blue_to_orange():
    assert [mcolors.to_hex(plotting.CODES(end)) for end in (0.0, 1.0)] == [
        plotting.BLUE,
        plotting.ORANGE,
    ]


def test_plane_keeps_angles_true():
    _, ax = plt.subplots()
    plotting.plane(ax, np.array([[0.0, 0.0], [10.0, 1.0]]))
    assert ax.get_aspect() == 1


@pytest.mark.parametrize("x", [np.zeros(3), np.zeros((4, 3))])
def test_plane_refuses_what_is_not_in_the_plane(x):
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match=r"shape \(N, 2\); got shape .*choose two columns"):
        plotting.plane(ax, x)


def test_image_grid_shows_each_image_in_its_place():
    images = np.linspace(0, 1, 5 * 6).reshape(5, 6)
    fig = plotting.image_grid(images, (2, 3), columns=2, titles=["a", "b"], row_labels=["r"])
    shown = [ax.images[0] for ax in fig.axes if ax.images]
    assert len(fig.axes) == 6
    assert len(shown) == 5
    assert [ax.get_title() for ax in fig.axes[:3]] == ["a", "b", ""]
    assert [text.get_text() for text in fig.axes[0].texts] == ["r"]
    assert not any(ax.axison for ax in fig.axes)
    for picture, image in zip(shown, images, strict=True):
        np.testing.assert_array_equal(picture.get_array(), image.reshape(2, 3))
        assert picture.get_clim() == (0, 1)


def test_signed_images_put_zero_in_the_middle():
    fig = plotting.image_grid(np.array([[-2.0, 1.0]]), (1, 2), columns=1, signed=True)
    assert fig.axes[0].images[0].get_clim() == (-2, 2)
    fig = plotting.image_grid(np.zeros((1, 2)), (1, 2), columns=1, signed=True)
    low, high = fig.axes[0].images[0].get_clim()
    assert low < 0 < high


def test_image_grid_names_a_wrong_shape():
    with pytest.raises(ValueError, match=r"\(n, 6\) for 2 by 3.*got \(1, 5\)"):
        plotting.image_grid(np.zeros((1, 5)), (2, 3), columns=1)


def test_latent_plane_marks_each_class_by_its_label_and_its_mean():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 7], 30)
    z = rng.normal(size=(60, 2)) * 0.1 + np.where(labels[:, None] == 0, -3.0, 3.0)
    _, ax = plt.subplots()
    plotting.latent_plane(ax, z, labels, most=20)
    assert sorted(text.get_text() for text in ax.texts) == ["0", "7"]
    drawn = [len(points.get_offsets()) for points in ax.collections]
    assert drawn == [20, 20, 2]
    discs = ax.collections[-1].get_offsets()
    np.testing.assert_allclose(discs, [z[:30].mean(axis=0), z[30:].mean(axis=0)])


def test_latent_plane_keeps_the_discs_of_close_means_apart():
    z = np.random.default_rng(0).normal(size=(30, 2))
    _, ax = plt.subplots()
    plotting.latent_plane(ax, np.concatenate([z, z + 0.01]), np.repeat([1, 2], 30))
    one, two = ax.collections[-1].get_offsets()
    assert np.linalg.norm(one - two) > 10 * np.hypot(0.01, 0.01)


def test_image_grid_refuses_what_it_cannot_show():
    with pytest.raises(ValueError, match="0 to 1; got values up to 255: divide by 255"):
        plotting.image_grid(np.array([[0.0, 255.0]]), (1, 2), columns=1)
    with pytest.raises(ValueError, match="at least one of each; got 0 and 1"):
        plotting.image_grid(np.zeros((0, 2)), (1, 2), columns=1)
    with pytest.raises(ValueError, match="got 1 and 0"):
        plotting.image_grid(np.zeros((1, 2)), (1, 2), columns=0)
