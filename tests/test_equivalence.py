import numpy as np

from lecture_lib.exercises.equivalence import exact, up_to_rotation, up_to_signs

rng = np.random.default_rng(0)
V = np.linalg.qr(rng.normal(size=(6, 3)))[0]
SIGNS = np.array([1, -1, -1])


def alike(equivalent, first, second):
    return all(map(np.allclose, equivalent(first), equivalent(second)))


def test_signs_of_columns_are_free_and_nothing_else():
    assert alike(up_to_signs, [V], [V * SIGNS])
    assert not alike(up_to_signs, [V], [V[:, ::-1]])
    assert not alike(up_to_signs, [V], [2 * V])
    assert not alike(up_to_signs, [V, np.ones(1)], [V, -np.ones(1)])


def test_an_orthonormal_turn_is_free_and_nothing_else():
    R = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert alike(up_to_rotation, [V], [V @ R])
    assert not alike(up_to_rotation, [V], [V @ np.diag([1, 1, 2])])
    assert not alike(up_to_rotation, [V, np.ones(1)], [V @ R, 2 * np.ones(1)])
    assert not alike(exact, [V], [V @ R])


def test_answers_of_another_form_pass_through():
    for equivalent in (up_to_signs, up_to_rotation):
        assert np.array_equal(equivalent([np.arange(3.0)])[0], np.arange(3.0))
