"""Which windows are asked about: those that need eyes most, whichever recording they are of."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.cli.consult import _left_out
from auricle.consult.windows import choose
from auricle.finding import urgency
from auricle.signals.simulate import sinus
from window_findings import RHYTHMS, finding_on

RECORDING = sinus(5, seed=0)


def found(p, *, alpha=0.1, top="N"):
    """A finding of these p-values, in the order of the labels."""
    inside = tuple(label for label, value in zip(RHYTHMS, p, strict=True) if value > alpha)
    scores = {label: float(label == top) for label in RHYTHMS}
    p_values = dict(zip(RHYTHMS, p, strict=True))
    segments = dict.fromkeys(inside or (top,), ())
    return finding_on(
        RECORDING, inside=inside, p_values=p_values, scores=scores, top=top, segments=segments, evidence=None
    )


SURE = found((0.9, 0.01, 0.01))
FALSE = found((0.05, 0.5, 0.01))
UNFAMILIAR, STRANGE = found((0.09, 0.05, 0.01)), found((0.02, 0.01, 0.01))
TWO, CLOSE, THREE = found((0.9, 0.2, 0.05)), found((0.6, 0.5, 0.05)), found((0.5, 0.4, 0.3))


def chosen(*recordings, **options):
    """Choose of recordings that hold these findings."""
    sources = [SimpleNamespace(open=lambda own=own: own) for own in recordings]
    specialist = SimpleNamespace(findings=lambda own, **_: own)
    return choose(specialist, sources, alpha=0.1, **options)


def test_the_order_is_by_need():
    wanted = [STRANGE, UNFAMILIAR, FALSE, THREE, CLOSE, TWO, SURE]
    assert sorted([*wanted[3:], *wanted[:3]], key=urgency) == wanted


@pytest.mark.parametrize(
    ("most", "taken", "left"),
    [
        (1, [STRANGE], {"unfamiliar": 1, "confident": 1, "uncertain": 3}),
        (3, [UNFAMILIAR, STRANGE, FALSE], {"uncertain": 3}),
        (5, [UNFAMILIAR, CLOSE, STRANGE, FALSE, THREE], {"uncertain": 1}),
        (6, [TWO, UNFAMILIAR, CLOSE, STRANGE, FALSE, THREE], {}),
    ],
)
def test_those_that_need_eyes_most_are_taken_in_the_order_of_the_recordings(most, taken, left):
    out = chosen([SURE, TWO, UNFAMILIAR, SURE], [CLOSE, STRANGE, FALSE, THREE], most=most)
    assert [finding for _, finding in out.windows] == taken
    assert (out.judged, out.wanted, out.left) == (8, 6, left)


def test_confident_ones_are_the_last():
    out = chosen([SURE, TWO], [SURE], confident=True, most=2)
    assert [finding for _, finding in out.windows] == [SURE, TWO]
    assert out.left == {"confident": 1}


def test_what_is_left_out_is_said():
    said = _left_out(chosen([TWO, UNFAMILIAR, STRANGE], [CLOSE], most=1))
    assert said == "; the one that needs eyes most is taken, left out are 1 unfamiliar, 2 uncertain; --most 4 takes all"
    assert "the 2 that need eyes most are taken" in _left_out(chosen([TWO, THREE, CLOSE], most=2))
    assert _left_out(chosen([TWO, SURE], most=5)) == ""


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*3 * [st.floats(0.001, 1)]), max_size=12), st.integers(1, 12))
def test_none_is_lost_and_none_is_taken_before_one_that_needs_it_more(p, most):
    out = chosen([found(one) for one in p], most=most)
    assert len(out.windows) + sum(out.left.values()) == out.wanted
    assert len(out.windows) == min(most, out.wanted)
    if out.windows:
        taken = sorted(urgency(finding) for _, finding in out.windows)
        everything = sorted(urgency(found(one)) for one in p if found(one).needs_eyes)
        assert taken == everything[: len(taken)]
