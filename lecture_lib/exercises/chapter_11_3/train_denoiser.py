"""Exercise: train a linear denoising autoencoder by a loop of one's own."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Train a denoiser with your own loop",
    page="11-3-5-denoising",
    equation="eq-dae-loss",
    level="project",
    minutes=50,
    trains="You write a training loop from nothing but a loss and its slopes, and know its traps.",
    statement=r"""
Write a plainer `fit` yourself: train a linear denoising autoencoder without offsets,
$r(\mathbf{y}) = \mathbf{B}\mathbf{A}\mathbf{y}$, by gradient descent on all points at once. The points are centred.

In each step the points get fresh noise, the loss is the mean over points of the squared error, and both matrices take
one step of plain gradient descent: against the slope, times the step size. So that your loop can be compared with
ours to the last digit, all noise was drawn beforehand and is among the arguments, one draw for each step. The slopes
may come from PyTorch's autograd or from your own formula. The matrices that you are given must not change.

Before you run what follows the check: which matrix should $\mathbf{B}\mathbf{A}$ come close to, if the code is as
long as the point?
""",
    solution=r"""
One step has four parts. *Spoil* the points: they go in as $\x_i + \boldsymbol{\varepsilon}_i$, in code as rows.
*Compare* with the clean points, {eq}`eq-dae-loss`: a sum over dimensions, a mean over points. *Ask for both slopes at
once*, at one and the same place. *Move* both matrices.

Three traps of such a loop. Slopes from `backward()` are added to those that are there already; `torch.autograd.grad`
gives fresh ones. If $\mathbf{A}$ has moved before the slope in $\mathbf{B}$ is taken, it is another algorithm. And
the step itself must not become part of what is differentiated: `detach` cuts the new matrices off from their past,
and makes sure besides that the given ones stay as they are.

With $Q = D$ the loop approaches the $\mathbf{C}^*$ of {eq}`eq-dae-linear-optimum`, up to what the noise of the last
steps leaves. With $Q < D$ it is that of {eq}`eq-dae-bottleneck`.
""",
    afterwards="""
import matplotlib.pyplot as plt

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 4)) * [2.0, 1.0, 0.5, 0.1]
X = torch.tensor(X - X.mean(axis=0))
A, B = torch.tensor(0.3 * rng.normal(size=(2, 4, 4)))
noise = torch.tensor(0.7 * rng.normal(size=(2000, 200, 4)))
A, B = train_denoiser(X, noise, A, B, 0.02)
Sigma = X.T @ X / len(X)
wiener = Sigma @ torch.linalg.inv(Sigma + 0.7**2 * torch.eye(4))
axes = plt.subplots(1, 2, figsize=(5, 2.5))[1]  # trained, and in theory
for ax, C in zip(axes, [B @ A, wiener]):
    ax.imshow(C.numpy(), vmin=0, vmax=1)
""",
)


@exercise.reference
def train_denoiser(X, noise, A, B, step_size):
    """Gradient descent for a linear denoising autoencoder, a step a draw.

    X : float tensor, shape (N, D), the clean points, one a row, centred
    noise : float tensor, shape (steps, N, D), what is added to X in each step
    A : float tensor, shape (Q, D), the encoder's matrix at the start
    B : float tensor, shape (D, Q), the decoder's matrix at the start
    step_size : float
    returns : A and B after the last step
    """
    for eps in noise:
        A, B = A.detach().requires_grad_(), B.detach().requires_grad_()
        X_hat = (X + eps) @ A.T @ B.T
        loss = ((X_hat - X) ** 2).sum(dim=1).mean()
        slope_A, slope_B = torch.autograd.grad(loss, [A, B])
        A, B = A - step_size * slope_A, B - step_size * slope_B
    return A.detach(), B.detach()


@exercise.inputs
def inputs(rng):
    for steps, rows, dims, q in [(5, 7, 4, 2), (3, 4, 5, 3), (8, 6, 3, 1)]:
        shapes = [(rows, dims), (steps, rows, dims), (q, dims), (dims, q)]
        X, noise, A, B = [torch.tensor(rng.normal(size=shape)) for shape in shapes]
        yield X - X.mean(dim=0), 0.5 * noise, 0.5 * A, 0.5 * B, 0.06
    X, noise, A, B = [torch.tensor(rng.normal(size=s)) for s in [(3, 2), (1, 3, 2), (2, 2), (2, 2)]]
    yield X - X.mean(dim=0), 0.3 * noise, A, B, 0.1  # one step only


def slopes(y, x, A, B):
    """By formula, which is faster than autograd for so little data."""
    z = y @ A.T
    delta = 2 * (z @ B.T - x) / len(x)
    return (delta @ B).T @ y, delta.T @ z


def descend(X, noise, A, B, step_size):
    for eps in noise:
        slope_A, slope_B = slopes(X + eps, X, A, B)
        A, B = A - step_size * slope_A, B - step_size * slope_B
    return A, B


@exercise.mistake
def slopes_add_up(X, noise, A, B, step_size):
    """Your first step is right, later ones are too long: each slope holds all earlier ones. `backward()` adds to the
    slopes that are there. What must happen to them before each step?"""
    total_A, total_B = 0.0, 0.0
    for eps in noise:
        slope_A, slope_B = slopes(X + eps, X, A, B)
        total_A, total_B = total_A + slope_A, total_B + slope_B
        A, B = A - step_size * total_A, B - step_size * total_B
    return A, B


@exercise.mistake
def encoder_moves_first(X, noise, A, B, step_size):
    """Your encoder moved before the decoder's slope was taken. Gradient descent takes both slopes at the same place. In
    which order do your lines ask and move?"""
    for eps in noise:
        A = A - step_size * slopes(X + eps, X, A, B)[0]
        B = B - step_size * slopes(X + eps, X, A, B)[1]
    return A, B


@exercise.mistake
def decoder_moves_first(X, noise, A, B, step_size):
    """Your decoder moved before the encoder's slope was taken. Gradient descent takes both slopes at the same place. In
    which order do your lines ask and move?"""
    for eps in noise:
        B = B - step_size * slopes(X + eps, X, A, B)[1]
        A = A - step_size * slopes(X + eps, X, A, B)[0]
    return A, B


@exercise.mistake
def noise_in_the_target(X, noise, A, B, step_size):
    """You compared with the noisy points, so your network learns to rebuild noise and all. That is a plain
    autoencoder, with noise in its data. Which points does the equation compare with?"""
    for eps in noise:
        slope_A, slope_B = slopes(X + eps, X + eps, A, B)
        A, B = A - step_size * slope_A, B - step_size * slope_B
    return A, B


@exercise.mistake
def clean_input(X, noise, A, B, step_size):
    """Your network never saw the noise: that is the plain autoencoder. Where does the noise go in?"""
    return descend(X, 0 * noise, A, B, step_size)


@exercise.mistake
def same_noise_in_each_step(X, noise, A, B, step_size):
    """You used the first draw of the noise in all steps. A network that meets the same noise again and again can
    learn it by heart. Which draw belongs to which step?"""
    return descend(X, noise[:1].expand_as(noise), A, B, step_size)


@exercise.mistake
def noise_piles_up(X, noise, A, B, step_size):
    """The noise of earlier steps stays in your points: each step adds its own to what is spoiled already. What should
    each step start from?"""
    return descend(X, noise.cumsum(dim=0), A, B, step_size)


@exercise.mistake
def summed_over_points(X, noise, A, B, step_size):
    """Your loss is a sum over points, so your steps are N times too long. The loss of the book takes a mean over
    points. Which axis is averaged?"""
    return descend(X, noise, A, B, step_size * len(X))


@exercise.mistake
def averaged_over_dimensions(X, noise, A, B, step_size):
    """Your steps are D times too short: the loss was averaged over dimensions too, as `mse_loss` does. Which axis is
    summed, and which is averaged?"""
    return descend(X, noise, A, B, step_size / X.shape[1])


@exercise.mistake
def factor_two_missing(X, noise, A, B, step_size):
    """Your steps are half as long as they should be. If you wrote the slopes yourself, look at the derivative of a
    square; if not, is there a half in your loss?"""
    return descend(X, noise, A, B, step_size / 2)


@exercise.mistake
def uphill(X, noise, A, B, step_size):
    """Your matrices walk uphill: the loss grows. A slope points to where the loss is larger. Which sign does a step
    down have?"""
    return descend(X, noise, A, B, -step_size)


@exercise.mistake
def one_step_only(X, noise, A, B, step_size):
    """You took one step, with the first draw of the noise, and stopped. There are as many steps as draws. Where does
    your `return` stand?"""
    return descend(X, noise[:1], A, B, step_size)


@exercise.mistake
def starts_again_each_time(X, noise, A, B, step_size):
    """What you return is one step away from the start, made with the last noise. So each step began at the matrices
    that were given. What should the second step start from?"""
    return descend(X, noise[-1:], A, B, step_size)


@exercise.variant
def with_an_optimizer(X, noise, A, B, step_size):
    A, B = torch.nn.Parameter(A.clone()), torch.nn.Parameter(B.clone())
    optimizer = torch.optim.SGD([A, B], lr=step_size)
    for eps in noise:
        optimizer.zero_grad()
        y = X + eps
        (torch.nn.functional.mse_loss(y @ A.T @ B.T, X, reduction="sum") / len(X)).backward()
        optimizer.step()
    return A, B


@exercise.variant
def with_backward(X, noise, A, B, step_size):
    A, B = A.clone().requires_grad_(), B.clone().requires_grad_()
    for t in range(len(noise)):
        loss = torch.linalg.norm((X + noise[t]) @ (B @ A).T - X, dim=1).square().mean()
        loss.backward()
        with torch.no_grad():
            for weight in (A, B):
                weight -= step_size * weight.grad
                weight.grad = None
    return A, B


@exercise.variant
def with_numpy(X, noise, A, B, step_size):
    X, noise, A, B = (np.asarray(part) for part in (X, noise, A, B))
    for eps in noise:
        Y = X + eps
        E = (Y @ A.T @ B.T - X).T @ Y * 2 / len(X)
        A, B = A - step_size * B.T @ E, B - step_size * E @ A.T
    return A, B
