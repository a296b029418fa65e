# 守夜 — everything a newcomer types. Needs make and Python 3.11–3.13; touches nothing outside this folder.
#   make demo    the reference city, a storm, the console
#   make test    what `make check` looks at, then every test
#   make run     the console on this machine
#   make bench   the engine beside a plain ring, a bytewax flow and the memory floor; ingest; thousands of calls at once
#   make check   style, types and the law of imports, without tests
#   make lock    maintainers: resolve requirements.lock anew (needs uv; see below)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
WEB := shouye/doors/web
VENDOR := $(WEB)/static/vendor
PYTHON ?=
PYTEST_ARGS ?=

# The first Python that is new enough and can make an environment; otherwise say what is missing.
define FIND_PYTHON
found=; old=; \
for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
  if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
    if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then found=$$candidate; break; fi; \
    old=venv; \
  fi; \
done; \
if [ -z "$$found" ] && [ "$$old" = venv ]; then \
  echo '缺少 Python 的 venv/ensurepip 组件。请先安装：Debian、Ubuntu、统信、麒麟：apt install python3-venv' >&2; exit 1; \
fi; \
if [ -z "$$found" ]; then \
  echo '没有找到 Python 3.11、3.12 或 3.13。请先安装，例如：apt install python3 python3-venv；' >&2; \
  echo '已装在别处时请指明：make PYTHON=<python3.12 的路径> …' >&2; exit 1; \
fi
endef

.DEFAULT_GOAL := help
.PHONY: help demo test check run bench lock venv assets clean

help:
	@sed -n '2,7s/^#//p' Makefile

$(VENV)/.made:
	@$(FIND_PYTHON); echo "建立虚拟环境 $(VENV)（$$($$found --version)）"; "$$found" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.lock pyproject.toml
	@echo '按锁定清单安装依赖（首次需几分钟）'
	@$(PIP) install --quiet --root-user-action=ignore --require-hashes -r requirements.lock
	@$(PIP) install --quiet --root-user-action=ignore --no-deps --no-build-isolation -e .
	@touch $@

$(VENDOR)/.built: $(VENV)/.installed $(wildcard $(addprefix $(WEB)/assets/,*.py *.json *.js *.mjs))
	@echo '生成浏览器资源'
	@$(BIN)/python -m shouye.doors.web.assets.build
	@mkdir -p $(VENDOR) && touch $@

venv: $(VENV)/.installed

assets: $(VENDOR)/.built

demo: venv assets
	@$(BIN)/shouye demo

run: venv assets
	@$(BIN)/shouye run

check: venv
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: check assets
	$(BIN)/pytest -n 2 $(PYTEST_ARGS)

# bytewax is only compared with; it has no wheel for every Python, and without it the others are measured.
bench: venv
	@$(PIP) install --quiet --root-user-action=ignore "bytewax>=0.21.1; python_version < '3.13'" || echo 'bytewax 装不上，略过这一项' >&2
	$(BIN)/python -m bench --keep
	$(BIN)/python -m bench.ingest --keep
	$(BIN)/python -m bench.sockets --keep
	$(BIN)/python -m bench.live --keep
	$(BIN)/python -m bench.warmup --keep
	$(BIN)/python -m bench.latest --keep
	$(BIN)/python -m bench.obligations --keep

# One lock for every Python and platform we serve, with digests and without the address of a server.
# uv is a maintainer's tool and not in the lock: `pip install uv` in an environment of your own.
lock:
	@command -v uv >/dev/null || { echo '需要 uv（仅维护者使用）：pip install uv' >&2; exit 1; }
	uv pip compile --quiet pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --output-file requirements.lock

clean:
	rm -rf $(VENV) $(VENDOR) build out var .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
