"""The workflows: what each may do, that what they call exists, and their scripts, run here."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# the names that GitHub gives rights under; "write" is granted to one job, never to a whole file
READ_ONLY = {"contents": "read"}


def load(name):
    """A workflow as GitHub reads it; YAML takes the word `on` for true."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    workflow["on"] = workflow.pop(True)
    return workflow


def jobs():
    return [
        pytest.param(path.name, name, id=f"{path.stem}-{name}")
        for path in FILES
        for name in load(path.name)["jobs"]
    ]


def script(file, step_name):
    """The commands of a named step."""
    steps = [step for job in load(file)["jobs"].values() for step in job.get("steps", [])]
    (found,) = [step for step in steps if step.get("name") == step_name]
    return found


def run(step, folder, **environment):
    """Run a step's commands as a runner does."""
    settings = {key: value for key, value in step.get("env", {}).items() if "${{" not in value}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | settings | {key: str(value) for key, value in environment.items()},
        capture_output=True,
        text=True,
    )


def summary_of(file, step_name, folder):
    """What a step writes into the summary of its run."""
    summary = folder / "summary"
    done = run(script(file, step_name), folder, RUNNER_TEMP=folder, GITHUB_STEP_SUMMARY=summary)
    assert done.returncode == 0, done.stderr
    return summary.read_text()


def test_there_are_five():
    assert [path.stem for path in FILES] == ["cpu", "gpu", "links", "newest", "publish"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_says_what_it_guards_against_and_has_few_rights(path):
    comment = re.match(r"(# .*\n)+", path.read_text(encoding="utf-8"))
    assert comment, "it opens with a comment"
    assert "Guards against" in comment[0]
    assert load(path.name)["permissions"] == READ_ONLY
    assert load(path.name)["concurrency"]


@pytest.mark.parametrize(("file", "name"), jobs())
def test_each_job_ends_in_time_and_pins_its_actions(file, name):
    job = load(file)["jobs"][name]
    called = job.get("uses")
    if called:  # another file here, of which the jobs have limits
        assert (ROOT / called).exists()
        return
    assert 0 < job["timeout-minutes"] <= 180
    for step in job["steps"]:
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_called_exists(path):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    text = re.sub(r"^\s*#.*", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for call in re.findall(r"\bmake((?: [a-z]+)+)$", text, re.MULTILINE):
        for target in call.split():
            assert target in targets, f"make {target}"
    for file in re.findall(r"(?:tests|tools|book|\.ci)/[\w/.]+", text):
        derived = file == "book/costs.md"
        assert derived or (ROOT / file).exists(), file


def test_no_job_on_a_pull_request_may_write():
    """The code of a stranger runs there."""
    with_strangers = [path.name for path in FILES if "pull_request" in load(path.name)["on"]]
    assert with_strangers == ["cpu.yml"]
    for name, job in load("cpu.yml")["jobs"].items():
        if "permissions" in job:
            assert name == "publish"
            assert job["if"].startswith("github.event_name == 'push' &&")


def test_only_what_was_tested_is_published():
    cpu, publish = load("cpu.yml")["jobs"], load("publish.yml")["jobs"]
    assert cpu["publish"]["needs"] == "book"
    assert " ".join(cpu["publish"]["if"].split()) == (
        "github.event_name == 'push' && (github.ref_name == "
        "github.event.repository.default_branch || startsWith(github.ref, 'refs/tags/v'))"
    )
    assert load("publish.yml")["on"] == {"workflow_call": None}
    assert {name: job["if"] for name, job in publish.items()} == {
        "pages": "github.ref_type == 'branch'",
        "notebooks": "github.ref_type == 'branch'",
        "release": "github.ref_type == 'tag'",
    }
    uploaded = next(
        step["with"]["path"].split()
        for step in cpu["book"]["steps"]
        if step.get("with", {}).get("name") == "book"
    )
    assert set(uploaded) == {
        "_build/html",
        "_build/notebooks",
        "_build/autoencoders-html.zip",
        "_build/autoencoders.pdf",
    }
    (pages,) = [
        step["with"]["path"]
        for step in publish["pages"]["steps"]
        if "pages-artifact" in step.get("uses", "")
    ]
    assert pages == "_build/html"


def test_a_run_that_may_be_publishing_is_not_cancelled():
    cancelled = load("cpu.yml")["concurrency"]["cancel-in-progress"]
    assert cancelled == "${{ github.event_name == 'pull_request' }}"


@pytest.mark.parametrize(
    ("file", "rights"),
    [
        ("cpu.yml", {"publish": {"contents": "write", "id-token": "write", "pages": "write"}}),
        ("gpu.yml", {}),
        ("links.yml", {}),
        ("newest.yml", {"report": {"issues": "write"}}),
        (
            "publish.yml",
            {
                "pages": {"id-token": "write", "pages": "write"},
                "notebooks": {"contents": "write"},
                "release": {"contents": "write"},
            },
        ),
    ],
)
def test_each_job_has_the_rights_that_it_needs_and_no_more(file, rights):
    jobs = load(file)["jobs"]
    assert {
        name: job["permissions"] for name, job in jobs.items() if "permissions" in job
    } == rights


def test_an_issue_is_opened_when_the_tests_did_not_pass_and_only_then():
    report = load("newest.yml")["jobs"]["report"]
    assert report["needs"] == "test"
    assert report["if"] == "always() && needs.test.result != 'success'"


def test_the_gpu_is_off_until_someone_turns_it_on():
    workflow = load("gpu.yml")
    (job,) = workflow["jobs"].values()
    assert job["if"] == "vars.GPU_RUNNER == 'true'"
    assert job["runs-on"] == ["self-hosted", "gpu"]
    assert job["env"] == {
        "TORCH": "cuda",
        "LECTURE_PROFILE": "full",
        "LECTURE_DEVICE": "cuda",
    }
    assert set(workflow["on"]) == {"workflow_dispatch", "schedule", "push"}


def test_the_oldest_python_of_the_package_is_tried():
    oldest = re.search(r'requires-python = ">=(.+)"', (ROOT / "pyproject.toml").read_text())[1]
    assert load("cpu.yml")["jobs"]["book"]["strategy"]["matrix"]["python"][0] == oldest


# ── the scripts ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def github(tmp_path, monkeypatch):
    """A stand-in for `gh`: it lists the given issues and writes down what it is asked to do."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "gh"
    program.write_text(
        '#!/bin/sh\nif [ "$2" = list ]; then printf "$ISSUES"; exit; fi\n'
        'printf "%s\\n" "$@" >> "$ASKED"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "OWNER/NAME")
    monkeypatch.setenv("GITHUB_RUN_ID", "77")
    return tmp_path


TITLE = script("newest.yml", "Open an issue, or add to the one that is open")["env"]["TITLE"]


@pytest.mark.parametrize(
    ("issues", "asked"),
    [
        ("", ["create", "--title", TITLE]),
        (f"8\\tSomething else\\n9\\t{TITLE}, again\\n", ["create", "--title", TITLE]),
        (f"8\\tSomething else\\n12\\t{TITLE}\\n", ["comment", "12"]),
        (f"13\\t{TITLE}\\n12\\t{TITLE}\\n", ["comment", "12"]),
    ],
    ids=["none", "others", "open already", "two"],
)
def test_a_failure_opens_one_issue(github, issues, asked):
    step = script("newest.yml", "Open an issue, or add to the one that is open")
    done = run(step, github, ISSUES=issues)
    assert done.returncode == 0, done.stderr
    said = (github / "asked").read_text().splitlines()
    assert said[: len(asked) + 1] == ["issue", *asked]
    assert "https://github.com/OWNER/NAME/actions/runs/77" in said[-1]


def git(folder, *words):
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone of a repository on this machine, with two notebooks to publish."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    git(tmp_path, "init", "-q", "--bare", "remote")
    git(tmp_path, "clone", "-q", "remote", "clone")
    folder = tmp_path / "clone"
    (folder / ".gitignore").write_text("_build/\n*.ipynb\n")
    git(folder, "add", ".")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    git(folder, *who, "commit", "-qm", "Source")
    git(folder, "push", "-q", "origin", "HEAD:main")
    (folder / "_build" / "notebooks").mkdir(parents=True)
    (folder / "_build" / "notebooks" / "one.ipynb").write_text("{}")
    (folder / "_build" / "notebooks" / "README.md").write_text("Notebooks")
    return folder


def test_the_branch_holds_the_notebooks_and_no_history(clone, tmp_path):
    step = script("publish.yml", "Push the notebooks as a branch")
    settings = {"RUNNER_TEMP": tmp_path, "GITHUB_SHA": "1234"}
    assert run(step, clone, **settings).returncode == 0
    (clone / "_build" / "notebooks" / "one.ipynb").rename(clone / "_build/notebooks/two.ipynb")
    assert run(step, clone, **settings).returncode == 0, "a second time it replaces the first"
    remote = tmp_path / "remote"
    assert git(remote, "ls-tree", "-r", "--name-only", "notebooks").split() == [
        "README.md",
        "two.ipynb",
    ]
    assert git(remote, "rev-list", "--count", "notebooks").strip() == "1"
    assert git(remote, "ls-tree", "--name-only", "main").split() == [".gitignore"]
    assert git(clone, "status", "--porcelain") == ""


def test_without_notebooks_the_branch_stays(clone, tmp_path):
    step = script("publish.yml", "Push the notebooks as a branch")
    settings = {"RUNNER_TEMP": tmp_path, "GITHUB_SHA": "1234"}
    assert run(step, clone, **settings).returncode == 0
    (clone / "_build" / "notebooks" / "one.ipynb").unlink()
    assert run(step, clone, **settings).returncode != 0
    assert "one.ipynb" in git(tmp_path / "remote", "ls-tree", "-r", "--name-only", "notebooks")


def test_a_tag_that_is_not_the_version_makes_no_release():
    step = script("publish.yml", "The tag is the version of the package")
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert run(step, ROOT, GITHUB_REF_NAME=f"v{version[1]}").returncode == 0
    done = run(step, ROOT, GITHUB_REF_NAME="v99")
    assert done.returncode != 0
    assert f"the tag is v99, pyproject.toml says version {version[1]}" in done.stdout


def test_a_release_has_the_archive_and_the_pdf(github):
    step = script("publish.yml", "Make the release")
    assert run(step, github, GITHUB_REF_NAME="v1.0").returncode == 0
    said = (github / "asked").read_text().splitlines()
    assert said[:3] == ["release", "create", "v1.0"]
    kept = load("cpu.yml")["jobs"]["book"]["steps"][-1]["with"]["path"].split()
    assert set(said[-2:]) <= set(kept)


def test_dead_links_are_listed_and_stop_nothing(tmp_path):
    if shutil.which("jq") is None:
        pytest.skip("no jq on this machine")
    (tmp_path / "_build" / "linkcheck").mkdir(parents=True)
    found = [
        {"filename": "book/a.md", "lineno": 3, "status": "working", "uri": "https://a", "info": ""},
        {"filename": "book/b.md", "lineno": 4, "status": "broken", "uri": "https://b", "info": "?"},
    ]
    lines = "".join(f"{json.dumps(link)}\n" for link in found)
    (tmp_path / "_build" / "linkcheck" / "output.json").write_text(lines)
    assert summary_of("links.yml", "List the dead ones", tmp_path) == (
        "## Dead links: 1\n- `book/b.md`, line 4: <https://b>, ?\n"
    )


def test_the_summary_names_the_versions_that_differ(tmp_path):
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\nprintf 'numpy==2.1\\nImageIO==1.0\\n'\n")
    python.chmod(0o755)
    (tmp_path / "requirements.txt").write_text("# a set\nImageIO==1.0\nnumpy==2.0\n")
    summary = summary_of("newest.yml", "What differs from the tested set", tmp_path)
    assert summary == "```diff\n-numpy==2.0\n+numpy==2.1\n```\n"
