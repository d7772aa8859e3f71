"""Exercise: the density of a round Gaussian after another map of the plane."""

import numpy as np
import torch

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="Another map, another density",
    page="11-4-9-expressiveness",
    equation="eq-change-of-variables",
    level="core",
    minutes=25,
    by_hand=True,
    trains="You carry a density through a map of the plane, one stretch at a time.",
    statement=r"""
The lecture's map makes a ring of the ball. Here is another map of the plane, with
$\z \sim \N(\mathbf{0}, \mathbf{I})$, $Q = 2$:

$$
\x = g(\z) = \|\z\|\, \z
$$

Each point stays on its ray from the centre, and its distance is squared. What is inside the unit circle moves
inwards, and what is outside moves out. Which density $p(\x)$ do the images have, as a function of their distance
$\rho = \|\x\|$ from the centre?

Work it out with a pencil, in the order of the page: the density of the radius $\|\z\|$, then that of $\rho$, then
that of the point in the plane. Type the formula in as code, for $\rho > 0$.

Before you do: does the density at the centre get larger or smaller?
""",
    solution=r"""
*The radius of* $\z$. As on the page, $r = \|\z\|$ has the density $r\, e^{-r^2/2}$.

*The radius of* $\x$. The map sends $r$ to $\rho = r^2$, with slope $2r$. By {eq}`eq-change-of-variables` the
density of $\rho$ is $r\,e^{-r^2/2} / (2r) = \frac12 e^{-\rho/2}$, with $r^2 = \rho$ put in. It is an exponential
density. This is no accident: $r^2$ is a sum of two squares of standard normals, a χ² with two degrees of freedom.

*The point*. A thin ring of radius $\rho$ holds $\frac12 e^{-\rho/2}\,d\rho$ and has the area $2\pi\rho\,d\rho$. The
angle is uniform, so

$$
p(\x) = \frac{\frac12 e^{-\rho/2}}{2\pi\rho} = \frac{e^{-\rho/2}}{4\pi\rho}
$$

The check by determinants: along the ray the map stretches by $2r$, across it by $\rho / r = r$. Their product is
$2r^2 = 2\rho$, and the prior at $\z$ is $\frac{1}{2\pi} e^{-\rho/2}$; divide.

At the centre the density is infinite, since the map squeezes in both directions there. Its mass is finite all the
same. A model may have a likelihood as large as it likes at a point, and that alone is no merit.
""",
    afterwards="""
rng = np.random.default_rng(0)
z = rng.normal(size=(1_000_000, 2))
x = np.linalg.norm(z, axis=1, keepdims=True) * z
distance = np.linalg.norm(x, axis=1)
for rho in (0.3, 1, 2, 4):  # count the images in a narrow ring
    share = (np.abs(distance - rho) < 0.05).mean()
    area = np.pi * ((rho + 0.05) ** 2 - (rho - 0.05) ** 2)
    print(f"counted {share / area:.4f}, formula {density_after_a_map(rho):.4f}")
""",
)


@exercise.reference
def density_after_a_map(rho):
    """The density of x = ||z|| z at distance rho from the centre of the plane.

    rho : float or array, above zero
    returns : p(x) for each rho, of the same shape
    """
    return np.exp(-rho / 2) / (4 * np.pi * rho)


@exercise.inputs
def inputs(rng):
    yield 0.5 + rng.random(int(rng.integers(3, 6)))
    yield 2 + 4 * rng.random(int(rng.integers(6, 9)))
    yield 1.7


def _rayleigh(r):
    return r * np.exp(-(r**2) / 2)


@exercise.mistake
def density_of_the_radius(rho):
    """You stopped at the density of the radius ρ. The exercise asks for that of the point in the plane. Over which area
    does a thin ring spread its probability?"""
    return np.exp(-rho / 2) / 2


@exercise.mistake
def stretch_along_the_ray_only(rho):
    """Your result has the stretch along the ray and none across it. The circle through z becomes the circle through x,
    and it is there that the probability lies now. How long is that circle?"""
    r = np.sqrt(rho)
    return _rayleigh(r) / (2 * r) / (2 * np.pi * r)


@exercise.mistake
def stretch_across_the_ray_only(rho):
    """Your result has the stretch across the ray and none along it. The map changes the distance from the centre as
    well, so the density of the radius does not stay as it was. What is the slope of that change?"""
    return _rayleigh(np.sqrt(rho)) / (2 * np.pi * rho)


@exercise.mistake
def slope_multiplied(rho):
    """You multiply by the slope of the map. Where it stretches, the same probability lies on a longer piece. Does the
    density grow there, or does it thin?"""
    r = np.sqrt(rho)
    return _rayleigh(r) * 2 * r / (2 * np.pi * rho)


@exercise.mistake
def slope_at_the_new_radius(rho):
    """You took the slope of the map at ρ. The map acts on the radius of z, and its slope belongs there. Which radius
    does ρ come from?"""
    return _rayleigh(np.sqrt(rho)) / (2 * rho) / (2 * np.pi * rho)


@exercise.mistake
def old_radius_not_replaced(rho):
    """The stretch is there, but you kept the exponent of the density of the old radius, with ρ in place of r. A point
    at distance ρ comes from another distance. From which?"""
    return np.exp(-(rho**2) / 2) / (4 * np.pi * rho)


@exercise.mistake
def length_of_the_circle_forgotten(rho):
    """You divide by 2π where the length of a circle belongs. A large circle is longer than a small one, so the same
    probability is spread more thinly. How does the length depend on ρ?"""
    return np.exp(-rho / 2) / (4 * np.pi)


@exercise.mistake
def no_stretch_at_all(rho):
    """Your result is the prior's density at the place that x came from. That would do for a map that neither stretches
    nor squeezes. What happens to the area of a small patch?"""
    return np.exp(-rho / 2) / (2 * np.pi)


@exercise.variant
def step_by_step(rho):
    r = np.sqrt(rho)
    of_radius = r * np.exp(-(r**2) / 2)
    return of_radius / (2 * r) / (2 * np.pi * rho)


@exercise.variant
def by_the_determinant(rho):
    result = []
    for value in np.ravel(rho):
        z = torch.tensor([np.sqrt(value), 0.0])
        matrix = torch.autograd.functional.jacobian(lambda z: z.norm() * z, z)
        prior = np.exp(-value / 2) / (2 * np.pi)
        result.append(prior / matrix.det().abs().item())
    return np.reshape(result, np.shape(rho))
