"""Shift registers: greatest period, words that share no bit, no correlation from word to word."""

import math

import numpy as np
import pytest

from auricle.zeroth import lfsr


@pytest.mark.parametrize("width", lfsr.TAPS)
def test_a_register_passes_every_state_but_zero(width):
    bits = max(1, width - 3)
    states = lfsr.states(width, bits)
    assert len(states) == lfsr.period(width) == 2**width - 1
    seen = np.zeros(2**width, bool)
    seen[states] = True
    assert seen[1:].all()
    assert not seen[0]


@pytest.mark.parametrize("width", range(3, 21))
@pytest.mark.parametrize("bits", range(1, 13))
def test_a_leap_is_the_shortest_that_renews_all_bits_and_keeps_the_period(width, bits):
    clocks = lfsr.leap(width, bits)
    assert math.gcd(clocks, lfsr.period(width)) == 1
    assert all(math.gcd(c, lfsr.period(width)) > 1 for c in range(bits, clocks))
    assert clocks >= bits


@pytest.mark.parametrize(("width", "bits"), [(4, 3), (8, 8), (11, 8), (12, 6), (14, 8)])
def test_states_are_a_leap_of_clocks_apart(width, bits):
    state = 1
    for expected in lfsr.states(width, bits)[:200].tolist():
        assert state == expected
        for _ in range(lfsr.leap(width, bits)):
            state = lfsr.clock(state, width)


@pytest.mark.parametrize(("width", "bits"), [(8, 8), (11, 8), (13, 8), (14, 8), (12, 6), (16, 12)])
def test_words_in_a_row_share_no_bit(width, bits):
    """Bit k of a word moves up to bit k + leap, beyond the word: each bit of the next word is new."""
    states = lfsr.states(width, bits).astype(np.int64)
    words = 2.0 * (states & ((1 << bits) - 1)) + 1 - (1 << bits)
    for lag in (1, 2, 3):
        assert abs(np.corrcoef(words, np.roll(words, lag))[0, 1]) < 0.02
    kept = (states << lfsr.leap(width, bits) & lfsr.period(width)) >> lfsr.leap(width, bits)
    following = np.roll(states, -1) >> lfsr.leap(width, bits)
    assert np.array_equal(kept, following)


def test_neighbouring_states_do_share_bits():
    """What the leap is for: one clock apart, words are alike."""
    states = np.empty(lfsr.period(8))
    state = 1
    for i in range(len(states)):
        states[i] = state
        state = lfsr.clock(state, 8)
    assert np.corrcoef(states, np.roll(states, 1))[0, 1] > 0.4
