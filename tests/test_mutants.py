"""The tests of the VAE notice every well-known bug of public code: see tools/mutants.py."""

import mutants
import pytest


@pytest.mark.parametrize("name", mutants.MUTANTS)
def test_the_bug_is_noticed(name):
    assert mutants.noticed_by(name), mutants.MUTANTS[name].bug


def test_unchanged_code_passes():
    assert mutants.noticed_by("") is None


def test_a_mutant_whose_text_is_gone_is_an_error(monkeypatch):
    monkeypatch.setitem(mutants.MUTANTS, "gone", mutants.Mutant(mutants.VAE, "never", "", ""))
    with pytest.raises(ValueError, match="up to date"):
        mutants.noticed_by("gone")
