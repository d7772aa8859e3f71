"""One setting says where the book is published, and every address is made from it."""

from urllib.parse import parse_qs, unquote, urlsplit

import address
import pytest
from packaging.requirements import Requirement

EXAMPLE = "https://github.com/OWNER/NAME"
SETTINGS = ("LECTURE_REPOSITORY", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA")


@pytest.fixture
def settings(monkeypatch):
    """Return a function that sets the environment variables, and unsets the others."""

    def settings(**values):
        for name in SETTINGS:
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    settings()
    return settings


WORKFLOW = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "someone/else",
    "GITHUB_SHA": "0123abc",
}


@pytest.mark.usefixtures("settings")
def test_no_setting_no_address():
    assert address.repository() is None
    assert address.site() is None


@pytest.mark.parametrize("form", [EXAMPLE, f"{EXAMPLE}/", f"{EXAMPLE}.git"])
def test_the_setting_names_the_repository(settings, form):
    settings(LECTURE_REPOSITORY=form)
    assert address.repository() == address.Repository("OWNER", "NAME", "HEAD")
    assert address.repository().url == EXAMPLE


def test_a_workflow_names_its_repository_and_revision(settings):
    settings(**WORKFLOW)
    assert address.repository() == address.Repository("someone", "else", "0123abc")


def test_the_setting_comes_first_and_keeps_to_its_own_revisions(settings):
    settings(**WORKFLOW, LECTURE_REPOSITORY=EXAMPLE)
    assert address.repository() == address.Repository("OWNER", "NAME", "HEAD")
    settings(**WORKFLOW, LECTURE_REPOSITORY="https://github.com/Someone/Else")
    assert address.repository().revision == "0123abc"


def test_workflows_of_other_servers_give_no_address(settings):
    settings(**WORKFLOW | {"GITHUB_SERVER_URL": "https://git.example.org"})
    assert address.repository() is None


@pytest.mark.parametrize(
    "wrong",
    [
        "OWNER/NAME",
        "git@github.com:OWNER/NAME.git",
        "http://github.com/OWNER/NAME",
        "https://github.com/OWNER",
        "https://github.com/OWNER/NAME/tree/main",
        "https://gitlab.com/OWNER/NAME",
        'https://github.com/OWNER/NAME"',
    ],
)
def test_anything_else_is_refused_in_words(settings, wrong):
    settings(LECTURE_REPOSITORY=wrong)
    with pytest.raises(ValueError, match="expected a repository such as") as error:
        address.repository()
    assert repr(wrong) in str(error.value)
    assert "unset it" in str(error.value)


@pytest.mark.parametrize(
    ("repository", "site"),
    [
        (EXAMPLE, "https://owner.github.io/NAME/"),
        ("https://github.com/OWNER/owner.github.io", "https://owner.github.io/"),
        ("https://github.com/OWNER/OWNER.github.io", "https://owner.github.io/"),
    ],
)
def test_site(settings, repository, site):
    settings(LECTURE_REPOSITORY=repository)
    assert address.site() == site


def test_binder_opens_the_notebook_that_post_build_writes():
    link = urlsplit(address.Repository("OWNER", "NAME", "some/branch").binder("11-2-3-digits"))
    assert link.netloc == "mybinder.org"
    assert unquote(link.path) == "/v2/gh/OWNER/NAME/some/branch"
    assert link.path.count("/") == 5, "a slash in a branch is not one of the address"
    assert parse_qs(link.query) == {"urlpath": ["lab/tree/_build/notebooks/11-2-3-digits.ipynb"]}


def test_colab_opens_the_notebook_of_the_published_branch():
    link = address.Repository("OWNER", "NAME", "0123abc").colab("exercises-11-2")
    assert link == (
        "https://colab.research.google.com/github/OWNER/NAME/blob/notebooks/exercises-11-2.ipynb"
    )


def test_pip_understands_the_requirement():
    requirement = Requirement(address.Repository("OWNER", "NAME", "0123abc").requirement)
    assert requirement.name == "lecture-lib"
    assert requirement.url == f"{EXAMPLE}/archive/0123abc.zip"
