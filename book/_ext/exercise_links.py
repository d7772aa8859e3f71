"""At the end of each page: the exercises that go with it."""

from pathlib import Path

from lecture_lib.exercises.source import CHAPTERS, exercises


def add_links(app, docname, source):
    page = Path(docname).name
    links = [
        f"- {{ref}}`{exercise.title} <exercise-{exercise.anchor}>`, "
        f"{exercise.level}, about {exercise.minutes} minutes"
        for chapter in CHAPTERS
        for exercise in exercises(chapter)
        if exercise.page == page
    ]
    if links:
        source[0] += "\n\n## Exercises with a check\n\n" + "\n".join(links) + "\n"


def setup(app):
    app.connect("source-read", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
