"""What is generated: the same text each time, whole or not at all, and constants that agree with the golden model."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.cli import run as command
from auricle.errors import InputError
from auricle.rtl import Engine, UpdateLane, bank, files, generate, row_pool
from auricle.rtl.engine import Schedule, lane_bits
from auricle.rtl.files import VERSION
from auricle.rtl.leap import leap_terms
from auricle.rtl.vectors import vectors
from auricle.zeroth import LfsrBank, Pool, RowPool, lfsr

ENGINES = [
    Engine(spec=bank(lanes=1)),
    Engine(spec=bank(lanes=62, bits=12)),
    Engine(spec=LfsrBank()),
    Engine(spec=LfsrBank(generators=3, bits=3, widths=(4,), lanes=2, repeats="allow")),
    Engine(spec=row_pool(lanes=1)),
    Engine(spec=row_pool(lanes=70, bits=14), shift_bits=3),
]


@pytest.mark.parametrize("width", sorted(lfsr.TAPS))
def test_a_leap_of_gates_is_a_leap_of_the_register(width):
    rng = np.random.default_rng(width)
    for bits in {1, min(8, width), width}:
        terms = leap_terms(width, min(bits, 14))
        for state in rng.integers(1, 1 << width, 20).tolist():
            expected = state
            for _ in range(lfsr.leap(width, min(bits, 14))):
                expected = lfsr.clock(expected, width)
            found = sum((sum(state >> i & 1 for i in old) & 1) << new for new, old in enumerate(terms))
            assert found == expected


@settings(max_examples=60, deadline=None)
@given(lanes=st.integers(1, 3000), dimension=st.integers(1, 10**7), direction=st.integers(0, 2**60))
def test_a_schedule_and_its_seeds_lead_to_the_golden_model(lanes, dimension, direction):
    """The bank from the states that hardware would load, clocked for two cycles."""
    spec = bank(lanes=lanes)
    engine = Engine(spec=spec)
    rows, tail, pad = engine.schedule(dimension)
    assert (rows - 1) * lanes + tail == dimension
    assert 1 <= tail <= lanes
    assert rows + pad == spec.length(dimension)
    state = [seed.data for seed in engine.seeds(direction, dimension)]
    count = min(dimension, 2 * lanes)
    sent = []
    for _ in range(2):
        sent += [2 * (state[lane % spec.generators] & 255) - 255 for lane in range(lanes)]
        for g in range(spec.generators):
            for _ in range(lfsr.leap(11, 8)):
                state[g] = lfsr.clock(state[g], 11)
        state = [state[(g + spec.rotation) % spec.generators] for g in range(spec.generators)]
    assert sent[:count] == spec.integers(direction, np.arange(count), dimension).tolist()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_memory_and_the_bus_hold_the_numbers(engine):
    limit = 1 << (engine.lane_bits - 1)
    most = engine.spec.largest << ((1 << engine.shift_bits) - 1)
    assert most < limit
    assert engine.lane_bits % 8 == 0
    if isinstance(engine.spec, RowPool):
        bits = engine.spec.bits
        for row, numbers in zip(engine.memory(), engine.spec.numbers.tolist(), strict=True):
            words = [row >> (bits * place) & ((1 << bits) - 1) for place in range(engine.spec.words)]
            assert [2 * word + 1 - (1 << bits) for word in words] == numbers


@pytest.mark.parametrize("engine", ENGINES)
def test_the_text_depends_on_the_spec_alone(engine):
    made = files(engine, numbers=300)
    assert made == files(engine, numbers=300)
    assert made[f"{engine.name}_beats.hex"] != files(engine, numbers=300, seed=1)[f"{engine.name}_beats.hex"]
    for name, text in made.items():
        assert text.endswith("\n"), name
        assert text.isascii(), name
        assert "{{" not in text or name.endswith(".v"), name
    assert max(len(line) for line in made["README.md"].splitlines() if not line.startswith("|")) <= 120
    for name in made:
        assert f"`{name}`" in made["README.md"] or name == "README.md"
        assert name in made[f"{engine.name}.core"] or name.endswith((".h", ".core", ".md"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("update", [None, UpdateLane()])
def test_the_core_is_what_fusesoc_reads(engine, update):
    yaml = pytest.importorskip("yaml")
    made = files(engine, update=update, numbers=1)
    head, _, body = made[f"{engine.name}.core"].partition("\n")
    assert head == "CAPI=2:"
    core = yaml.safe_load(body)
    assert core["name"] == f"auricle:perturbation:{engine.name}:{VERSION}"
    more = {"lint_update", "sim_update"} if update else set()
    assert set(core["targets"]) == {"default", "lint", "sim"} | more
    for target in core["targets"].values():
        named = [file for one in target["filesets"] for file in core["filesets"][one]["files"]]
        names = [next(iter(file)) if isinstance(file, dict) else file for file in named]
        assert set(names) <= set(made)
        assert any(f"module {target['toplevel']}" in made[name] for name in names)


def test_vectors_compare_what_they_say():
    engine = Engine(spec=row_pool(lanes=5, bits=4))
    made = vectors(engine, numbers=700, seed=3)
    counts = [int(beat, 16) >> (5 * engine.lane_bits) & 0xFFFF for beat in made.beats]
    assert sum(counts) == made.numbers >= 700
    assert set(counts) <= set(range(1, 6))
    assert min(counts) < 5
    operations = {int(command, 16) >> (88 + engine.seed_bits) for command in made.commands}
    assert operations == set(range(8))


@pytest.mark.parametrize("spec", [bank(lanes=5, bits=4), row_pool(lanes=5, bits=4)])
def test_vectors_lead_far_along(spec, monkeypatch):
    """Sessions begin at directions of all sizes, and the seeds that lead there are sent."""
    seen, seeds = [], Engine.seeds
    monkeypatch.setattr(Engine, "seeds", lambda *of, **also: seen.append(of[1]) or seeds(*of, **also))
    vectors(Engine(spec=spec), numbers=700)
    assert max(seen) > 2**30
    assert 0 in seen


@pytest.mark.parametrize("shift_bits", [1, 2, 3])
@pytest.mark.parametrize("bits", range(1, 15))
def test_the_bus_has_room_for_every_number_and_no_byte_more(bits, shift_bits):
    most = (2**bits - 1) << (2**shift_bits - 1)
    width = lane_bits(bits, shift_bits)
    assert width % 8 == 0
    assert -(1 << (width - 1)) <= -most < most < 1 << (width - 1)
    assert most << 9 >= 1 << width


@pytest.mark.parametrize("engine", ENGINES)
def test_the_header_agrees_with_the_golden_model(engine, tmp_path):
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) on the search path")
    generate(engine, tmp_path / "engine", numbers=1)
    dimensions = [1, engine.lanes, engine.lanes + 1, 30 * engine.lanes, 100_003, 2**31]
    bank_of = isinstance(engine.spec, LfsrBank)
    last = "pad(d[i])" if bank_of else "counters(d[i])"
    values = ", ".join(f"UINT64_C({d})" for d in dimensions)
    name = engine.name
    (tmp_path / "main.c").write_text(
        f'#include <stdio.h>\n#include "engine/{name}.h"\nint main(void) {{ uint64_t d[] = {{{values}}};\n'
        f'for (int i = 0; i < {len(dimensions)}; i++) printf("%llu %u %u\\n", (unsigned long long){name}_rows(d[i]), '
        f"{name}_tail(d[i]), {name}_{last});\nreturn 0; }}\n"
    )
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-const-variable", "-Wno-unused-variable"]
    subprocess.run(["cc", *flags, "-o", "main", "main.c"], cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    found = [tuple(map(int, line.split())) for line in said.splitlines()]
    for dimension, (rows, tail, third) in zip(dimensions, found, strict=True):
        expected = engine.schedule(dimension)
        assert (rows, tail) == expected[:2]
        assert third == (expected.pad if bank_of else engine.seeds(dimension, 1, numbers=False)[0].data)
    if bank_of:
        header = (tmp_path / "engine" / f"{name}.h").read_text()
        assert [int(s) for s in re.findall(r"(\d+)u,", header)] == list(engine.spec.states)


def test_an_engine_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    place = tmp_path / "engine"
    paths = generate(Engine(spec=bank(lanes=3)), place, numbers=1)
    assert sorted(paths) == sorted(place.iterdir())
    before = {path.name: path.read_bytes() for path in paths}
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space left"):
            generate(Engine(spec=row_pool(lanes=3)), place, numbers=1)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert list(tmp_path.iterdir()) == [place]
    generate(Engine(spec=row_pool(lanes=3)), place, numbers=1)
    assert not (place / "auricle_lfsr.v").exists()
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("update", [None, UpdateLane()])
def test_the_commands_of_a_readme_run_and_leave_a_folder_that_can_be_replaced(update, tmp_path):
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog (iverilog) isn't on the search path")
    place, engine = tmp_path / "engine", Engine(spec=row_pool(lanes=3, rows=13))
    generate(engine, place, update=update, numbers=300)
    readme = (place / "README.md").read_text()
    commands = re.findall(r"^    (iverilog .*)$", readme, re.MULTILINE)
    assert len(commands) == (2 if update else 1)
    compared = re.findall(r"(\d+) (?:numbers|weights)", readme.partition("## Simulate")[2])
    for line, count in zip(commands, compared, strict=True):
        done = subprocess.run(line, shell=True, cwd=place, capture_output=True, text=True, check=True)
        assert re.fullmatch(rf"PASS commands=\d+ beats=\d+ numbers={count} stalls=\d+\n.*", done.stdout, re.DOTALL)
    generate(engine, place, numbers=1)
    assert not [path for path in place.iterdir() if path.suffix == ".vvp"]


@pytest.mark.parametrize("given", [["--widths", "11", "13"], ["--widths", "11", "--widths", "13"]])
def test_registers_of_several_widths_are_named_in_one_option_or_two(given, tmp_path):
    start = ["rtl", "generate", "--spec", "lfsr", "--lanes", "10", "--generators", "5"]
    assert command([*start, *given, "--out", str(tmp_path / "engine")]) == 0
    assert {"auricle_lfsr_11.v", "auricle_lfsr_13.v"} <= {path.name for path in (tmp_path / "engine").iterdir()}


def test_what_is_no_engine_is_not_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(
        InputError, match=r"holds thesis\.tex, which is no part of a generated engine; name a new folder"
    ):
        generate(Engine(spec=bank(lanes=3)), tmp_path, numbers=1)
    with pytest.raises(InputError, match=r"thesis\.tex is no folder; name one, or one that isn't there yet"):
        generate(Engine(spec=bank(lanes=3)), tmp_path / "thesis.tex", numbers=1)
    other = tmp_path / "other"
    other.mkdir()
    (other / "README.md").write_text("mine")
    with pytest.raises(InputError, match=r"holds README\.md, which is no part"):
        generate(Engine(spec=bank(lanes=3)), other, numbers=1)
    assert (other / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Engine(spec=Pool()), "a perturbation of kind 'pool' was given; hardware has 'lfsr' and 'row_pool'"),
        (
            lambda: Engine(spec=LfsrBank(lanes=32)),
            "registers of several widths can't take each other's place: name one width, or a multiple of the registers",
        ),
        (lambda: Engine(spec=bank(lanes=65536)), "lanes=65536 was given; allowed are 1 to 65535"),
        (lambda: row_pool(lanes=8, words=0), "words=0 was given; allowed are 1 to 8, as many as there are lanes"),
        (lambda: Engine(spec=bank(lanes=3), shift_bits=0), "shift_bits=0 was given; allowed are 1, 2 and 3"),
        (lambda: Engine(spec=bank(lanes=3)).schedule(0), "dimension=0 was given; allowed are 1 to 12884901885"),
        (
            lambda: Engine(spec=bank(lanes=1)).schedule(2**32),
            f"dimension={2**32} was given; allowed are 1 to {2**32 - 1}",
        ),
    ],
)
def test_errors_say_what_is_allowed(make, text):
    with pytest.raises(InputError, match=re.escape(text)):
        make()


def test_a_whole_memory_is_used_and_lanes_turn():
    """Rows fill block memories of 512, and a bank never stands still against its lanes."""
    assert Engine(spec=row_pool(lanes=1024)).schedule(2048 + 5) == Schedule(3, 5, 0)
    assert [row_pool(lanes=n).rows for n in (1, 7, 16, 1024)] == [8179, 2029, 509, 509]
    assert row_pool(lanes=1024).words * 8 == 7 * 72
    for lanes in range(1, 200):
        assert bank(lanes=lanes).rotation != 0
        assert bank(lanes=lanes).period == bank(lanes=lanes).generators * 2047


def test_the_spec_stands_in_what_people_read():
    text = files(Engine(spec=row_pool(lanes=2)), numbers=1)
    for name in ("auricle_pool.v", "auricle_pool.h", "README.md"):
        assert "RowPool(rows=4093, words=2, lanes=2, bits=8, seed=0)" in text[name]
