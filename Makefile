# The targets that people use have a ## comment; "make" lists them.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
FUZZTIME   ?= 30s
FAULTS     ?= 20
comma      := ,

# What runs goroutines of its own is tested a second time under the race detector, with fewer rounds. It makes the pure
# rules ten times slower, and the embedded database, which is translated C, far more: of those, a night from end to end
# and mails composed side by side are enough.
RACED = ./audit/ask ./audit/night ./audit/outbox ./audit/queue ./audit/seal ./providers/dial ./providers/pace ./providers/sim ./providers/web
RACED_NIGHTS = TestNightAtEveryProvider

.PHONY: help
help: ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: build
build: ## Build ./mailaudit.
	@go build -trimpath -o mailaudit ./cmd/mailaudit

.PHONY: demo
demo: ## Several nights of an invented customer base on loopback; leaves mailaudit-demo/.
	@go run ./cmd/mailaudit demo

# Most tests wait for servers, so that more of them than there are processors run side by side.
.PHONY: test
test: install lint ## Everything: installs what is missing, then lint and all tests, none of them skipped.
	@MAILAUDIT_TEST_REQUIRE=1 go test -vet=off -parallel 16 -timeout 20m ./...
	@MAILAUDIT_TEST_REQUIRE=1 go test -vet=off -race -short $(RACED)
	@go test -race -run '$(RACED_NIGHTS)' ./cmd/mailaudit/scenario
	@go test -race -run TestNoMailHoldsAnothersData ./report/notice
	@$(MAKE) --no-print-directory manifests

# A module of its own; its tests read files beside it, which Go's test cache does not watch.
.PHONY: manifests
manifests: ## The Kubernetes manifests against the API's types.
	@cd deploy/kubernetes/validate && go vet ./... && go test -count=1 ./...

# Not in make test: Rails 7 comes from the next Debian, and an SDK takes its time to compile.
.PHONY: openers
openers: install ## deploy/openers, each against the code that seals: Rails, Laravel, pgcrypto, a KMS (needs apt).
	@cd deploy/openers && go vet ./... && go test ./...
	@go vet -tags openers ./cmd/mailaudit/...
	@GEM_PATH=$$(.ci/rails dist/rails) MAILAUDIT_TEST_REQUIRE=1 go test -tags openers -count=1 -run 'Opener$$' ./cmd/mailaudit/scenario

.PHONY: lint
lint: ## gofmt, go vet and staticcheck.
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted, make fmt fixes it:" $$unformatted; exit 1; fi
	@go vet ./...
	@go run $(STATICCHECK) ./...

.PHONY: install
install: ## Install the programs that the tests run beside Go.
	@.ci/install

.PHONY: fuzz
fuzz: ## Each fuzz test for FUZZTIME (30s); make test plays their seeds.
	@grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' "$$file"); do \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" || exit 1; \
		done; \
	done

.PHONY: postgres
postgres: ## The first nights, operators' commands and incidents of the tests on PostgreSQL instead of the embedded database.
	@MAILAUDIT_TEST_ON_POSTGRES=1 MAILAUDIT_TEST_REQUIRE=1 go test ./cmd/mailaudit/scenario -count 1 -timeout 30m \
		-run '^Test(Night|Names|Incident|Real|Release|Discard|Bounced|Snoozed|Correct|Explain|Changed|GoodNews|Mails|Slack|DeadMan|Metrics|OldKey|Reseal)'

.PHONY: fault
fault: ## Nights in which everything fails, FAULTS (20) times over; MAILAUDIT_FAULT_SEED plays the first again.
	@MAILAUDIT_FAULT=$(FAULTS) MAILAUDIT_TEST_REQUIRE=1 go test ./cmd/mailaudit/scenario -run 'TestFaults$$' -v -count 1 -parallel 4 -timeout 0

# OLD is built in a working tree of its own, which goes again.
.PHONY: upgrade
upgrade: ## The program of OLD (a commit or a tag) beside this one on one PostgreSQL, through an upgrade.
	@test -n "$(OLD)" || { echo "which version? make upgrade OLD=COMMIT"; exit 1; }
	@at=$$(mktemp -d) && trap 'git worktree remove --force $$at/source; rm -rf $$at' EXIT && \
	git worktree add --quiet --detach $$at/source $(OLD) && (cd $$at/source && go build -o $$at/mailaudit ./cmd/mailaudit) && \
	MAILAUDIT_OLD=$$at/mailaudit MAILAUDIT_TEST_REQUIRE=1 go test ./cmd/mailaudit/scenario -run '^TestOldBesideNew$$' -v -count 1 -timeout 30m

.PHONY: kept
kept: ## Keep an installation of this version as NAME, for the upgrades of all that follow: at each release.
	@test -n "$(NAME)" || { echo "under which name? make kept NAME=1.0.0"; exit 1; }
	@MAILAUDIT_KEEP=$(NAME) MAILAUDIT_KEEP_COMMIT=$$(git rev-parse HEAD) MAILAUDIT_TEST_REQUIRE=1 \
		go test ./cmd/mailaudit/scenario -run '^TestKeepThisVersion$$' -count 1 -timeout 20m
	@MAILAUDIT_TEST_REQUIRE=1 go test ./cmd/mailaudit/scenario -run '^Test(UpgradeOn|OldStatements)' -count 1 -timeout 20m

.PHONY: years
years: ## Years of nights on a clock of their own (NIGHTS=n, else as many as 20 minutes bring; YEARS_SEED plays one again, YEARS_STORE=postgres).
	@GOGC=400 YEARS_LONG=$(if $(YEARS_RECIPE),,1) YEARS_NIGHTS=$(NIGHTS) YEARS_MINUTES=$(if $(NIGHTS),,$(or $(MINUTES),20)) MAILAUDIT_TEST_REQUIRE=1 \
		go test ./cmd/mailaudit/scenario -run '^Test(Years|TheSameSeedPlays)' -v -count 1 -timeout 0

.PHONY: scale
scale: ## How much faster four processes are than one at a slow provider, ROUNDS (3) times each.
	@MAILAUDIT_SCALE=$(or $(ROUNDS),3) MAILAUDIT_TEST_REQUIRE=1 go test ./cmd/mailaudit/scenario -run '^TestScale$$' -v -count 1 -timeout 0

.PHONY: latency
latency: ## Nights of one and four processes at a slow provider, found anew and known (ACCOUNTS=5000 LATENCY=300ms CONCURRENCY=50).
	@MAILAUDIT_TEST_REQUIRE=1 go test ./cmd/bench -run '^TestLatency$$' -v -count 1 -timeout 0 -args \
		-accounts $(or $(ACCOUNTS),5000) -latency $(or $(LATENCY),300ms) -width $(or $(CONCURRENCY),50) -processes $(or $(PROCESSES),1$(comma)4)

.PHONY: pace
pace: ## What a provider bears is used, and one that hangs delays nobody: on real sockets, on a machine that is idle.
	@MAILAUDIT_PACE=1 go test ./cmd/mailaudit/scenario -count=1 -run 'TestWhatAProviderBearsIsUsed|TestAHangingProviderDelaysNobody' -v -timeout 30m

.PHONY: repaired
repaired: ## How soon a changed password is verified and told, and what kill -9 of serve loses (CHANGES=1000 WITHIN=5m KILLS=50; needs PostgreSQL).
	@MAILAUDIT_REPAIRED=1 MAILAUDIT_TEST_REQUIRE=1 go test ./cmd/mailaudit/scenario -run '^Test(RepairedWithinAMinute|KilledServesLoseNoEvent)$$' -v -count 1 -timeout 0 \
		-args -changes $(or $(CHANGES),1000) -within $(or $(WITHIN),5m) -kills $(or $(KILLS),50)

.PHONY: bench
bench: ## A night's CPU and memory beside a bare loop, smtplib and nodemailer (ACCOUNTS=10000 ROUNDS=3; needs python3, node, npm).
	@MAILAUDIT_TEST_REQUIRE=1 go test ./cmd/bench -run '^TestNight$$' -v -count 1 -timeout 0 \
		-args -accounts $(or $(ACCOUNTS),10000) -rounds $(or $(ROUNDS),3)

.PHONY: million
million: ## Nights of a million accounts on PostgreSQL without the wire (ACCOUNTS=1000000 NIGHTS=4).
	@MAILAUDIT_TEST_REQUIRE=1 go test ./cmd/bench -run '^TestQuietNights$$' -v -count 1 -timeout 0 \
		-args -customers $(or $(ACCOUNTS),1000000) -nights $(or $(NIGHTS),4)

.PHONY: pictures
pictures: ## Redraw the pictures of the guides from their screens.txt (CHROMIUM=chromium).
	@go run ./report/notice/draw -chromium $(or $(CHROMIUM),chromium) providers/*/guide/pictures/screens.txt

.PHONY: sheet
sheet: ## All mails of the matrix on one page: dist/mails/index.html.
	@go test -count=1 -run '^TestContactSheet$$' ./report/notice -args -sheet $(CURDIR)/dist/mails

.PHONY: names
names: ## 10,000 batches of hostile names and planted identifiers, in parallel, under the race detector.
	@go test -race -count=1 -timeout 30m -run '^TestNoMailHoldsAnothersData$$' ./report/notice -args -batches 10000

.PHONY: fmt
fmt: ## Format the source.
	@gofmt -w .

.PHONY: release
release: ## dist/: binaries for all platforms, SBOMs and checksums (VERSION=1.0.0).
	@deploy/release.sh

.PHONY: vulnerable
vulnerable: ## Known vulnerabilities of what is built in, by govulncheck (fails where https://vuln.go.dev is out of reach).
	@go run $(GOVULNCHECK) ./cmd/mailaudit

.PHONY: reproduce
reproduce: ## Build the release's binary twice, in two places with two caches, and compare the bits.
	@deploy/reproduce.sh

.PHONY: image
image: ## The container image (needs docker; VERSION=1.0.0).
	@docker build -f deploy/Dockerfile --build-arg VERSION=$(or $(VERSION),development) \
		--build-arg COMMIT=$$(git rev-parse HEAD) -t mailaudit:$(or $(VERSION),development) .

.PHONY: clean
clean: ## Remove what the targets above have made.
	@rm -rf mailaudit mailaudit-demo dist
