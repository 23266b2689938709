"""Banks of registers: what docs/perturbations.md promises of them, counted."""

import math

import numpy as np
import pytest

from auricle.errors import InputError
from auricle.zeroth import lfsr
from auricle.zeroth.bank import LfsrBank
from auricle.zeroth.spacing import prime_from, unit
from directions import direction, register_by_register

BANKS = [
    LfsrBank(generators=3, bits=3, widths=(4, 5)),
    LfsrBank(generators=5, bits=4, widths=(5,), lanes=8),
    LfsrBank(generators=4, bits=3, widths=(7, 3, 4), lanes=3, seed=9),
    LfsrBank(generators=7, bits=2, widths=(3,), lanes=19, repeats="allow"),
    LfsrBank(),
    LfsrBank(generators=5, bits=4, widths=(9, 7), lanes=8, seed=3, spacing="quadratic"),
    LfsrBank(generators=31, bits=8, widths=(11,), lanes=64, spacing="quadratic"),
]


@pytest.mark.parametrize("spec", BANKS)
def test_a_bank_is_its_registers_clocked_one_by_one(spec):
    dimension = 3 * spec.row + 1
    length = spec.length(dimension)
    cycles = register_by_register(spec, 6 * length)
    for t in range(5):
        flat = cycles[t * length : (t + 1) * length].reshape(-1)
        assert np.array_equal(direction(spec, t, dimension), flat[:dimension])


def true_period(spec):
    """Cycles after which all lanes repeat, found by looking."""
    turns = spec.generators // math.gcd(spec.generators, spec.rotation)
    most = math.lcm(turns, *map(lfsr.period, spec.widths))
    cycles = register_by_register(spec, 2 * most)
    return next(p for p in range(1, most + 1) if most % p == 0 and np.array_equal(cycles[p:], cycles[:-p]))


@pytest.mark.parametrize(
    "spec",
    [
        LfsrBank(generators=generators, bits=3, widths=widths, lanes=lanes, repeats="allow")
        for generators, widths, lanes in [
            (3, (4, 5), None), (3, (4,), None), (3, (4,), 5), (5, (4,), 7), (3, (4, 6), 4), (4, (4, 5), 6),
            (7, (6,), 8), (9, (6,), 10), (2, (5,), 3), (2, (4, 5), 3), (3, (8,), 4), (4, (3, 5), 3), (31, (5,), 32),
        ]
    ]
    + [
        LfsrBank(generators=generators, bits=1, widths=widths, lanes=lanes, repeats="allow", spacing="quadratic")
        for generators, widths, lanes in [
            (1, (4,), 2), (2, (4,), 3), (3, (4,), 4), (3, (4,), 5), (3, (6,), 4), (7, (6,), 8), (9, (6,), 10),
            (9, (6,), 12), (4, (5,), 6), (3, (4, 6), 4), (4, (4, 5), 7),
        ]
    ],
)  # fmt: skip
def test_the_period_of_a_bank_is_what_it_says(spec):
    assert spec.period == true_period(spec)
    for dimension in (1, spec.row, 5 * spec.row, 15 * spec.row + 1):
        starts = {t * spec.length(dimension) % spec.period for t in range(spec.period)}
        assert len(starts) == spec.directions(dimension)


@pytest.mark.parametrize("repeats", ["pad", "allow", "refuse"])
def test_a_bank_has_as_many_directions_as_it_says(repeats):
    spec = LfsrBank(generators=3, bits=3, widths=(4, 3), lanes=2, repeats=repeats)
    for dimension in range(1, 60):
        cycles = -(-dimension // 2)
        common = math.gcd(cycles, spec.period)
        if repeats == "refuse" and common > 1:
            text = f"the bank would repeat after {spec.period // common} directions instead of {spec.period}"
            with pytest.raises(InputError, match=text):
                spec.directions(dimension)
            continue
        assert spec.directions(dimension) == (spec.period // common if repeats == "allow" else spec.period)
        assert spec.length(dimension) >= cycles


def test_directions_of_a_bank_differ_and_then_come_again():
    spec = LfsrBank(generators=3, bits=3, widths=(4, 3), lanes=2)
    rows = [direction(spec, t, 100).tobytes() for t in range(2 * spec.period)]
    assert len(set(rows)) == spec.directions(100) == spec.period == 105
    assert rows[:105] == rows[105:]


@pytest.mark.parametrize("spec", BANKS[:4])
def test_mean_square_of_a_bank_over_its_whole_period(spec):
    cycles = register_by_register(spec, spec.period).astype(float)
    assert spec.mean_square == pytest.approx((cycles**2).mean(), rel=1e-12)
    assert spec.largest == abs(cycles).max()


def unchecked(**values):
    """A bank that its own checks would refuse."""
    spec = object.__new__(LfsrBank)
    for name, value in {"bits": 3, "seed": 0, "repeats": "allow", **values}.items():
        object.__setattr__(spec, name, value)
    return spec


@pytest.mark.parametrize("width", [3, 4, 6])
def test_period_of_one_width_with_any_rotation(width):
    """A turn of the lanes can undo the spread of the registers: the period is counted, and such banks are refused."""
    period = lfsr.period(width)
    for generators in [n for n in (2, 3, 5, 6, 7, 9, 12, 15) if n <= period]:
        for rotation in range(generators):
            spec = unchecked(generators=generators, widths=(width,), lanes=generators + rotation)
            assert spec.period == true_period(spec)
            if spec.period % period:
                text = (
                    f"would repeat after {spec.period} cycles instead of {period}, as the rotation of the lanes undoes"
                )
                with pytest.raises(InputError, match=text):
                    LfsrBank(generators=generators, bits=3, widths=(width,), lanes=generators + rotation)


def test_a_bank_that_would_repeat_at_once_is_refused():
    with pytest.raises(InputError, match="15 registers of width 4 with 29 lanes would repeat after 1 cycles"):
        LfsrBank(generators=15, bits=3, widths=(4,), lanes=29)


@pytest.mark.parametrize(
    ("registers", "bits", "width"),
    [(2, 12, 12), (3, 8, 8), (5, 3, 6), (6, 4, 8), (16, 8, 11), (29, 8, 11), (31, 8, 11), (43, 8, 11), (31, 14, 17)],
)
def test_at_quadratic_spacing_few_registers_ever_stand_where_others_stood(registers, bits, width):
    """Distances of registers s places apart, in clocks, all differ under the conditions that `quadratic` names."""
    spec = LfsrBank(
        generators=registers, bits=bits, widths=(width,), lanes=registers + 1, spacing="quadratic", seed=registers
    )
    period, prime = lfsr.period(width), prime_from(registers)
    clocks = np.array(spec.phases) * lfsr.leap(width, bits) % period

    def closest(distances):
        return np.minimum(distances % period, -distances % period)[np.triu_indices(registers, 1)].min()

    assert closest(clocks[:, None] - clocks) >= unit(registers, period) >= bits
    clear = registers == prime and unit(registers, period) - period % (2 * prime) >= bits
    assert clear == (registers in {3, 5, 29, 31})
    for s in range(1, registers):
        back = np.roll(clocks, -s) - clocks
        assert np.unique(back % period, return_counts=True)[1].max() <= (1 if clear else 2)
        if clear:
            assert closest(back[:, None] - back) >= bits


@pytest.mark.parametrize("lanes", [7, 64, 1024, 62])
def test_a_lane_of_a_bank_of_hardware_is_worth_ten_times_as_much_at_quadratic_spacing(lanes):
    """Cycles over the sum of squared correlations at all lags: how many independent numbers a lane is worth."""
    worth = {}
    for spacing in ("even", "quadratic"):
        spec = LfsrBank(generators=29 if lanes == 62 else 31, widths=(11,), lanes=lanes, spacing=spacing)
        numbers = spec.integers(0, np.arange(spec.period) * lanes, spec.period * lanes).astype(float)
        power = np.abs(np.fft.rfft(numbers - numbers.mean())) ** 2
        along = np.fft.irfft(power, spec.period)
        along /= along[0]
        worth[spacing] = spec.period / (along**2).sum()
        # At multiples of the turn a lane meets its own register, whose words are of one sequence of bits.
        turned = np.arange(spec.period) % spec.generators > 0
        assert np.abs(along[turned]).max() == pytest.approx(
            1 - 1 / spec.generators if spacing == "even" else 1 / spec.generators, abs=2e-3
        )
    assert worth["quadratic"] > 10 * worth["even"]


def test_a_bank_has_as_many_different_weights_as_its_widths_have_states():
    """Registers of one width walk round the same circle: that is the dimension in which a bank trains."""
    spec = LfsrBank(generators=4, bits=3, widths=(4, 5))
    rows = np.stack([direction(spec, t, 600) for t in range(spec.period)])
    assert len(np.unique(rows, axis=1).T) == 15 + 31
