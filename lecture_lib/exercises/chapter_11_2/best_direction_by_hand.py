"""Exercise: the best direction in the plane and what it keeps, with a pencil."""

import numpy as np

from lecture_lib.exercises.source import Exercise

exercise = Exercise(
    title="The best direction, with a pencil",
    page="11-2-2-two-views",
    equation="eq-pca-angle",
    level="warm-up",
    minutes=10,
    trains="You find the best direction of a small cloud by hand, and say how much it keeps.",
    by_hand=True,
    rtol=5e-3,  # room for a rounded answer; every mistake is further off
    statement=r"""
A cloud of points in the plane has the scatter matrix

$$
\S = \begin{pmatrix} 73 & 36 \\ 36 & 52 \end{pmatrix}.
$$

Guess first: does the best direction lie nearer to the first axis or to the second, and does it rise or fall? Then
find its angle, counter-clockwise from the first axis, and the share of the total scatter that this one direction
retains. The numbers come out well with pencil and paper; only the angle needs a calculator at the end.
""",
    solution=r"""
Put $\v(\theta) = (\cos\theta, \sin\theta)$ into $\v\T\S\v$ and use the double-angle formulas:

$$
\begin{aligned}
\v\T\S\,\v &= 73\cos^2\theta + 2 \cdot 36 \sin\theta\cos\theta + 52\sin^2\theta \\
&= \tfrac{125}{2} + \tfrac{21}{2}\cos 2\theta + 36\sin 2\theta
\end{aligned}
$$

A sum $p\cos 2\theta + q\sin 2\theta$ is largest where $2\theta$ is the angle of the vector $(p, q)$, and its
largest value is the length of that vector. So $\tan 2\theta^* = 36 / 10.5$, and the most that can be retained is
$62.5 + \sqrt{10.5^2 + 36^2} = 62.5 + 37.5 = 100$ of 125. This is {eq}`eq-pca-angle` with
$(\lambda_1 + \lambda_2)/2 = 62.5$ and $(\lambda_1 - \lambda_2)/2 = 37.5$.

By eigenvectors it is as short: $\lambda^2 - 125\lambda + 2500 = 0$ has the roots 100 and 25, and
$(\S - 100\,\mathbf{I})\v = \mathbf{0}$ says $-27 v_1 + 36 v_2 = 0$, so $\v$ points along $(4, 3)$. The direction
$(-4, -3)$ is the same line, which is why the angle is asked for between 0 and 180 degrees.
""",
)


@exercise.reference
def best_direction_by_hand():
    """The best direction of the cloud, and what it keeps.

    returns : (angle, share)
        angle : number, in degrees, from 0 to 180, to two decimals
        share : number, from 0 to 1, to three decimals
    """
    a, b, c = 73, 36, 52
    angle = np.degrees(np.arctan2(2 * b, a - c)) / 2
    most = (a + c) / 2 + np.hypot((a - c) / 2, b)
    return angle, most / (a + c)


@exercise.mistake
def worst_direction():
    """This is the direction that retains least, and its share. The slope of the retained scatter vanishes at two
    angles, a quarter turn apart. Which of the two eigenvalues belongs to yours?"""
    return 90 + np.degrees(np.arctan2(72, 21)) / 2, 25 / 125


@exercise.mistake
def angle_of_the_worst():
    """The share is right, but the angle is that of the direction that retains least. Put a vector of that angle into
    Sv = λv: which eigenvalue comes out?"""
    return 90 + np.degrees(np.arctan2(72, 21)) / 2, 100 / 125


@exercise.mistake
def in_radians():
    """Both answers are right, but your angle is in radians. Degrees are asked for. How many radians are half a turn?"""
    return np.arctan2(72, 21) / 2, 100 / 125


@exercise.mistake
def angle_doubled():
    """Your angle is twice what it should be, and the share is right. The retained scatter is a cosine of 2θ, not of
    θ. Did you solve for 2θ and stop there?"""
    return np.degrees(np.arctan2(72, 21)), 100 / 125


@exercise.mistake
def angle_to_the_other_axis():
    """Your angle is the one to the second axis. The share is right. In a direction (v₁, v₂), which entry is the run
    and which is the rise?"""
    return 90 - np.degrees(np.arctan2(72, 21)) / 2, 100 / 125


@exercise.mistake
def opposite_end_of_the_line():
    """Your angle points to the other end of the same line, and the share is right. An eigenvector may be negated.
    Which angle between 0 and 180 degrees belongs to the same line?"""
    return np.degrees(np.arctan2(72, 21)) / 2 - 180, 100 / 125


@exercise.mistake
def share_of_the_first_axis():
    """The angle is right. Your share is what the first axis retains, an entry of the diagonal over the total. The
    best direction retains more than either axis. How much is vᵀSv along your angle?"""
    return np.degrees(np.arctan2(72, 21)) / 2, 73 / 125


@exercise.mistake
def angle_falls():
    """Your line has the right steepness and falls where it should rise. The share is right. What does the sign of
    the entry off the diagonal say about the cloud?"""
    return 180 - np.degrees(np.arctan2(72, 21)) / 2, 100 / 125


@exercise.mistake
def in_per_cent():
    """Both answers are right, but your share is in per cent. A number from 0 to 1 is asked for. By what do you
    divide?"""
    return np.degrees(np.arctan2(72, 21)) / 2, 80


@exercise.mistake
def eigenvalue_for_share():
    """The angle is right. Your second number is the eigenvalue, the scatter that the direction retains. A share is
    a part of a whole. What is the total scatter, and where in the matrix can it be read off?"""
    return np.degrees(np.arctan2(72, 21)) / 2, 100


@exercise.variant
def by_eigenvectors():
    eigenvalues, V = np.linalg.eigh([[73, 36], [36, 52]])
    x, y = V[:, 1]
    return np.degrees(np.arctan2(y, x)) % 180, eigenvalues[1] / eigenvalues.sum()


@exercise.variant
def typed_in():
    return 36.87, 0.8
