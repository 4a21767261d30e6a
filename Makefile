# SimpleApp: `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= dev
COMPOSE ?= docker compose
DIST := app/internal/web/static/dist/bootstrap.css
NPM_DONE := app/assets/node_modules/.package-lock.json
CHECKERS := app/test/e2e/node_modules/.package-lock.json
EXPRESS := app/test/bench/others/express/node_modules/.package-lock.json
GO_BUILD := CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
# Each of these targets is a script in ops/.
OPERATOR := swarm-init push deploy scale status rollback rotate-secret backup restore forget undeploy \
	db-recover db-discard show sql redis
PLAYGROUND_TARGETS := playground-kill playground-boot playground-cut playground-join playground-down

.PHONY: help run dev seed build assets ci test check-pages lighthouse screenshots fuzz lint bench bench-others bases dist \
	setup up migrate down logs ps test-deploy test-cluster test-cluster-all test-faults \
	playground $(OPERATOR) $(PLAYGROUND_TARGETS)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Serve http://localhost:8080 with its data in ./data; needs no MySQL or Redis
	bin/simpleapp

dev: assets ## Serve like make run, and show each change: of a page, style or script at the next reload, of Go after some seconds
	@# A failed make exits with 2, at which nodemon would end. At 1 it waits for the next change.
	@WEB_DIR=app/internal/web app/assets/node_modules/.bin/nodemon --quiet --watch app --ext go,sql,scss --ignore app/test --ignore '*_test.go' \
	  --signal SIGTERM --exec '{ make --no-print-directory build && bin/simpleapp; } || exit 1'

seed: build ## Store N=500 sample submissions in ./data; MERGE=yes adds them to those that ./data has
	$(if $(filter-out yes no,$(MERGE)),$(error MERGE=$(MERGE) is neither yes nor no))
	bin/simpleapp seed --n $(or $(N),500) $(if $(filter yes,$(MERGE)),--merge)

build: assets ## Build bin/simpleapp
	cd app && $(GO_BUILD) -o ../bin/simpleapp .

assets: $(DIST) ## Build the styles of Bootstrap (npm's lock file names its version)

$(DIST): $(NPM_DONE) app/assets/bootstrap.scss
	cd app/assets && npm run build

# The npm projects: one builds the styles, one checks the pages, and bench-others measures one.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	cd $* && npm ci
	touch $@

test: assets setup check-pages ## Test with MySQL or MariaDB, Redis and Chromium (about eight minutes)
	cd app && go test -race -count=1 -timeout 20m -tags servers ./...
	cd mysql_db/group && go test -race -count=1 ./...
	cd app/test && go test -race -count=1 -timeout 20m ./bench ./e2e ./https ./load ./ops

check-pages: assets setup $(CHECKERS) ## Check every page: accessibility, HTML, size, and how the form behaves
	cd app/test && go test -race -count=1 -timeout 20m -v ./e2e/pages

screenshots: assets setup $(CHECKERS) ## Write a picture of every page, narrow and wide, light and dark, to screenshots/
	rm -rf screenshots && mkdir screenshots
	cd app/test && go test -count=1 -timeout 20m -run TestEveryPage ./e2e/pages -screenshots ../../../../screenshots # relative to ./e2e/pages

lighthouse: build setup $(CHECKERS) ## Measure the home page and the form with Lighthouse: each must score 100 in every category
	cd app/test/e2e && node lighthouse.mjs ../../../bin/simpleapp

setup: ## Install the programs that the tests need (make test does that, too)
	@app/test/setup

ci: ## Run what each commit has to pass: lint and the tests (45 minutes on two cores)
	$(MAKE) lint
	$(MAKE) test
	$(MAKE) test-faults
	$(MAKE) test-deploy
	$(MAKE) test-cluster

lint: assets setup ## Run gofmt, go vet (also for macOS), staticcheck, shellcheck and actionlint
	@cd app && unformatted=$$(gofmt -l . ../mysql_db/group) && if [ -n "$$unformatted" ]; then echo "not gofmt'd:" $$unformatted; exit 1; fi
	cd app/test && go build -o ../../bin/ honnef.co/go/tools/cmd/staticcheck github.com/rhysd/actionlint/cmd/actionlint
	cd app && go vet -tags servers ./... && GOOS=darwin go vet -tags servers ./... && ../bin/staticcheck -tags servers ./...
	cd app/test && go vet ./... && GOOS=darwin go vet ./... && ../../bin/staticcheck ./...
	cd mysql_db/group && go vet ./... && ../../bin/staticcheck ./...
	shellcheck --check-sourced $$(git grep --untracked -lE '^#!.*sh$$') mysql_db/initdb.d/90-complete.sh
	bin/actionlint

dist: ## Build static binaries of VERSION=1.2 for Linux, with their checksums, in dist/; needs Docker
	rm -rf dist
	for arch in amd64 arm64; do \
	  docker build --platform linux/$$arch --target binary --output dist --build-arg VERSION=$(VERSION) --build-arg REVISION --build-arg TAGS= app && \
	  mv dist/simpleapp dist/simpleapp-$(VERSION)-linux-$$arch || exit 1; \
	done
	cd dist && sha256sum * >SHA256SUMS

fuzz: ## Test the form's validation with random answers for a minute
	cd app && go test -fuzz FuzzSubmission -fuzztime 1m ./internal/food

bases: ## List the base images, and how long each of them gets fixes
	@awk '/^FROM .*:/ {printf "%-20s %-50s %s\n", FILENAME, $$2 ~ /^--/ ? $$3 : $$2, comment} {comment = $$0}' */Dockerfile

up: ## Build and start app, db and cache in Docker: http://localhost (HTTP_PORT=8080 for another port)
	@$(COMPOSE) up --build --wait || { echo "make up: if the port is taken, HTTP_PORT=8080 make up uses another; if db_data is from an older version, run make migrate; make logs shows more" >&2; exit 1; }

migrate: ## Migrate a db_data volume of an older version
	@$(COMPOSE) build --quiet app && $(COMPOSE) up --detach --wait db && \
	mysql_db/administer "$$($(COMPOSE) ps --quiet db)" "$${REGISTRY:-}mysimpleapp_app:$(VERSION)" migrate && \
	$(COMPOSE) restart app # so that it tries again at once

down: ## Stop and remove the containers; the data stays in its volumes
	$(COMPOSE) down

logs: ## Follow the logs of the containers
	$(COMPOSE) logs --follow

ps: ## List the containers and their health
	$(COMPOSE) ps --all

test-deploy: setup ## Test images, Compose and the operator's commands on a real engine, which nothing else may use (22 minutes on two cores)
	cd app/test && go test -race -count=1 -timeout 60m -v ./deploy

test-cluster: setup ## Let the machines of a site fail, one after the other, under load (10 minutes); needs Docker
	cd app/test && go test -race -count=1 -timeout 60m -v ./cluster

test-cluster-all: setup ## Let the machines fail in all the ways that acts_test.go and further_test.go in app/test/cluster list (an hour on two cores)
	cd app/test && CLUSTER_ACTS=all go test -race -count=1 -timeout 120m -v ./cluster

test-faults: setup ## Kill, suspend and overload real servers under load (some minutes; FAULTS_SEED repeats a run, FAULTS_REQUESTS=1000000 looks longer for leaks)
	cd app/test && go test -count=1 -timeout 20m -v ./faults

# The commit, with -dirty if there are changes. Nothing where the source is no clone.
dist push: export REVISION = $(shell git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null)

# Docker Swarm: the first lines of each script in ops/ list its variables. STACK=… names another stack than mystack.
swarm-init: ## Make this machine a swarm's manager, choose the node of cache, create the passwords
push: ## Build the images and push them: REGISTRY=registry.example.com VERSION=1.2
deploy: ## Deploy VERSION=1.2, with the schema it needs, and wait until it runs; options that you leave out keep their value
scale: ## Run N=5 replicas of the app
status: ## Show the nodes, the services, the latest failures, the copies of the database and the certificate
rollback: ## Go back to the version before
rotate-secret: ## Change a password while the site serves: NAME=mysql_password or redis_password
backup: ## Write submissions and visit count into FILE=… (FILE=- is standard output) while the site serves
restore: ## Store a backup, FILE=…, in a site without submissions (MERGE=yes: in any), and check what was stored
forget: ## Remove one submission, and take it out of the results: REFERENCE=3f9a-2c71-b04e
db-recover: ## Show what each copy of the database has; NODE=… starts the group from one
db-discard: ## Replace the data of a refused copy by the group's: NODE=node3
show: ## Draw a bar for each replica that answers, once a second: URL=http://food.example.com
sql: ## Open a prompt of MySQL, in the stack or in Compose
redis: ## Open a prompt of Redis, in the stack or in Compose
undeploy: ## Remove the stack; its volumes, secrets and options stay, and make deploy brings the same site back
$(OPERATOR):
	@ops/$@

playground: ## Make a Swarm of NODES=3 machines in containers on this one, with the site in it; it prints how to use it
	@ops/playground up
playground-kill: ## Take the power from the playground's NODE=node3
playground-boot: ## Turn the playground's NODE=node3 on again
playground-cut: ## Pull the network cable of the playground's NODE=node3
playground-join: ## Plug the network cable of the playground's NODE=node3 in again
playground-down: ## Remove the playground
$(PLAYGROUND_TARGETS):
	@ops/playground $(@:playground-%=%)

bench: build setup ## Measure the program against a server that does the least it can (a quarter of an hour)
	cd app/test && go run ./bench ../../bin/simpleapp

bench-others: build $(EXPRESS) ## Measure the program beside Flask, Express and plain Go (about four minutes)
	@app/test/setup others
	cd app/test && go run ./bench -only others ../../bin/simpleapp
