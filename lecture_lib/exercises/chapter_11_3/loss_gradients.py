"""Exercise: backpropagation through a linear autoencoder, by hand."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Backpropagation through two layers",
    page="11-3-1-linear-autoencoder",
    equation="eq-ae-loss",
    level="core",
    minutes=30,
    trains="You carry a slope back through a network, layer by layer, and check it against autograd.",
    statement=r"""
`fit` leaves the slopes to PyTorch. Do its work once yourself: write the gradient of the loss with respect to all four
blocks of weights of a linear autoencoder, in NumPy. The data are not centred, and the offsets are whatever they are,
so the covariance alone will not do.

Start from the loss and go backwards: first its slope in $\xh_i$, then in $\z_i$, and from these two the slopes in the
weights. The shape of each result tells you which factors can stand in it, and in which order.

Before you write: if all weights and offsets are zero, which of the four slopes are zero too?
""",
    solution=r"""
The slope of $\frac{1}{N}\sum_i\|\xh_i - \x_i\|^2$ in $\xh_i$ is $\boldsymbol{\delta}_i = \frac{2}{N}(\xh_i - \x_i)$.
A small change of $\mathbf{b}$ changes every $\xh_i$ by the same, so its slope is $\sum_i \boldsymbol{\delta}_i$. A
change of $\mathbf{B}$ changes $\xh_i$ by $\Delta\mathbf{B}\,\z_i$, so its slope is
$\sum_i \boldsymbol{\delta}_i\z_i\T$. A change of $\z_i$ is multiplied by $\mathbf{B}$ on its way to $\xh_i$, so the
slope in $\z_i$ is $\mathbf{B}\T\boldsymbol{\delta}_i$. From there the encoder's slopes are like the decoder's, with
$\x_i$ in the place of $\z_i$. In code the points are rows, so a sum of outer products over the points is one matrix
product.

The $\frac{1}{N}$ is in $\boldsymbol{\delta}_i$ already, so nothing is averaged again. If all weights are zero, so are
the codes, and what is sent back through $\mathbf{B}$: only the slope in $\mathbf{b}$ is left. That is why networks do
not start from zeros; {eq}`eq-surface-origin` shows the saddle.
""",
    afterwards="""
rng = np.random.default_rng(0)
N, D, Q = 50, 6, 2
shapes = [(N, D), (Q, D), (Q,), (D, Q), (D,)]  # X, A, a, B, b
X, *weights = [rng.normal(size=shape) for shape in shapes]
A, a, B, b = [torch.tensor(w, requires_grad=True) for w in weights]
X_hat = (torch.tensor(X) @ A.T + a) @ B.T + b
loss = (X_hat - torch.tensor(X)).square().sum(dim=1).mean()
by_torch = torch.autograd.grad(loss, [A, a, B, b])
for name, ours, theirs in zip("AaBb", loss_gradients(X, *weights), by_torch):
    off = np.abs(ours - theirs.numpy()).max()
    print(f"largest difference to autograd in {name}: {off:.0e}")
""",
)


@exercise.reference
def loss_gradients(X, A, a, B, b):
    """The gradient of a linear autoencoder's loss in each of its weights.

    X : array, shape (N, D), one point a row
    A : array, shape (Q, D)
    a : array, shape (Q,)
    B : array, shape (D, Q)
    b : array, shape (D,)
    returns : four arrays, the slopes in A, a, B, b, each shaped like its weight
    """
    Z = X @ A.T + a
    slope_X_hat = 2 * (Z @ B.T + b - X) / len(X)
    slope_Z = slope_X_hat @ B
    slope_A, slope_a = slope_Z.T @ X, slope_Z.sum(axis=0)
    slope_B, slope_b = slope_X_hat.T @ Z, slope_X_hat.sum(axis=0)
    return slope_A, slope_a, slope_B, slope_b


@exercise.inputs
def inputs(rng):
    for rows, dims, q in [(7, 5, 2), (4, 6, 3), (5, 3, 1)]:
        X = rng.normal(size=(rows, dims)) + 1.0
        A, B = rng.normal(size=(q, dims)), rng.normal(size=(dims, q))
        yield X, A, rng.normal(size=q), B, rng.normal(size=dims)
    X = rng.normal(size=(1, 4))
    yield (
        X,
        rng.normal(size=(2, 4)),
        rng.normal(size=2),
        rng.normal(size=(4, 2)),
        rng.normal(size=4),
    )
    yield rng.normal(size=(6, 4)), np.zeros((2, 4)), np.zeros(2), np.zeros((4, 2)), np.zeros(4)


@exercise.mistake
def factor_two(X, A, a, B, b):
    """All your slopes are half of what they should be. The loss is a square without a half in front. What is the
    derivative of a square?"""
    return tuple(slope / 2 for slope in exercise.solve(X, A, a, B, b))


@exercise.mistake
def summed_over_points(X, A, a, B, b):
    """Your slopes are those of the sum over points. The loss is the mean. With the sum, a good step size for ten
    points is far too large for a thousand. What is missing?"""
    return tuple(slope * len(X) for slope in exercise.solve(X, A, a, B, b))


@exercise.mistake
def averaged_over_dimensions(X, A, a, B, b):
    """Your slopes are D times too small: they belong to a loss that averages over dimensions too. The squared length
    in the equation is a sum. By what do you divide?"""
    return tuple(slope / X.shape[1] for slope in exercise.solve(X, A, a, B, b))


@exercise.mistake
def downhill(X, A, a, B, b):
    """Your results point downhill: they are minus the slopes. Descent takes the minus sign later, with the step.
    Which way round is the difference of point and reconstruction?"""
    return tuple(-slope for slope in exercise.solve(X, A, a, B, b))


@exercise.mistake
def back_through_the_encoder(X, A, a, B, b):
    """The decoder's slopes are right. On its way back to the codes your slope went through the encoder's matrix.
    Between code and reconstruction stands another one. Which did the code go through on its way forward?"""
    _, _, slope_B, slope_b = exercise.solve(X, A, a, B, b)
    slope_Z = 2 * ((X @ A.T + a) @ B.T + b - X) / len(X) @ A.T
    return slope_Z.T @ X, slope_Z.sum(axis=0), slope_B, slope_b


@exercise.mistake
def codes_without_their_offset(X, A, a, B, b):
    """The encoder's offset is missing from your codes. It changes what the decoder sees, and so every slope. Which line
    makes the codes?"""
    slope_A, slope_a, slope_B, slope_b = exercise.solve(X, A, 0 * a, B, b)
    return slope_A, slope_a, slope_B, slope_b


@exercise.mistake
def offsets_averaged_again(X, A, a, B, b):
    """The slopes in the matrices are right, those in the offsets are N times too small. The mean over points was taken
    once, at the start. Is it taken a second time here?"""
    slope_A, slope_a, slope_B, slope_b = exercise.solve(X, A, a, B, b)
    return slope_A, slope_a / len(X), slope_B, slope_b / len(X)


@exercise.mistake
def transposed(X, A, a, B, b):
    """Your slopes in the matrices are transposed. A slope has the shape of its weight, or no step could be taken with
    it. Which of the two factors should give the rows?"""
    slope_A, slope_a, slope_B, slope_b = exercise.solve(X, A, a, B, b)
    return slope_A.T, slope_a, slope_B.T, slope_b


@exercise.mistake
def plain_difference(X, A, a, B, b):
    """Your slopes start from the plain difference of reconstruction and point. The loss squares it and takes a mean
    over points. What do the derivative of the square and the mean each bring in?"""
    return tuple(slope * len(X) / 2 for slope in exercise.solve(X, A, a, B, b))


@exercise.variant
def point_by_point(X, A, a, B, b):
    slopes = [np.zeros_like(A), np.zeros_like(a), np.zeros_like(B), np.zeros_like(b)]
    for x in X:
        z = A @ x + a
        delta = 2 * (B @ z + b - x)
        back = B.T @ delta
        parts = [np.outer(back, x), back, np.outer(delta, z), delta]
        slopes = [total + part / len(X) for total, part in zip(slopes, parts, strict=True)]
    return slopes


@exercise.variant
def by_autograd(X, A, a, B, b):
    weights = [torch.tensor(w, requires_grad=True) for w in (A, a, B, b)]
    A, a, B, b = weights
    X = torch.as_tensor(X)
    loss = ((X @ A.T + a) @ B.T + b - X).square().sum() / len(X)
    return torch.autograd.grad(loss, weights)


@exercise.variant
def from_the_covariance(X, A, a, B, b):
    x_bar = X.mean(axis=0)
    M = X.T @ X / len(X)  # not centred
    C, c = B @ A, B @ a + b
    slope_C = 2 * (C @ M - M + np.outer(c, x_bar))
    slope_c = 2 * (C @ x_bar + c - x_bar)
    slope_B = slope_C @ A.T + np.einsum("d,q->dq", slope_c, a)
    return B.T @ slope_C, B.T @ slope_c, slope_B, slope_c
