"""A leap of a shift register as gates: which bits of the state add up to each bit of the next one."""

from auricle.zeroth import lfsr


def leap_terms(width: int, bits: int) -> list[list[int]]:
    """Bits of a state whose sum modulo 2 is each bit of the state one leap later, (width,) lists.

    Examples
    --------
    >>> leap_terms(5, 3)
    [[0, 2], [1, 3], [2, 4], [0], [1]]
    """
    # The register is linear, so its bits can be followed as sets: those old bits that add up to it.
    state = [1 << i for i in range(width)]
    for _ in range(lfsr.leap(width, bits)):
        new = 0
        for tap in lfsr.TAPS[width]:
            new ^= state[tap - 1]
        state = [new, *state[:-1]]
    return [[i for i in range(width) if terms >> i & 1] for terms in state]


def leap_sums(width: int, bits: int) -> list[str]:
    """Give the same as Verilog: one expression over `from` for each bit.

    Examples
    --------
    >>> leap_sums(5, 3)[:3]
    ['from[0] ^ from[2]', 'from[1] ^ from[3]', 'from[2] ^ from[4]']
    """
    return [" ^ ".join(f"from[{i}]" for i in terms) for terms in leap_terms(width, bits)]
