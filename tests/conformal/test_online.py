"""Sets that follow labels: the certain bound for any stream, late labels, and what does not move."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.conformal import AdaptiveConformal, LabelConditional, NoCalibrationSamplesWarning
from auricle.errors import InputError, NotCalibratedError

LABELS = ("N", "A", "O")


def calibrated(n=30, leave_out=(), labels=LABELS):
    rng = np.random.default_rng(1)
    y = np.resize(np.arange(len(labels)), n * len(labels))
    return LabelConditional(labels, leave_out).calibrate(rng.normal(2.0 * np.eye(len(labels))[y]), np.array(labels)[y])


CALIBRATION = calibrated()


@st.composite
def streams(draw):
    """Any scores, any labels, each label so many windows late, or never."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 120))
    drift = draw(st.floats(-8, 8))
    scores = rng.normal(size=(n, 3)) + drift * np.linspace(0, 1, n)[:, None] * rng.normal(size=3)
    late = rng.integers(0, draw(st.integers(0, 20)) + 1, n)
    late[rng.random(n) < draw(st.sampled_from([0.0, 0.6]))] = -1
    return scores, rng.choice(LABELS, n, p=draw(st.sampled_from([(0.6, 0.3, 0.1), (1, 0, 0)]))), late


def run(online, scores, labels, late):
    """Show every window and give the labels when they are due; give those that were missed, in order of arrival."""
    arrived = []
    due = sorted((t + int(d), t) for t, d in enumerate(late) if d >= 0)
    for t, row in enumerate(scores):
        online.show(t, row)
        while due and due[0][0] <= t:
            i = due.pop(0)[1]
            arrived.append((labels[i], online.update(i, labels[i])))
    for _, i in due:
        arrived.append((labels[i], online.update(i, labels[i])))
    return arrived


@given(streams(), st.sampled_from([0.05, 0.1, 0.3, 0.9]), st.sampled_from([0.005, 0.05, 0.5, 3.0]))
@settings(max_examples=120, deadline=None)
def test_the_share_of_misses_keeps_its_bound_for_any_windows_labels_and_delays(stream, alpha, gamma):
    scores, labels, late = stream
    online = AdaptiveConformal(CALIBRATION, alpha=alpha, gamma=gamma)
    arrived = run(online, scores, labels, late)
    for label, one in online.coverage.items():
        missed = [m for k, m in arrived if k == label]
        assert (one.labels, one.missed) == (len(missed), sum(missed))
        if not one.labels:
            assert one.bound is None
            continue
        assert abs(one.missed / one.labels - alpha) <= one.bound + 1e-9
        if (late <= 0).all():
            paper = (max(alpha, 1 - alpha) + gamma) / (gamma * one.labels)
            assert abs(one.missed / one.labels - alpha) <= one.bound + 1e-9 <= paper + 2e-9


@pytest.mark.parametrize("gamma", [0.02, 0.2])
def test_the_bound_holds_when_the_label_is_chosen_against_the_set(gamma):
    rng = np.random.default_rng(0)
    online = AdaptiveConformal(CALIBRATION, alpha=0.1, gamma=gamma)
    for t in range(600):
        sets = online.show(t, rng.normal(size=3))
        missing = [label for label in LABELS if label not in sets.labels_of(0)]
        online.update(t, missing[0] if missing else LABELS[t % 3])
    for one in online.coverage.values():
        assert abs(one.missed / one.labels - 0.1) <= one.bound
        assert one.fixed_missed >= one.missed
    assert max(one.fixed_missed / one.labels for one in online.coverage.values()) > 0.4


def test_a_level_follows_its_own_class_alone():
    online = AdaptiveConformal(CALIBRATION, alpha=0.1, gamma=0.05)
    low, high = [-9.0, 0.0, 0.0], [9.0, 0.0, 0.0]
    online.show(0, low)
    assert online.update(0, "N") is True
    assert online.levels == {"N": pytest.approx(0.055), "A": 0.1, "O": 0.1}
    online.show(1, high)
    assert online.update(1, "N") is False
    assert online.levels["N"] == pytest.approx(0.06)
    assert online.coverage["N"].missed == 1


def test_a_level_at_zero_or_below_keeps_the_label_in_every_set_and_one_at_one_in_none():
    online = AdaptiveConformal(CALIBRATION, alpha=0.1, gamma=0.2)
    strange, typical = [-1e9, 0.0, 0.0], [1e9, 0.0, 0.0]
    online.show(0, strange)
    online.update(0, "N")
    assert online.levels["N"] == pytest.approx(-0.08)
    assert online.predict_set([strange]).labels_of(0)[0] == "N"
    t = 1
    while online.levels["N"] < 1:
        online.show(t, typical)
        assert online.update(t, "N") is False
        t += 1
    assert "N" not in online.predict_set([typical]).labels_of(0)


def test_without_labels_the_sets_are_those_of_the_calibration():
    scores = np.random.default_rng(2).normal(size=(40, 3))
    for leave_out in ((), ("O",)):
        fixed = calibrated(leave_out=leave_out)
        online = AdaptiveConformal(fixed, alpha=0.1)
        shown = [online.show(t, row).member[0] for t, row in enumerate(scores)]
        assert np.array(shown).tolist() == fixed.predict_set(scores, 0.1).member.tolist()
        assert online.waiting == 40


def test_uncovered_and_left_out_classes_do_not_move():
    fixed = LabelConditional(("N", "A", "O"), ["O"]).calibrate(
        np.random.default_rng(0).normal(size=(36, 3)), ["N"] * 30 + ["A"] * 3 + ["O"] * 3
    )
    online = AdaptiveConformal(fixed, alpha=0.1)
    assert online.moving == ("N",)
    for t in range(40):
        sets = online.show(t, [-9.0, -9.0, 9.0])
        assert (sets.uncovered, sets.left_out) == (("A",), ("O",))
        online.update(t, ("A", "O")[t % 2])
    assert online.predict_set([[-9.0, -9.0, 9.0]]).labels_of(0) == ("A",)
    assert [online.coverage[label].missed for label in fixed.labels] == [0, 0, 20]
    assert {one.bound for one in online.coverage.values()} == {None}
    assert list(online.levels) == ["N"]


def test_a_class_without_any_sample_stays_in_every_set():
    with pytest.warns(NoCalibrationSamplesWarning):
        fixed = LabelConditional(("N", "A")).calibrate(np.arange(40.0).reshape(20, 2), ["N"] * 20)
    online = AdaptiveConformal(fixed)
    for t in range(30):
        assert "A" in online.show(t, [0.0, 0.0]).labels_of(0)
        assert online.update(t, "A") is False


@given(streams(), st.integers(0, 120))
@settings(max_examples=30, deadline=None)
def test_levels_that_were_saved_go_on_to_the_same_bits(stream, cut):
    scores, labels, late = stream
    one = AdaptiveConformal(CALIBRATION, alpha=0.2, gamma=0.1)
    run(one, scores[:cut], labels[:cut], late[:cut])
    other = AdaptiveConformal.from_dict(json.loads(json.dumps(one.to_dict())), CALIBRATION)
    for t in range(cut, len(scores)):
        assert one.show(t, scores[t]).member.tolist() == other.show(t, scores[t]).member.tolist()
        assert one.update(t, labels[t]) == other.update(t, labels[t])
    assert one.to_dict() == other.to_dict()
    assert one.coverage == other.coverage


def test_on_people_asleep_no_class_of_a_person_is_missed_as_often_as_before():
    with np.load(Path(__file__).parent / "scores" / "sleep.npz", allow_pickle=False) as table:
        scores, y, subject = table["scores"], table["y"], table["subject"]
    labels = np.array(["W", "1", "2", "3", "R"])
    people = np.unique(subject)
    mine = np.isin(subject, people[:20])
    fixed = LabelConditional(labels).calibrate(scores[mine], labels[y[mine]])
    shares = []
    for person in people[20:]:
        online = AdaptiveConformal(fixed, alpha=0.1)
        for t, i in enumerate(np.flatnonzero(subject == person)):
            online.show(t, scores[i])
            online.update(t, str(labels[y[i]]))
        shares += [(c.missed / c.labels, c.fixed_missed / c.labels) for c in online.coverage.values() if c.labels >= 20]
    adapted, before = np.array(shares).T
    assert (len(shares), before.max() > 0.4, adapted.max() < 0.2) == (80, True, True)
    assert np.sqrt(np.mean((adapted - 0.1) ** 2)) < 0.5 * np.sqrt(np.mean((before - 0.1) ** 2))


def test_labels_that_belong_to_no_waiting_window_change_nothing():
    online = AdaptiveConformal(CALIBRATION)
    online.show(4, [0.0, 0.0, 0.0])
    online.update(4, "A")
    before = online.to_dict()
    for index, label, text in [
        (4, "N", "window 4 had its label before, or was never shown; a label belongs to a window that waits for one"),
        (3, "N", "window 3 had its label before, or was never shown"),
        (5, "N", "window 5 was not shown yet"),
        (4, "X", "label 'X' was given; the labels are 'N', 'A', 'O'"),
        (-1, "N", "a whole number, 0 or more, is needed; got -1"),
    ]:
        with pytest.raises(InputError, match=text):
            online.update(index, label)
    with pytest.raises(InputError, match="window 4 was given after window 4; numbers must grow"):
        online.show(4, [0.0, 0.0, 0.0])
    with pytest.raises(InputError, match=r"scores must be those of one window; got shape \(2, 3\)"):
        online.show(5, np.zeros((2, 3)))
    with pytest.raises(InputError, match="scores must be finite"):
        online.show(5, [np.nan, 0.0, 0.0])
    assert online.to_dict() == before


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"alpha": 0}, "alpha must be a number between 0 and 1"),
        ({"gamma": 0}, r"gamma must be a number above 0, such as 0\.05; got 0"),
        ({"gamma": float("nan")}, "gamma must be a number above 0"),
    ],
)
def test_settings_that_can_not_be_used(options, text):
    with pytest.raises(InputError, match=text):
        AdaptiveConformal(CALIBRATION, **options)


def test_a_calibration_comes_first():
    with pytest.raises(NotCalibratedError, match="call calibrate"):
        AdaptiveConformal(LabelConditional(LABELS))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "x"}, "saved levels have the keys"),
        ({"classes": ["N"]}, "the saved levels are of 'N', and the calibration of 'N', 'A', 'O'"),
        ({"missed": [9, 0, 0]}, "more labels were missed than arrived; begin anew"),
        ({"labels": [1]}, "labels must be a list of 3 numbers"),
        ({"labels": [1.5, 0, 0]}, "a whole number, 0 or more, is needed; got 1.5"),
        ({"shown": [[7, [True] * 3, [True] * 3, [0] * 3]]}, "window 7 was shown twice, or is yet to come"),
    ],
)
def test_saved_levels_that_were_changed_are_refused(change, text):
    online = AdaptiveConformal(CALIBRATION)
    online.show(0, [0.0, 0.0, 0.0])
    with pytest.raises(InputError, match=text):
        AdaptiveConformal.from_dict(online.to_dict() | change, CALIBRATION)
