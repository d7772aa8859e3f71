"""Exercise: which units of a ReLU layer are dead, straight or bent."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Dead, straight or bending",
    page="11-3-3-training-films",
    equation="eq-ae-dead-unit",
    level="warm-up",
    minutes=10,
    trains="You look into a layer and tell which of its units can learn and which can bend.",
    statement=r"""
A training has stopped at a high loss. Look at the units of a ReLU layer. A unit with weights $\mathbf{u}$ and offset
$b$ *fires* for a point if $\mathbf{u}\T\x_i + b > 0$. Then there are three kinds:

- *dead*: it fires for no point, and by the equation no gradient moves it;
- *straight*: it fires for all points, and for these data it is a straight map;
- *bending*: it fires for some points and not for others.

Count them. Before you write: what kind is a unit whose weights and offset are all zero?
""",
    solution=r"""
One row of `fires` is a point, one column a unit. A unit is dead if its column holds no True, and straight if it holds
nothing else; so both questions are asked along the points, axis 0. Whatever is neither bends. A unit of zeros gives $\mathbf{u}\T\x_i + b = 0$ for every point. That is not above zero, so it is dead, and {eq}`eq-ae-dead-unit` keeps it so.
""",
    afterwards="""
from torch import nn

from lecture_lib import Autoencoder, fit
from lecture_lib.datasets import noisy_curve

X = torch.tensor(noisy_curve(n=150, noise=0.1, seed=0)[0]).float()
for seed in range(8):  # which trainings fail, and why?
    torch.manual_seed(seed)
    model = Autoencoder(2, 1, hidden=(4,), activation=nn.ReLU)
    history = fit(model, X, epochs=100, batch_size=50, learning_rate=0.02)
    layer, Z = model.decoder[0], model.encode(X)  # the decoder sees codes
    parts = [v.detach().numpy() for v in (Z, layer.weight, layer.bias)]
    kinds = [int(count) for count in unit_kinds(*parts)]
    print(f"loss {history.loss[-1]:.2f}; dead, straight, bending: {kinds}")
""",
)


@exercise.reference
def unit_kinds(X, U, b):
    """How many units of a layer are dead, straight and bending.

    X : array, shape (N, D), one point a row
    U : array, shape (H, D), the weights, one unit a row
    b : array, shape (H,), the offsets
    returns : three whole numbers, of dead, straight and bending units
    """
    fires = X @ U.T + b > 0
    dead, straight = (~fires).all(axis=0).sum(), fires.all(axis=0).sum()
    return dead, straight, len(b) - dead - straight


@exercise.inputs
def inputs(rng):
    for rows, dims, units in [(8, 3, 12), (11, 2, 17), (6, 5, 9)]:
        X, U = rng.normal(size=(rows, dims)), rng.normal(size=(units, dims))
        X, b = X + 0.5, rng.choice([-5.0, -0.5, 0.5, 6.0], size=units)
        U[0], b[0] = 0, 0  # a unit of zeros
        b[1], b[2] = -20, 20  # some of each kind
        U[3], b[3] = 20 * U[3], 0.1
        yield X, U, b
    yield np.zeros((4, 2)), rng.normal(size=(3, 2)), np.array([0.0, 1.0, -1.0])


def kinds(fires, axis=0):
    dead, straight = (~fires).all(axis=axis).sum(), fires.all(axis=axis).sum()
    return dead, straight, fires.shape[1 - axis] - dead - straight


@exercise.mistake
def counts_points(X, U, b):
    """You counted points: those for which no unit fires, and so on. A unit is judged by what it does to all points.
    Along which axis do the points lie?"""
    return kinds(X @ U.T + b > 0, axis=1)


@exercise.mistake
def offset_forgotten(X, U, b):
    """You left the offsets out. A large negative offset is one way for a unit to die. What does a unit compare
    with zero?"""
    return kinds(X @ U.T > 0)


@exercise.mistake
def zero_counts_as_firing(X, U, b):
    """You let a unit fire at exactly zero. There its answer is zero, and so is its slope, as the equation has it.
    What kind is a unit of zeros?"""
    return kinds(X @ U.T + b >= 0)


@exercise.mistake
def dead_if_ever_silent(X, U, b):
    """You called a unit dead as soon as it is silent for one point. As long as it fires for another point, a gradient
    moves it. How often may a dead unit fire?"""
    fires = X @ U.T + b > 0
    dead = (~fires).any(axis=0).sum()
    straight = fires.all(axis=0).sum()
    return dead, straight, len(b) - dead - straight


@exercise.mistake
def straight_if_it_ever_fires(X, U, b):
    """You called a unit straight as soon as it fires for one point. If it is silent for another, its answer has a bend
    between the two. What must be true for all points?"""
    fires = X @ U.T + b > 0
    straight = fires.any(axis=0).sum()
    return len(b) - straight, straight, 0


@exercise.mistake
def dead_and_straight_exchanged(X, U, b):
    """You have dead and straight units the wrong way round. Which kind fires for every point, and in which order are
    they asked for?"""
    dead, straight, bending = exercise.solve(X, U, b)
    return straight, dead, bending


@exercise.mistake
def shares(X, U, b):
    """You gave shares of the units, not counts. They are right as shares. What does the description ask for?"""
    return tuple(count / len(b) for count in exercise.solve(X, U, b))


@exercise.mistake
def bending_if_it_ever_fires(X, U, b):
    """You counted the straight units among the bending ones: a unit that fires for all points fires for some. How many
    kinds does one unit belong to?"""
    dead, straight, _ = exercise.solve(X, U, b)
    return dead, straight, len(b) - dead


@exercise.variant
def with_loops(X, U, b):
    counts = [0, 0, 0]
    for u, offset in zip(U, b, strict=True):
        firing = sum(1 for x in X if u @ x + offset > 0)
        counts[0 if firing == 0 else 1 if firing == len(X) else 2] += 1
    return counts


@exercise.variant
def with_relu(X, U, b):
    out = torch.relu(torch.as_tensor(X) @ torch.as_tensor(U).T + torch.as_tensor(b))
    dead, straight = (out.amax(dim=0) == 0), (out.amin(dim=0) > 0)
    return dead.sum(), straight.sum(), (~dead & ~straight).sum()


@exercise.variant
def from_the_extremes(X, U, b):
    a = np.einsum("nd,hd->nh", X, U) + b
    low, high = a.min(axis=0), a.max(axis=0)
    return np.sum(high <= 0), np.sum(low > 0), np.sum((low <= 0) & (high > 0))
