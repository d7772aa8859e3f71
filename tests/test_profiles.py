"""A page must say what is true of the embedded data and of the whole sets (`LECTURE_PROFILE`)."""

import re

import execute
import pytest

# The training digits, the test digits and all of them, embedded or whole; so many are in no subset
# that a page takes of either.
SIZES = r"(?:[4-6]|10|60|70),000|(?:four|five|ten|sixty|seventy) thousand"
OF_WHAT = r"(?:training |test |held-out |handwritten )*(?:digits|images|pictures)"


def loads_digits(source):
    return any("load_digits()" in code for code in execute.code_of(execute.read_source(source)))


PAGES = [source for source in execute.sources() if loads_digits(source)]


def words_of(source):
    """The prose of a page, its captions and its alternative texts; where a value goes, a #."""
    for cell in execute.read_source(source).cells:
        about = cell.metadata.get("mystnb", {})
        texts = [about.get("figure", {}).get("caption"), about.get("image", {}).get("alt")]
        if cell.cell_type == "markdown":
            texts.append(cell.source)
        for text in filter(None, texts):
            yield re.sub(r"\{glue:text\}`[^`]*`", "#", " ".join(text.split()))


@pytest.mark.parametrize("source", PAGES, ids=lambda source: source.stem)
def test_no_sentence_types_how_many_digits_there_are(source):
    typed = [m[0] for text in words_of(source) for m in re.finditer(f"(?:{SIZES}) {OF_WHAT}", text)]
    assert not typed, "glue the number: with LECTURE_PROFILE=full there are more"


@pytest.mark.parametrize("source", PAGES, ids=lambda source: source.stem)
def test_a_page_trains_on_all_digits_of_the_profile(source):
    code = "\n".join(execute.code_of(execute.read_source(source)))
    assert not re.search(r"digits\.[xy]_train\[:\s*[\d_]+\]", code)
