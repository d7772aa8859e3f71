"""The notebooks that Binder opens, opened and run as its link does, in a real JupyterLab."""

import json
import shutil
from urllib.parse import parse_qs, urlsplit

import pytest
from address import ON_BINDER, Repository
from jupyter_lab import START, Notebook, jupyter_lab
from test_student_notebooks import harmless
from write_notebooks import NOTEBOOKS

# two that take seconds: a live figure that is drawn, and one that is painted
CHEAP = ["11-2-2-two-views", "11-2-3-digits"]

# how many pictures of live figures are black all over
BLACK = """() => [...document.querySelectorAll(".jp-Notebook .live canvas")].filter((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.every((value, i) => value === (i % 4 === 3 ? 255 : 0));
}).length"""


@pytest.mark.browser
@pytest.mark.timeout(600)
@pytest.mark.parametrize("stem", CHEAP)
def test_the_notebook_behind_the_link_runs_to_its_end(stem, tmp_path, open_page):
    assert NOTEBOOKS.exists(), "run `make notebooks` first"
    shutil.copytree(NOTEBOOKS, tmp_path / ON_BINDER)
    link = urlsplit(Repository("OWNER", "NAME").binder(stem))
    (path,) = parse_qs(link.query)["urlpath"]
    with jupyter_lab(tmp_path) as address:
        page = open_page("about:blank")
        page.set_default_timeout(START * 1000)
        Notebook(page, address, path.removeprefix("lab/tree/"))
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        last = page.locator(".jp-Notebook .jp-CodeCell").last.locator(".jp-InputPrompt")
        page.wait_for_function(
            "prompt => /\\d/.test(prompt.textContent)", arg=last.element_handle(), timeout=300_000
        )
        figure = page.locator(".jp-Notebook .live-sentence").first
        figure.scroll_into_view_if_needed()
        assert figure.text_content()
        # black, if a colour variable had no value when it was painted
        page.wait_for_function(f"({BLACK})() === 0")
        page.keyboard.press("Control+S")
        page.locator(".lm-TabBar-tab.jp-mod-dirty").wait_for(state="detached")
        page.problems[:] = [problem for problem in page.problems if not harmless(problem)]
        page.goto("about:blank")  # or it misses its server
    cells = json.loads((tmp_path / ON_BINDER / f"{stem}.ipynb").read_text())["cells"]
    codes = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in codes)
    outputs = [output for cell in codes for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
