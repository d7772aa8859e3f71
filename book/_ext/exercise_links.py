"""At the end of each page: the exercises that go with it."""

import sys
from collections import defaultdict
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
from equations import link_to
from write_exercises import kind_of

from lecture_lib.exercises.source import all_exercises

LINKS = defaultdict(list)  # for each page
for exercise in all_exercises():
    LINKS[exercise.page].append(f"- {link_to(exercise)}, {kind_of(exercise)}")


def add_links(app, docname, source):
    if links := LINKS.get(Path(docname).name):
        source[0] += "\n\n## Exercises with a check\n\n" + "\n".join(links) + "\n"


def setup(app):
    app.connect("source-read", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
