"""Exercise: the beta that a program's reductions amount to."""

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Which β is this?",
    page="11-4-6-mean-or-sum",
    equation="eq-beta-mean",
    level="warm-up",
    minutes=8,
    by_hand=True,
    trains="You read off, from the reductions of a program, how much its KL really counts.",
    statement=r"""
You find this training loss in a public repository. `x` and `x_hat` have shape `(B, D)`, and `kl_terms` has shape
`(B, Q)`: the KL of each dimension of each code. PyTorch averages over everything that it is given.

```python
reconstruction = F.binary_cross_entropy(x_hat, x)
kl = kl_terms.mean()
loss = reconstruction + kl_weight * kl
```

The true objective, minus the bound, has sums over pixels and over the code. Two questions. Which $\beta$ does this
loss amount to? And which `kl_weight` would make it the true objective, up to a factor in front?

Work it out with a pencil, then type the two formulas in. Before you do: for digits with $D = 784$, $Q = 20$ and
`kl_weight = 1`, will $\beta$ be above one or below?
""",
    solution=r"""
Let $-R$ be the sum over the pixels and $K$ the sum over the code, both averaged over the batch. The first line
computes $-R / D$. The second computes $K / Q$. So in {eq}`eq-beta-mean` the weights are $a = 1 / D$ and
$b = w / Q$, with $w$ for `kl_weight`, and

$$
\beta = \frac{b}{a} = \frac{w / Q}{1 / D} = \frac{w D}{Q}
$$

Set this to one: $w = Q / D$. A picture has many more pixels than its code has numbers, so a weight of 1 means a
$\beta$ far above one. The mean over the code heals a part of what the mean over the pixels did, and by no means all
of it. The batch size drops out, since both parts are averaged over the rows.

A weight in code says nothing by itself. It has a meaning only together with the reductions beside it.
""",
)


@exercise.reference
def accidental_beta(D, Q, kl_weight):
    """The beta of the loss, and the kl_weight for which it would be one.

    D : int, pixels
    Q : int, latent dimensions
    kl_weight : float
    returns : beta, weight, two numbers
    """
    return kl_weight * D / Q, Q / D


@exercise.inputs
def inputs(rng):
    for _ in range(3):
        Q = int(rng.integers(2, 30))
        yield Q + int(rng.integers(20, 800)), Q, float(rng.uniform(0.01, 0.4))
    yield 784, 20, 1.0
    yield 784, 20, 0.01


@exercise.mistake
def weight_as_written(D, Q, kl_weight):
    """You take the factor in the code for β. It would be, if both parts were sums. What does each mean do to the part
    that it is applied to?"""
    return kl_weight, 1.0


@exercise.mistake
def forgot_the_mean_over_the_code(D, Q, kl_weight):
    """Your result counts the mean over pixels and not the one over the code. Look at the second line of the program: it
    averages too. Does that make the KL count more or less?"""
    return kl_weight * D, 1 / D


@exercise.mistake
def forgot_the_mean_over_pixels(D, Q, kl_weight):
    """Your result counts the mean over the code and not the one over pixels. Look at the first line of the program:
    PyTorch averages over everything that it is given. What does that do to the reconstruction?"""
    return kl_weight / Q, float(Q)


@exercise.mistake
def turned_upside_down(D, Q, kl_weight):
    """You have D and Q exchanged. Both means make their part small, but β is how much the KL counts beside the
    reconstruction. If the reconstruction is divided by something large, does β rise or fall?"""
    return kl_weight * Q / D, D / Q


@exercise.mistake
def both_multiplied(D, Q, kl_weight):
    """You let both means raise β. One of them shrinks the reconstruction, the other shrinks the KL itself. Do these two
    push β in the same direction?"""
    return kl_weight * D * Q, 1 / (D * Q)


@exercise.mistake
def weight_left_out(D, Q, kl_weight):
    """The means are right, but your β does not depend on the factor that the program has in front of the KL. What does
    doubling it do?"""
    return D / Q, Q / D


@exercise.mistake
def correction_in_place_of_the_weight(D, Q, kl_weight):
    """Your β is right. Your second number is the factor by which the present weight would have to be multiplied. The
    exercise asks for the new weight itself: which one makes β equal to one?"""
    return kl_weight * D / Q, Q / (kl_weight * D)


@exercise.mistake
def second_upside_down(D, Q, kl_weight):
    """Your β is right. Your second number is one over what it should be. Put it into your own formula for β: what comes
    out?"""
    return kl_weight * D / Q, D / Q


@exercise.mistake
def second_is_one(D, Q, kl_weight):
    """Your β is right. Your second number is the β that is wanted, and the question is for the weight that brings it
    about. Set your first formula to one, and solve. For what?"""
    return kl_weight * D / Q, 1.0


@exercise.variant
def by_the_two_weights(D, Q, kl_weight):
    a, b = 1 / D, kl_weight / Q
    return b / a, a / (1 / Q)


@exercise.variant
def as_a_list(D, Q, kl_weight):
    return [kl_weight * (D / Q), (D / Q) ** -1]
