# make book    everything from nothing to the finished HTML
# make test    the same, then every test
# make TORCH=cpu or TORCH=cuda    sets up with that build of PyTorch; unset, the one that suits the machine
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
HTML := _build/html
export OMP_NUM_THREADS := 1
export MPLBACKEND :=

.PHONY: book executions zip pdf test notebooks exercises lab assignments serve clean format lint environment newest
.DEFAULT_GOAL := book

environment: .venv/installed

# the set in requirements.txt has been tested together; the package itself is linked, not copied
.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.11")'
	@echo "── environment: .venv"
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python tools/torch_build.py requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python tools/torch_build.py --which
	@touch $@

# in place of the tested set, the newest versions that pyproject.toml allows
newest:
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python tools/torch_build.py pyproject.toml
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[assignments,book,lab,test]'
	@$(BIN)/python tools/torch_build.py --which
	@touch .venv/installed

executions: environment
	@echo "── notebooks: each whose code or library changed is executed, once"
	@$(BIN)/python tools/equations.py
	@$(BIN)/python tools/write_exercises.py
	@$(BIN)/python tools/execute.py
	@$(BIN)/python tools/costs.py
	@$(BIN)/python tools/write_notebooks.py

book: executions
	@echo "── pages"
	@$(BIN)/jupyter-book build . -W -n --keep-going
	@$(BIN)/python -c 'from pathlib import Path; print("── the book:", Path("$(HTML)/index.html").resolve().as_uri(), "  (or: make serve)")'

test: book
	@echo "── tests"
	$(BIN)/python -m pytest -n 2 --dist worksteal

# each page and the exercises as notebooks without outputs, to take away: in _build/notebooks/
notebooks: environment
	@$(BIN)/python tools/write_exercises.py
	@$(BIN)/python tools/write_notebooks.py

# the students' notebooks, in exercises/, to work in: what is there already stays as it is
exercises: environment
	@$(BIN)/python tools/write_exercises.py --give

lab: exercises
	$(BIN)/jupyter lab

# for a class: what to hand out, and otter-grader's autograder, in _build/assignments/
assignments: environment
	@$(BIN)/python tools/write_exercises.py --assign

serve: book
	$(BIN)/python -m http.server --directory $(HTML) --bind 127.0.0.1 $(PORT)

# the pages in one file, to be opened by double-click
zip: book
	@$(BIN)/python tools/offline.py

# the book on paper; what is missing for it is said at once
pdf:
	@$(PYTHON) tools/latex_packages.py
	@$(MAKE) --no-print-directory executions
	@$(BIN)/python tools/pdf.py

format: environment
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python tools/format_notebooks.py

lint: environment
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python tools/format_notebooks.py --check

clean:
	rm -rf _build book/costs.md book/equations.md book/exercises-11-*.md book/solutions-11-*.md
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
