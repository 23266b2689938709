"""Headers, steps and files of ledgers, which several tests write and read."""

import numpy as np
from hypothesis import strategies as st

from auricle.zeroth.fresh import Signs
from auricle.zeroth.ledger import Ledger, LedgerGroup, LedgerHeader, LedgerTensor


def header_for(queries=1, count=1, **changes):
    values = {
        "base_sha256": 64 * "0",
        "perturbation": Signs(),
        "tensors": tuple(LedgerTensor(name=f"t{g}", shape=(2, 3), group=g) for g in range(count)),
        "groups": (LedgerGroup(grid=20, amplitude=16),) * count,
        "queries": queries,
    }
    return LedgerHeader(**(values | changes))


def written(path, header, steps):
    """Write steps, each an array of multipliers or None for a null step, and close."""
    with Ledger.create(path, header) as ledger:
        put(ledger, steps)
    return path.read_bytes()


def put(ledger, steps):
    for step in steps:
        if step is None:
            ledger.append_null()
        else:
            ledger.append(step)


def expected(steps, queries, groups):
    multipliers = np.array([np.zeros((queries, groups)) if s is None else s for s in steps], np.int64)
    return multipliers.reshape(len(steps), queries, groups), np.array([s is None for s in steps], bool)


def assert_holds(ledger, steps):
    multipliers, null = ledger.multipliers()
    wanted, wanted_null = expected(steps, ledger.header.queries, len(ledger.header.groups))
    assert ledger.steps == len(steps)
    assert np.array_equal(multipliers, wanted)
    assert np.array_equal(null, wanted_null)


@st.composite
def runs(draw, most=12):
    """A number of queries, a number of groups, and steps that use every exponent."""
    queries, groups = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    word, exponent = st.integers(-32767, 32767) | st.sampled_from([-32767, -1, 0, 1, 32767]), st.integers(0, 9)

    def step(exponents):
        columns = [st.lists(word.map(lambda m, e=e: m << e), min_size=queries, max_size=queries) for e in exponents]
        return st.tuples(*columns).map(lambda c: np.array(c, np.int64).T)

    one = st.none() | st.lists(exponent, min_size=groups, max_size=groups).flatmap(step)
    return queries, groups, draw(st.lists(one, max_size=most))
