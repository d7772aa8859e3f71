"""Exercise: codes of a grid in which each cell holds the same share of the prior."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="A poster of the latent plane",
    page="11-4-10-manifolds-and-samples",
    equation="eq-inverse-cdf",
    level="core",
    minutes=15,
    trains="You turn equal shares of a probability into places, and keep the axes of a picture straight.",
    statement=r"""
You want to print a poster of all that a decoder with $Q = 2$ can draw: `rows` times `columns` pictures, each
standing for the same share of the prior $\N(\mathbf{0}, \mathbf{I})$. Cut the plane into a grid of that many
rectangular cells of equal probability. The code of a cell lies in it such that, in each dimension, half of the cell's
probability is on either side.

Pictures are printed row by row from the top left. On the poster $z_1$ rises to the right and $z_2$ rises *upwards*.
Return the codes in the order of printing. A poster of one row has only $z_2 = 0$.

PyTorch has the distribution function of the standard normal as `torch.special.ndtr`, and its inverse as
`torch.special.ndtri`. Before you write: which of the two do you need, and where should neighbouring codes be
closest?
""",
    solution=r"""
In one dimension, cut $(0, 1)$ into $n$ equal pieces and take the middle of each, $u = (k + \frac12) / n$. Their
images under $\Phi^{-1}$ are the codes: by {eq}`eq-inverse-cdf` a piece of $u$ of length $1/n$ becomes a piece of
$z$ with prior mass $1/n$, and half of it lies on either side of the image of its middle. The two dimensions of the
prior are independent, so a cell has mass $1 / (\text{rows} \cdot \text{columns})$.

The ends $u = 0$ and $u = 1$ do not occur, which is good, since $\Phi^{-1}$ sends them to infinity. Codes are
closest in the middle, where the prior is densest.

The first row printed is the top one, so it has the largest $z_2$: the second list is turned round. Within a row
$z_1$ changes and $z_2$ stays. Hence $z_1$ is repeated as a whole, and each $z_2$ as often as there are columns.
""",
    afterwards="""
import matplotlib.pyplot as plt
from lecture_lib import VAE, fit
from lecture_lib.datasets import load_digits

torch.manual_seed(0)
vae = VAE(784, 2, (100,), binarise=True)
fit(vae, load_digits().x_train[:1500], epochs=12, learning_rate=1e-2, seed=0)
z = torch.as_tensor(latent_grid(8, 14), dtype=torch.float32)
images = vae.decode(z).mean.detach().reshape(8, 14, 28, 28)
plt.imshow(images.transpose(1, 2).reshape(8 * 28, 14 * 28), cmap="gray")
plt.axis("off");
""",
)


@exercise.reference
def latent_grid(rows, columns):
    """Codes of a grid whose cells have equal prior probability.

    rows, columns : int, the size of the poster in pictures
    returns : array, shape (rows * columns, 2), z1 and z2 of each picture,
        row by row from the top left
    """
    across = (torch.arange(columns, dtype=torch.float64) + 0.5) / columns
    up = (torch.arange(rows, dtype=torch.float64) + 0.5) / rows
    z1, z2 = torch.special.ndtri(across), torch.special.ndtri(up).flip(0)
    z1, z2 = z1.repeat(rows), z2.repeat_interleave(columns)
    return torch.stack([z1, z2], dim=1)


@exercise.inputs
def inputs(rng):
    rows = int(rng.integers(3, 6))
    yield rows, rows + int(rng.integers(1, 4))
    yield int(rng.integers(7, 10)), 2
    yield 1, int(rng.integers(4, 8))
    yield 3, 1
    yield 1, 1


def _middles(n):
    return torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n)


def _grid(rows, columns, places, upwards=True):
    z1, z2 = places(columns), places(rows)
    z2 = z2.flip(0) if upwards else z2
    return torch.stack([z1.repeat(rows), z2.repeat_interleave(columns)], dim=1)


@exercise.mistake
def upside_down(rows, columns):
    """Your poster is upside down: the top row has the smallest z₂. Arrays are printed from the top, axes are drawn from
    below. Which row of the poster comes first?"""
    return _grid(rows, columns, _middles, upwards=False)


@exercise.mistake
def ends_included(rows, columns):
    """Your shares run from exactly 0 to exactly 1, and there the inverse is infinite. A cell's code has half of the
    cell's probability on either side. Which share lies below the code of the very first cell?"""
    return _grid(
        rows, columns, lambda n: torch.special.ndtri(torch.linspace(0, 1, n, dtype=torch.float64))
    )


@exercise.mistake
def inner_edges(rows, columns):
    """You cut the interval from 0 to 1 into n + 1 pieces and take the n cuts. It looks much the same, but your
    outermost codes stand for more of the prior than the others. How many pieces should there be, and where in each
    is its code?"""

    def places(n):
        return torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 1) / (n + 1))

    return _grid(rows, columns, places)


@exercise.mistake
def edges_in_place_of_middles(rows, columns):
    """You take the lower edge of each cell for its code, and for the first cell that is minus infinity. The code should
    have half of the cell's probability on either side. Where in its piece of the interval from 0 to 1 is it then?"""
    return _grid(
        rows, columns, lambda n: torch.special.ndtri(torch.arange(n, dtype=torch.float64) / n)
    )


@exercise.mistake
def rows_and_columns_exchanged(rows, columns):
    """Your z₁ takes as many values as the poster has rows. A row holds one picture for each column, and z₁ changes
    along it. How many values does it take?"""
    return _grid(columns, rows, _middles)


@exercise.mistake
def column_by_column(rows, columns):
    """Your codes are the right ones in another order: column by column. A poster is printed row by row from the top
    left. Which of the two coordinates changes from one picture to the next?"""
    grid = _grid(rows, columns, _middles).reshape(rows, columns, 2)
    return grid.transpose(0, 1).reshape(-1, 2)


@exercise.mistake
def coordinates_exchanged(rows, columns):
    """You have z₁ and z₂ exchanged in each code: within a row of your poster it is z₂ that changes. Which of them
    belongs to the direction across?"""
    return _grid(rows, columns, _middles).flip(1)


@exercise.mistake
def shares_not_mapped(rows, columns):
    """Your codes are shares between 0 and 1, and none is negative. They say how much of the prior lies below a code.
    Which function turns a share into the place?"""
    return _grid(rows, columns, lambda n: (torch.arange(n, dtype=torch.float64) + 0.5) / n)


@exercise.mistake
def distribution_function_itself(rows, columns):
    """You apply the distribution function to numbers that are shares already. It takes a place and gives a share, so
    all your codes lie between 0.5 and 0.85. In which direction do you have to go?"""
    return _grid(
        rows,
        columns,
        lambda n: torch.special.ndtr((torch.arange(n, dtype=torch.float64) + 0.5) / n),
    )


@exercise.mistake
def equal_steps_of_z(rows, columns):
    """Your codes have equal steps in z, from −3 to 3. Most of your pictures then stand for places that the prior hardly
    ever draws. In which quantity should the steps be equal?"""
    return _grid(rows, columns, lambda n: torch.linspace(-3, 3, n, dtype=torch.float64))


@exercise.variant
def with_loops(rows, columns):
    normal = torch.distributions.Normal(0.0, 1.0)
    codes = []
    for r in range(rows):
        for c in range(columns):
            u = torch.tensor([(2 * c + 1) / (2 * columns), 1 - (2 * r + 1) / (2 * rows)])
            codes.append(normal.icdf(u).tolist())
    return codes


@exercise.variant
def with_a_mesh(rows, columns):
    from scipy.stats import norm

    z1 = norm.ppf(np.linspace(0.5 / columns, 1 - 0.5 / columns, columns))
    z2 = -norm.ppf(np.linspace(0.5 / rows, 1 - 0.5 / rows, rows))
    return np.stack(np.meshgrid(z1, z2), axis=-1).reshape(-1, 2)
