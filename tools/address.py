"""Where the project is published: one setting, from which every address in the book is made.

The setting is the environment variable ``LECTURE_REPOSITORY``, a repository on GitHub such as
``https://github.com/OWNER/NAME``. Without it the variables that GitHub sets in its own workflows
are read. With neither there is no address, and no page shows a button that would lead nowhere.
"""

import os
import re
from dataclasses import dataclass
from urllib.parse import quote

# what the workflow publishes besides the pages: the notebooks, at the root of a branch
BRANCH = "notebooks"
# where postBuild puts them in Binder's copy of the repository
ON_BINDER = "_build/notebooks"
GITHUB = "https://github.com"
REPOSITORY = re.compile(
    rf"(?i:{GITHUB})/([\w-]+)/(?!\.{{1,2}}/?$|\.git/?$)([\w.-]+?)(?:\.git)?/?", re.ASCII
)


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub, at one revision."""

    owner: str
    name: str
    revision: str = "HEAD"

    @property
    def url(self) -> str:
        """The repository itself."""
        return f"{GITHUB}/{self.owner}/{self.name}"

    @property
    def site(self) -> str:
        """The root of the pages, as GitHub Pages names it."""
        host = f"{self.owner.lower()}.github.io"
        return f"https://{host}/" if self.name.lower() == host else f"https://{host}/{self.name}/"

    @property
    def requirement(self) -> str:
        """What pip installs the package from; it needs no git."""
        return f"lecture-lib @ {self.url}/archive/{quote(self.revision)}.zip"

    def binder(self, stem: str) -> str:
        """Opens a notebook, by its name without the ending, in JupyterLab on Binder."""
        path = quote(f"lab/tree/{ON_BINDER}/{stem}.ipynb", safe="")
        revision = quote(self.revision, safe="")
        return f"https://mybinder.org/v2/gh/{self.owner}/{self.name}/{revision}?urlpath={path}"

    def colab(self, stem: str) -> str:
        """Opens a notebook in Google Colab."""
        path = f"{self.owner}/{self.name}/blob/{BRANCH}/{quote(stem)}.ipynb"
        return f"https://colab.research.google.com/github/{path}"


def repository() -> Repository | None:
    """The repository that the book is published from, or None if that is not known.

    Raises
    ------
    ValueError
        If ``LECTURE_REPOSITORY`` is not the address of a repository on GitHub.
    """
    in_workflow = os.environ.get("GITHUB_REPOSITORY", "")
    if address := os.environ.get("LECTURE_REPOSITORY"):
        match = REPOSITORY.fullmatch(address)
        if match is None:
            raise ValueError(
                f"LECTURE_REPOSITORY: expected a repository such as {GITHUB}/OWNER/NAME; "
                f"got {address!r}: correct it, or unset it for a book without such links"
            )
        owner, name = match.groups()
    elif in_workflow and os.environ.get("GITHUB_SERVER_URL", GITHUB) == GITHUB:
        owner, name = in_workflow.split("/")
    else:  # other servers have workflows too, but neither Binder nor Colab opens them this way
        return None
    if in_workflow.lower() == f"{owner}/{name}".lower():
        return Repository(owner, name, os.environ.get("GITHUB_SHA") or "HEAD")
    return Repository(owner, name)


def site() -> str | None:
    """The root of the published pages, with a slash at its end, or None."""
    published = repository()
    return published.site if published else None
