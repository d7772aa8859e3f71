"""At the end of each page: the exercises that go with it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
from equations import link_to
from write_exercises import kind_of, on_page


def add_links(app, docname, source):
    if exercises := on_page(Path(docname).name):
        links = [f"- {link_to(exercise)}, {kind_of(exercise)}" for exercise in exercises]
        source[0] += "\n\n## Exercises with a check\n\n" + "\n".join(links) + "\n"


def setup(app):
    app.connect("source-read", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
