"""What each arm of the benchmark is, in a line."""

import re
from collections.abc import Iterable

MEANINGS = {
    "mezo": "a fresh Gaussian number for each weight and step, drawn as MeZO's public code does",
    "pool": "`Pool()`: 8,191 integers of 8 bits, used again and again for all weights and steps (PeZO)",
    "pool_ledger": "`pool` on a power-of-two grid, as a ledger needs it: every step is exact",
    "lfsr": "`LfsrBank()`: 31 shift registers of 11, 13 and 14 bits, whose words all weights share (PeZO)",
    "signs": "`Signs()`: a fresh +1 or -1 for each weight and step",
    "uniform": "`Uniform()`: a fresh integer of 8 bits for each weight and step",
    "rtl_lfsr": "the numbers of the engine that `auricle rtl generate --spec lfsr --lanes 1024 --bits 8` writes",
    "rtl_pool": "the numbers of the engine that `auricle rtl generate --spec pool --lanes 1024 --bits 8` writes",
    "pool_N": "`pool` with N integers",
    "pool_N_repeating": "`pool` with N integers and `repeats='allow'`: the directions soon come again where N and the "
    "number of weights share a factor",
    "pool_unscaled": "`pool` with integers that are not scaled to a Gaussian's length (`modulus='none'`)",
    "pool_exact": "`pool` with integers scaled exactly instead of by a power of two (`modulus='exact'`)",
    "pool_N_bits": "`pool` with integers of N bits",
    "lfsr_N": "`lfsr` with N registers",
    "lfsr_N_bits": "`lfsr` with words of N bits",
    "lfsr_one_width": "`lfsr` with all registers 11 bits wide",
    "signs_ledger": "`signs` on a power-of-two grid",
    "one_sided_signs": "`signs` with `OneSided(queries=8)`: nine forward passes a step instead of two",
    "one_sided_pool": "`pool` with `OneSided(queries=8)`",
}
"""By name; N stands for a number."""


def glossary(arms: Iterable[str]) -> list[tuple[str, str]]:
    """Name and meaning of each kind of arm that is there, in a fixed order.

    Examples
    --------
    >>> for name, meaning in glossary(["pool_31", "signs", "pool_127"]):
    ...     print(f"{name}: {meaning}")
    signs: `Signs()`: a fresh +1 or -1 for each weight and step
    pool_N: `pool` with N integers
    """
    there = {re.sub(r"\d+", "N", arm) for arm in arms}
    return [(name, meaning) for name, meaning in MEANINGS.items() if name in there]
