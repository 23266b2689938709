"""An alarm for a stream of windows that stops looking like what came before, with a bound on false alarms.

A *conformal test martingale* bets, window by window, that the next smoothed p-value will not be uniform. As long as the
windows are exchangeable it is a fair game, and no strategy makes a fair game grow: by Ville's inequality the capital,
which starts at 1, ever reaches 1 / delta with probability delta at most. So when it does, exchangeability is in doubt.

Each number is ranked among the reference *and* all numbers before it. Ranked against the reference alone, the p-values
would not be independent (they share the accidents of one finite sample), the game not fair, and the bound not true.

References
----------
V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", 2nd ed. 2022, chapter 8: smoothed p-values
of exchangeable data are independent and uniform.
V. Vovk et al., "Retrain or not retrain: conformal test martingales for change-point detection", COPA 2021, algorithm 1:
the Simple Jumper.
V. Vovk, I. Petej, A. Gammerman, "Protected probabilistic classification", COPA 2021: the Composite Jumper.
E. S. Page, "Continuous inspection schemes", Biometrika 1954: the estimate of when the change began.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from math import exp, inf, isfinite, log
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from auricle.conformal._input import Floats, check_finite, listed, real
from auricle.errors import InputError

JUMPING_RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Jumping rates whose Simple Jumpers share the first capital equally; the last bets nothing and so keeps its fifth."""

BETS = (-1.0, 0.0, 1.0)
"""Slopes of the bets: on small p-values (stranger windows), on nothing, on large ones (more typical windows)."""

# Steeper bets than the martingale's: those wander so far without a change that they date it ten windows off in the
# median, these three (shifts of 1 and 1.5 standard deviations after 120 windows).
_STEEP = 1.8

Direction = Literal["stranger", "more typical"]

_KIND = "exchangeability martingale"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """The capital has reached 1 / delta.

    Attributes
    ----------
    index
        Number of the window at which it did, from 0; reference windows are not counted.
    since
        Number of the window with which the change seems to have begun: where the bets that won began to win.
    direction
        Whether the windows since then are stranger than those before, or more typical.
    value
        The capital, 1 / delta or more.
    delta
        Probability of any alarm, however long the stream, if all windows are exchangeable.

    Examples
    --------
    >>> print(Alarm(index=143, since=120, direction="stranger", value=104.0, delta=0.01))
    alarm at window 143: stranger since about window 120; false-alarm chance at most 1 %
    """

    index: int
    since: int
    direction: Direction
    value: float
    delta: float

    def __str__(self) -> str:
        return (
            f"alarm at window {self.index}: {self.direction} since about window {self.since}; "
            f"false-alarm chance at most {100 * self.delta:g} %"
        )


class ExchangeabilityMartingale:
    """A running test of whether numbers, one a window, still come in no particular order.

    Parameters
    ----------
    reference
        Numbers of windows that the stream shall look like, shape (m,); none compares the stream with its own past.
        Their order does not matter.
    delta
        Probability of a false alarm, 0 < delta < 1.
    seed
        Of the smoothing, which breaks ties and places a number within its rank. Choose it before you look at the data.

    Raises
    ------
    InputError
        If a number is not finite, or delta or seed makes no sense.

    Notes
    -----
    The bound holds when reference and stream together are exchangeable, for instance windows of different people in
    random order. It does not when windows depend on their neighbours, as those of one recording do, or overlap: then an
    alarm may mean that and no more. There is one alarm; what follows it has no bound. Begin anew after it.

    A window costs O(log n) comparisons, and the state grows by a number a window.

    Deviations from the papers: none in the martingale. The bound is stated for the first alarm; the estimate of the
    change point is Page's, for bets of slope 1.8 either way, and has no guarantee.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> watch = ExchangeabilityMartingale(rng.normal(size=200), delta=0.01)
    >>> alarms = [watch.update(x) for x in [*rng.normal(size=100), *rng.normal(2.0, size=30)]]
    >>> print(watch.alarm)
    alarm at window 121: stranger since about window 91; false-alarm chance at most 1 %
    """

    def __init__(self, reference: ArrayLike = (), *, delta: float = 0.01, seed: int = 0) -> None:
        values = real(reference, what="reference") if np.size(reference) else np.zeros(0)
        if values.ndim != 1:
            raise InputError(f"reference must hold one number a window, shape (m,); got shape {values.shape}")
        if isinstance(delta, bool) or not isinstance(delta, float | int) or not 0 < delta < 1:
            raise InputError(f"delta must be a number between 0 and 1, such as 0.01; got {delta!r}")
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise InputError(f"seed must be a whole number, 0 or more; got {seed!r}")
        self._past: list[float] = np.sort(check_finite(values, what="reference")).tolist()
        self._reference = len(self._past)
        self._delta, self._seed = float(delta), int(seed)
        self._capital = [[1 / len(JUMPING_RATES) / len(BETS) for _ in BETS] for _ in JUMPING_RATES]
        self._log_scale = 0.0
        self._highest = 0.0
        self._page = [(0.0, 0), (0.0, 0)]
        self._alarm: Alarm | None = None
        self._p_value: float | None = None

    @property
    def delta(self) -> float:
        """Bound on the probability of a false alarm."""
        return self._delta

    @property
    def reference(self) -> int:
        """Number of reference windows."""
        return self._reference

    @property
    def alarm(self) -> Alarm | None:
        """The first alarm, if there was one."""
        return self._alarm

    @property
    def p_value(self) -> float | None:
        """Smoothed p-value of the last number: small for one stranger than those before."""
        return self._p_value

    @property
    def log_capital(self) -> float:
        """Natural logarithm of the capital: 0 at first, an alarm when it reaches -log(delta)."""
        return log(sum(map(sum, self._capital))) + self._log_scale

    @property
    def highest(self) -> float:
        """The largest capital so far; inf beyond what a float holds."""
        return exp(self._highest) if self._highest < 709 else inf

    def __len__(self) -> int:
        return len(self._past) - self._reference

    def update(self, nonconformity: float) -> Alarm | None:
        """Take the next window's number, larger for a stranger window; give the alarm if this window raises it.

        Raises
        ------
        InputError
            If it is no finite number; then nothing has changed.
        """
        if isinstance(nonconformity, bool) or not isinstance(nonconformity, float | int | np.floating | np.integer):
            raise InputError(f"nonconformity must be one real number; got {nonconformity!r:.60}")
        number = float(nonconformity)
        if not isfinite(number):
            raise InputError(f"nonconformity must be finite; got {number}. Leave this window out of the stream")
        index = len(self)
        below, up_to = bisect_left(self._past, number), bisect_right(self._past, number)
        stranger, alike = len(self._past) - up_to, up_to - below + 1
        p = (stranger + uniform(self._seed, index) * alike) / (len(self._past) + 1)
        self._past.insert(up_to, number)
        self._p_value = p
        self._bet(p)
        self._locate(p, index)
        reached = self.log_capital
        self._highest = max(self._highest, reached)
        if self._alarm is None and reached >= -log(self._delta):
            gain, since = max(self._page)
            direction: Direction = "stranger" if (gain, since) == self._page[0] else "more typical"
            value = exp(min(reached, 709.0))
            self._alarm = Alarm(index=index, since=since, direction=direction, value=value, delta=self._delta)
            return self._alarm
        return None

    def _bet(self, p: float) -> None:
        """Let each Simple Jumper move capital between its bets, then pay them out."""
        pay = [1 + bet * (p - 0.5) for bet in BETS]
        for rate, row in zip(JUMPING_RATES, self._capital, strict=True):
            share = rate * sum(row) / len(row)
            row[:] = [((1 - rate) * one + share) * factor for one, factor in zip(row, pay, strict=True)]
        total = sum(map(sum, self._capital))
        self._capital = [[one / total for one in row] for row in self._capital]
        self._log_scale += log(total)

    def _locate(self, p: float, index: int) -> None:
        """Sum, for a steep bet either way, what it has won since it last had won nothing."""
        for i, bet in enumerate((-_STEEP, _STEEP)):
            gain, since = self._page[i]
            gain += log(1 + bet * (p - 0.5))
            self._page[i] = (gain, since) if gain > 0 else (0.0, index + 1)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-able values; Python's json writes floats so that they are read back bit for bit."""
        return {
            "kind": _KIND,
            "delta": self._delta,
            "seed": self._seed,
            "reference": self._reference,
            "past": list(self._past),
            "capital": [list(row) for row in self._capital],
            "log_scale": self._log_scale,
            "highest": self._highest,
            "page": [list(one) for one in self._page],
            "p_value": self._p_value,
            "alarm": None if self._alarm is None else asdict(self._alarm),
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """Rebuild from `to_dict`; what follows is the same to the last bit.

        Raises
        ------
        InputError
            If it is not such a state, or was changed by hand.

        Examples
        --------
        >>> watch = ExchangeabilityMartingale([0.1, 0.4])
        >>> watch.update(0.3), ExchangeabilityMartingale.from_dict(watch.to_dict()).to_dict() == watch.to_dict()
        (None, True)
        """
        made = cls()
        expected = made.to_dict().keys()
        if not isinstance(given, Mapping) or given.keys() != expected or given["kind"] != _KIND:
            found = listed(given) if isinstance(given, Mapping) else type(given).__name__
            raise InputError(f"a saved martingale has the keys {listed(expected)} and kind {_KIND!r}; got {found}")
        try:
            made = cls(given["past"], delta=given["delta"], seed=given["seed"])
            made._restore(given)
        except (InputError, TypeError, ValueError) as wrong:
            raise InputError(f"the saved martingale can't be used: {wrong}; begin anew") from None
        return made

    def _restore(self, given: Mapping[str, Any]) -> None:
        if self._past != given["past"]:
            raise ValueError("past must ascend")
        self._reference = given["reference"]
        if not isinstance(self._reference, int) or not 0 <= self._reference <= len(self._past):
            raise ValueError(f"reference must be a whole number from 0 to {len(self._past)}, how many numbers past has")
        capital = check_finite(real(given["capital"], what="capital"), what="capital")
        shape = len(JUMPING_RATES), len(BETS)
        if capital.shape != shape or (capital < 0).any() or not capital.any():
            raise ValueError(f"capital must be {shape} numbers, 0 or more")
        self._capital = capital.tolist()
        self._log_scale, self._highest = _finite(given["log_scale"]), _finite(given["highest"])
        self._page = [(_finite(gain), int(since)) for gain, since in given["page"]]
        if len(self._page) != 2:
            raise ValueError("page must hold two pairs")
        self._p_value = None if given["p_value"] is None else _finite(given["p_value"])
        if given["alarm"] is not None:
            if {*given["alarm"]} != {field.name for field in fields(Alarm)}:
                raise ValueError("alarm has other fields than an alarm")
            self._alarm = Alarm(**given["alarm"])

    def __repr__(self) -> str:
        state = "no alarm" if self._alarm is None else str(self._alarm)
        return f"ExchangeabilityMartingale({self._reference} reference windows, {len(self)} watched: {state})"


def uniform(seed: int, index: int) -> float:
    """Give the number between 0 and 1 that smooths window `index`: it depends on nothing but the two.

    >>> uniform(0, 5) == uniform(0, 5) != uniform(0, 6)
    True
    """
    # A hash gives the same bits on every machine and with every version of NumPy, and needs no state to be kept.
    digest = sha256(f"{seed} {index}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def plain_log_capital(numbers: Sequence[float], reference: Sequence[float] = (), *, seed: int = 0) -> Floats:
    """Compute the logarithm of the capital after each number, as the papers write it: the reference for the tests.

    Examples
    --------
    >>> watch = ExchangeabilityMartingale([0.2, 0.1, 0.4])
    >>> watch.update(0.3), watch.update(0.9)
    (None, None)
    >>> bool(np.isclose(watch.log_capital, plain_log_capital([0.3, 0.9], [0.2, 0.1, 0.4])[-1]))
    True
    """
    capitals = {(rate, bet): 1 / len(JUMPING_RATES) / len(BETS) for rate in JUMPING_RATES for bet in BETS}
    past, out = [*reference], []
    for n, number in enumerate(numbers):
        past.append(number)
        p = (sum(a > number for a in past) + uniform(seed, n) * sum(a == number for a in past)) / len(past)
        totals = {rate: sum(capitals[rate, bet] for bet in BETS) for rate in JUMPING_RATES}
        for (rate, bet), capital in capitals.items():
            capitals[rate, bet] = ((1 - rate) * capital + rate * totals[rate] / len(BETS)) * (1 + bet * (p - 0.5))
        out.append(log(sum(capitals.values())))
    return np.array(out)


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, float | int) or not isfinite(value):
        raise ValueError(f"{value!r:.60} is no finite number")
    return float(value)
