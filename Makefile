# The commands of this project. `make help` lists them.

CARGO ?= cargo
ARGS  ?=
# What is built for: amd64 or arm64. Another than this machine's needs that Rust target, and a C compiler for it.
HOST_ARCH := $(subst aarch64,arm64,$(subst x86_64,amd64,$(shell uname -m)))
ARCH  ?= $(HOST_ARCH)
IMAGE ?= vmdhcp
VERSION := $(shell sed -n '/^\[workspace.package\]/,/^$$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
# What is built must be used: without it the tests that want the control plane are left out, and `verdict` says so.
TESTCLUSTER = $$(! e2e/testcluster/build.sh path >/dev/null || echo required)

TRIPLE_amd64 := x86_64-unknown-linux-gnu
TRIPLE_arm64 := aarch64-unknown-linux-gnu
TRIPLE = $(or $(TRIPLE_$(ARCH)),$(error ARCH is amd64 or arm64, not "$(ARCH)"))
LINKER = $(if $(filter $(ARCH),$(HOST_ARCH)),,CARGO_TARGET_$(shell echo $(TRIPLE) | tr a-z- A-Z_)_LINKER=$(subst -unknown,,$(TRIPLE))-gcc)
BINARY = target/$(TRIPLE)/dist/vmdhcp

.PHONY: build binary image help demo test generate fmt lint doc unit simulated others clients e2e-clients testcluster conformance scale measured burst flood kills bench run sim

build: image ## Build the static binary, and an image of it (ARCH=amd64|arm64)

binary: ## Build the static binary alone
	# Only with a target named are the build's own programs left as they are, which could not be static.
	RUSTFLAGS="$(RUSTFLAGS) -C target-feature=+crt-static" $(LINKER) \
		$(CARGO) build --profile dist --locked --target $(TRIPLE) -p vmdhcp-cli
	@echo "binary $(BINARY)"

image: binary ## Build the image: IMAGE=registry.lab:5000/vmdhcp, tagged with the version
	@image/build.sh $(BINARY) $(IMAGE):$(VERSION) $(ARCH)

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

demo: ## Take the two-minute tour: build, and show a VM network being served
	$(CARGO) build --locked -p vmdhcp-cli
	target/debug/vmdhcp demo

run: ## Run the binary: make run ARGS="pool list"
	$(CARGO) run --locked -p vmdhcp-cli -- $(ARGS)

test: clients testcluster fmt lint doc unit ## Run everything: formatting, lints, documentation and all tests
	@e2e/clients.sh verdict

clients: ## Install the DHCP clients of others that the tests use (as root, by apt)
	@e2e/clients.sh install

testcluster: ## Build the Kubernetes control plane, helm and kubectl that the tests use (with Go, once)
	@e2e/testcluster/build.sh build

conformance: testcluster ## Check the definition of the API on the local API and on a real control plane
	VMDHCP_TESTCLUSTER=$(TESTCLUSTER) $(CARGO) test --locked -p vmdhcp-daemons --test api_conformance --test crd_rules

fmt: ## Check the formatting
	$(CARGO) fmt --all --check

lint: ## Check the lints, and each package on its own
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

doc: ## Check the documentation
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

# The simulation reckons, and most other tests wait for something: they run side by side.
unit: ## Run all tests
	$(CARGO) build --locked -p vmdhcp-cli
	$(CARGO) test --locked --workspace --no-run
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target simulated others

simulated:
	$(CARGO) test --locked --workspace --tests --no-fail-fast -- manager::simulation::

others:
	# Root can make namespaces and install clients, so nothing may be left out.
	VMDHCP_E2E=$$([ "$$(id -u)" != 0 ] || echo required) VMDHCP_TESTCLUSTER=$(TESTCLUSTER) \
		$(CARGO) test --locked --workspace --no-fail-fast -- --skip manager::simulation::

e2e-clients: clients ## Run the clients that make test leaves out: networkd, NetworkManager, UEFI, iPXE, dhcrelay, nmap (docs/clients.md)
	$(CARGO) build --locked -p vmdhcp-cli
	# Unpacked outside the tree, and nothing of it is installed.
	@e2e/clients.sh unpack
	VMDHCP_E2E=required $(CARGO) test --locked -p vmdhcp-e2e --test clients_of_others -- --ignored --nocapture

scale: testcluster ## Fill a pool on a real API server up to its size limit (docs/scale.md)
	# Planning a pool of this size in an unoptimised build would be all that is measured.
	VMDHCP_TESTCLUSTER=$(TESTCLUSTER) $(CARGO) test --locked -p vmdhcp-daemons --test manager \
		--config 'profile.dev.package.vmdhcp-core.opt-level=2' \
		--config 'profile.dev.package.vmdhcp-daemons.opt-level=2' \
		-- --ignored --nocapture forty_thousand

# What the bursts run: the manager, and the load that is put on it, both optimised.
MEASURED = VMDHCP_BIN=$(CURDIR)/target/measured/vmdhcp VMDHCP_TESTCLUSTER=$(TESTCLUSTER) \
	$(CARGO) test --locked --profile measured -p vmdhcp-e2e --test bursts -- --ignored --nocapture

measured: testcluster
	$(CARGO) build --locked --profile measured -p vmdhcp-cli

burst: measured ## Create 5,000 VMs at once, and 3,000 at 150 a second, on a real API server (docs/speed.md)
	$(MEASURED) five_thousand

flood: measured ## Send 200,000 packets a second of made-up cards while known clients renew (docs/hostile-guests.md)
	VMDHCP_BIN=$(CURDIR)/target/measured/vmdhcp $(CARGO) test --locked --profile measured -p vmdhcp-e2e \
		--test hostile_guests -- --ignored --nocapture

kills: measured ## Kill the leading manager 20 times in a burst of 2,000 VMs, on a real API server (docs/speed.md)
	$(MEASURED) twenty

bench: ## Measure how fast it is, beside Kea, ISC dhcpd, dnsmasq and the least that is possible (docs/bench.md)
	@bench/peers.sh
	$(CARGO) build --locked --profile measured -p vmdhcp-cli
	$(CARGO) build --locked --profile measured -p vmdhcp-bench
	VMDHCP_BIN=$(CURDIR)/target/measured/vmdhcp target/measured/bench $(ARGS)

SEEDS ?= 2000

sim: ## Run the simulation on many seeds: make sim SEEDS=2000
	SIM_SEEDS=$(SEEDS) $(CARGO) test --locked -p vmdhcp-daemons --lib manager::simulation -- --nocapture

generate: ## Rewrite what is generated: CRDs, completions, man pages
	$(CARGO) build --locked -p vmdhcp-cli
	rm -rf completions man && mkdir -p completions man chart/crds
	target/debug/vmdhcp completions --out completions
	target/debug/vmdhcp man --out man
	target/debug/vmdhcp crd --out chart/crds
