"""Data files: where they are looked for, and the check that each one passes before it is used.

A file is taken from the first of three places that has it: the folder that ``LECTURE_DATA`` names,
the cache folder, a public mirror. Wherever it lies, its SHA-256 checksum is compared with the
expected one on every load. What is written goes to a temporary file first and then takes its name
in one step, so nobody meets half a file, not even when two notebooks load at once.
"""

import hashlib
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import platformdirs
import pooch


def cache_folder() -> Path:
    """Return the folder for what is kept: ``LECTURE_CACHE``, or else the user's cache folder."""
    named = os.environ.get("LECTURE_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("lecture-lib", appauthor=False)


def present(name: str) -> bool:
    """Say whether a file of this name lies in ``LECTURE_DATA`` or the cache, without reading it."""
    folder = os.environ.get("LECTURE_DATA")
    folders = [folder, cache_folder()] if folder else [cache_folder()]
    return any(os.path.isfile(Path(folder, name)) for folder in folders)


def load(name: str, sha256: str, mirrors: tuple[str, ...] = ()) -> bytes:
    """Return the content of a data file whose checksum is right.

    Parameters
    ----------
    name : str
        Its path in the data folder, such as ``"mnist/t10k-labels-idx1-ubyte.gz"``.
    sha256 : str
        The checksum that the file must have, 64 hexadecimal digits.
    mirrors : tuple of str
        Addresses, each ending in a slash, under which the last part of ``name`` is published.
        Each is tried only if the ones before it failed.

    Raises
    ------
    ValueError
        If ``LECTURE_DATA`` names no folder, or a file is there with another checksum.
    FileNotFoundError
        If the file cannot be had; the message says what was tried and what came of it.
    """
    tried = []
    if folder := os.environ.get("LECTURE_DATA"):
        if not os.path.isdir(folder):
            raise ValueError(
                f"expected LECTURE_DATA to name a folder; got {folder!r}, which is no folder as "
                f"seen from {Path.cwd()}: give its full path, or unset LECTURE_DATA"
            )
        path = Path(folder, name)
        if path.is_file():
            return _verified(path, sha256)
        tried.append(f"{path}: not there")
    kept = cache_folder() / name
    if not mirrors:
        if kept.is_file():
            return _verified(kept, sha256)
        tried.append(f"{kept}: not there")
    pooch.get_logger().setLevel("WARNING")  # its reports would stand in the page as errors do
    for mirror in mirrors:
        try:
            # Returns the kept file if its checksum is right. Otherwise downloads to a temporary
            # file and gives it its name only when the checksum of that is right.
            path = pooch.retrieve(mirror + kept.name, sha256, kept.name, kept.parent)
            return Path(path).read_bytes()
        except (OSError, ValueError) as error:  # no network, nowhere to write; a wrong checksum
            tried.append(f"{mirror}{kept.name}: {error}")
    remedy = "Connect to a network, or put it" if mirrors else "Put it"
    raise FileNotFoundError(
        f"{name} cannot be had. {remedy} into the folder that LECTURE_DATA names. What was tried:"
        + "".join(f"\n- {attempt}" for attempt in tried)
    )


def _verified(path: Path, sha256: str) -> bytes:
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{path} is not the file it should be: expected SHA-256 {sha256}, found {found}. "
            "It is damaged, cut off or another version: replace it, or take it away."
        )
    return content


def cached_arrays(name: str, build: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays that ``build()`` returns, from the cache folder where they are kept.

    The file is a NumPy archive followed by 32 bytes, the SHA-256 checksum of all that precedes. One
    that does not fit its checksum is made anew. (The checksums of the zip format would not do: a
    flipped bit in its table of contents can hide an array.) What the arrays depend on belongs in
    ``name``, as a version number does.
    """
    path = cache_folder() / name
    try:
        content = path.read_bytes()
    except OSError:
        pass  # not kept yet
    else:
        archive, checksum = content[:-32], content[-32:]
        if hashlib.sha256(archive).digest() == checksum:
            return dict(np.load(io.BytesIO(archive)))
        print(f"Notice: {path} is damaged and is made anew.")
    arrays = build()
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            part = Path(scratch, name)
            part.write_bytes(archive.getvalue() + hashlib.sha256(archive.getvalue()).digest())
            os.replace(part, path)
    except OSError as error:
        print(
            f"Notice: {path} cannot be written, so the same work will be done again next time "
            f"({error}). LECTURE_CACHE can name another folder."
        )
    return arrays
