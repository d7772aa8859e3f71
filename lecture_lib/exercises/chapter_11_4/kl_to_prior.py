"""Exercise: the KL divergence to the prior, from what an encoder puts out."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The KL to the prior",
    page="11-4-3-vae",
    equation="eq-kl-closed",
    level="core",
    minutes=10,
    trains="You turn a closed form into code, and keep σ, σ² and log σ² apart.",
    statement=r"""
Most encoders put out the mean $\mu_j$ and the *logarithm of the variance*, $\log \sigma_j^2$, because that number may
have any sign. Write the KL divergence from $q(\z|\x) = \N(\boldsymbol{\mu}, \operatorname{diag}\boldsymbol{\sigma}^2)$
to the prior $\N(\mathbf{0}, \mathbf{I})$, one value for each row of a batch.

Before you write: what must come out for a row of zeros in both arrays? Can any other row give the same?
""",
    solution=r"""
With $\ell_j = \log\sigma_j^2$ the closed form reads $\tfrac12 \sum_j (\mu_j^2 + e^{\ell_j} - 1 - \ell_j)$. The sum
runs over the latent dimensions, because the KL of independent parts is the sum of their KLs. The mean over the batch
is taken later, in the training loop. For a row of zeros every term is $0 + 1 - 1 - 0 = 0$: there $q$ is the prior. No
other row gives zero: $\mu_j^2 \ge 0$, and $e^{\ell_j}$ lies above its tangent $1 + \ell_j$ except at $\ell_j = 0$.
""",
)


@exercise.reference
def kl_to_prior(mu, log_var):
    """The KL divergence from q(z|x) to the prior, in nats.

    mu : array, shape (B, Q), the means
    log_var : array, shape (B, Q), log sigma²
    returns : array, shape (B,)
    """
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)


@exercise.inputs
def inputs(rng):
    for rows, dims in [(4, 3), (1, 5), (6, 1)]:
        yield rng.normal(size=(rows, dims)), rng.normal(size=(rows, dims))
    yield np.zeros((2, 3)), np.zeros((2, 3))


@exercise.mistake
def sigma_for_variance(mu, log_var):
    """You treated the second argument as log σ, so that σ⁴ stands where σ² belongs. The argument is log σ². Which
    function of it gives the variance?"""
    return 0.5 * (mu**2 + np.exp(2 * log_var) - 1 - 2 * log_var).sum(axis=1)


@exercise.mistake
def log_var_for_variance(mu, log_var):
    """You used `log_var` as if it were σ² itself, and took its logarithm once more. It may be zero or negative,
    which no variance is. What undoes a logarithm?"""
    return 0.5 * (mu**2 + log_var - 1 - np.log(log_var)).sum(axis=1)


@exercise.mistake
def takes_the_root_of_the_variance(mu, log_var):
    """In one term your result has σ where σ² belongs, while the logarithm is right. The closed form holds the
    variance itself. Is a half too many in the exponential?"""
    return 0.5 * (mu**2 + np.exp(0.5 * log_var) - 1 - log_var).sum(axis=1)


@exercise.mistake
def averaged_over_dimensions(mu, log_var):
    """You averaged over the latent dimensions. The KL of independent dimensions is the sum of their KLs; with the
    mean it counts Q times too little, which is a β-VAE by accident. Which of the two does the equation ask for?"""
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).mean(axis=1)


@exercise.mistake
def averaged_over_rows(mu, log_var):
    """You gave one number for the whole batch, the mean over its rows. One value for each row is asked for; the
    mean over data is the training loop's business. Which axis holds the latent dimensions?"""
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1).mean()


@exercise.mistake
def summed_over_rows(mu, log_var):
    """You summed over the rows of the batch, so that one number is left for each latent dimension. Each data point
    has a KL of its own. Which axis holds the latent dimensions?"""
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=0)


@exercise.mistake
def sign_of_the_elbo(mu, log_var):
    """Your result is minus the KL, the term as it stands in the ELBO. A KL divergence is never negative, and yours
    is never positive. Which of the two does the exercise ask for?"""
    return -0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)


@exercise.mistake
def forgot_the_half(mu, log_var):
    """Your result is twice the KL. The logarithm of a Gaussian has a factor in front of its square. Where did it
    go?"""
    return (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)


@exercise.mistake
def forgot_the_one(mu, log_var):
    """Your KL is not zero when q equals the prior: for a row of zeros it gives half the number of dimensions. A
    term of the closed form is missing. Which one makes that case come out as zero?"""
    return 0.5 * (mu**2 + np.exp(log_var) - log_var).sum(axis=1)


@exercise.variant
def with_a_loop(mu, log_var):
    result = []
    for m_row, l_row in zip(mu, log_var, strict=True):
        total = 0.0
        for m, ell in zip(m_row, l_row, strict=True):
            total += (m * m + np.exp(ell) - ell - 1) / 2
        result.append(total)
    return result


@exercise.variant
def with_torch(mu, log_var):
    mu, sigma = torch.as_tensor(mu), torch.exp(0.5 * torch.as_tensor(log_var))
    q, prior = torch.distributions.Normal(mu, sigma), torch.distributions.Normal(0.0, 1.0)
    return torch.distributions.kl_divergence(q, prior).sum(dim=1)
