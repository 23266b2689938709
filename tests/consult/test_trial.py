"""A whole trial over HTTP, answered by scripted doubles: each shows its own sign."""

import json
from collections import Counter

import numpy as np
import pytest

from auricle import Specialist
from auricle.consult import trial as trials
from auricle.consult.consulting import Consultant
from auricle.consult.endpoint import Endpoint
from auricle.consult.preflight import Abilities
from auricle.consult.server import Server
from auricle.errors import InputError
from auricle.signals.labelled import LabelledWindows
from auricle.signals.simulate import atrial_fibrillation, sinus
from doubles import Says, answered, contradicts, follows, ignores, prose, rambles, serving

ARMS = trials.chosen_arms(["plain_all", "plain_set", "wrong_set"])


@pytest.fixture(scope="module")
def specialist():
    return Specialist.load("af", backend="torch")


@pytest.fixture(scope="module")
def drawn(specialist):
    rows = [sinus(30, 300, seed=i).samples() for i in range(4)]
    rows += [atrial_fibrillation(30, 300, seed=i).samples() for i in range(4)]
    rng = np.random.default_rng(0)
    rows += [row + rng.normal(0, 0.35, row.shape).astype(np.float32) for row in rows[:2] + rows[4:6]]
    truth = ["N"] * 4 + ["A"] * 4 + ["N"] * 2 + ["A"] * 2
    cut = specialist.windowing
    windows = LabelledWindows.collect(
        [_at(row, cut.fs) for row in rows], truth, [f"r{i}" for i in range(12)], [f"p{i}" for i in range(12)],
        [0.0] * 12, cut.fs, simulated=True,
    )  # fmt: skip
    return trials.drawn(specialist, windows, 6, alpha=0.1, seed=1)


def _at(row, fs):
    from scipy.signal import resample_poly  # noqa: PLC0415

    return resample_poly(row, int(fs), 300, axis=-1).astype(np.float32)


@pytest.fixture(autouse=True)
def briefed_once(monkeypatch):
    """Evidence and pictures take most of the time, and all doubles get the same."""
    own = trials.Arm.briefing

    def known(arm, specialist, finding, recording, truth, rng):
        key = arm.name, recording.id
        if key not in KNOWN:
            KNOWN[key] = own(arm, specialist, finding, recording, truth, rng)
        return KNOWN[key]

    monkeypatch.setattr(trials.Arm, "briefing", known)


KNOWN = {}


def run(specialist, drawn, behave, tmp_path):
    samples, share = drawn
    with serving(behave) as seen:
        abilities = Abilities(pictures=True, schemas=True, model="double", models=("double",), said="")
        server = Server(Endpoint(url=seen.url, model="double", most_at_once=8, name="double"), cache=tmp_path)
        asked = Consultant(server=server, abilities=abilities)
        result = trials.trial(specialist, samples, share, asked.ask, arms=ARMS)
        return result, seen


def test_one_that_always_follows_the_set(specialist, drawn, tmp_path):
    result, seen = run(specialist, drawn, follows(), tmp_path)
    json.dumps(result, allow_nan=False)
    assert len(seen.asked) == len(ARMS) * len(drawn[0])
    confident = result["arms"]["plain_set"]["confident"]
    # The set of one label is the specialist's own word: to follow it adds nothing.
    assert confident["gain"] == 0
    assert confident["gain_low"] < 0 < confident["gain_high"]
    assert result["arms"]["wrong_set"]["all"]["accuracy"] == 0
    assert result["arms"]["wrong_set"]["all"]["gain_high"] < 0
    assert result["harm"]["all"] < 0
    assert result["arms"]["plain_set"]["all"]["tokens"] > 100
    for text in (trials.markdown(result), str(result["paper"])):
        assert "46.13" in text


def test_one_that_ignores_the_set_gains_and_loses_nothing_by_it(specialist, drawn, tmp_path):
    result, _ = run(specialist, drawn, ignores, tmp_path)
    arms = result["arms"]
    assert arms["plain_all"]["all"]["accuracy"] == arms["plain_set"]["all"]["accuracy"]
    assert set(result["harm"].values()) == {0.0}
    assert arms["wrong_set"]["all"]["disagrees"] > arms["plain_set"]["all"]["disagrees"]


def test_one_that_always_says_the_commonest_label_is_seen_through(specialist, drawn, tmp_path):
    samples, _ = drawn
    state = samples[0].finding.state
    counts = Counter(one.truth for one in samples if one.finding.state == state)
    (label, count), *_ = counts.most_common()
    result, _ = run(specialist, drawn, lambda _: Says(answered(label)), tmp_path)
    commonest = result["commonest"][state]
    assert commonest["share"] == pytest.approx(count / counts.total())
    assert result["arms"]["plain_all"][state]["accuracy"] == pytest.approx(counts[label] / counts.total())
    assert result["said"]["plain_all"] == {label: len(samples)}
    page = trials.markdown(result)
    assert f"plain_all said: {label} {len(samples)}." in page
    assert f"{state} {commonest['share']:.3f} ({commonest['label']})" in page


def test_one_that_contradicts_is_kept_as_disagreement(specialist, drawn, tmp_path):
    result, _ = run(specialist, drawn, contradicts(), tmp_path)
    told = result["arms"]["plain_set"]
    assert told["all"]["disagrees"] == 1
    assert told["confident"]["gain"] < 0


@pytest.mark.parametrize(
    ("behave", "why"),
    [(rambles, {"off_schema", "truncated"}), (prose, {"off_schema"}), (lambda _: Says(""), {"empty"})],
)
def test_one_that_can_not_be_used_gives_no_opinion_after_one_retry(specialist, drawn, tmp_path, behave, why):
    result, seen = run(specialist, drawn, behave, tmp_path)
    for arm in ARMS:
        entry = result["arms"][arm.name]["all"]
        assert entry["no_opinion"] == 1
        assert entry["accuracy"] == 0
        assert entry["gain"] == 0
        assert entry["gain_low"] < 0 < entry["gain_high"]
        assert set(result["why"][arm.name]) <= why
    assert len(seen.asked) == 2 * len(ARMS) * len(drawn[0])


def test_a_stopped_trial_goes_on_where_it_was(specialist, drawn, tmp_path):
    def dies(asks):
        return Says(answered(asks.offered[0])) if asks.number < 10 else Says(status=401)

    with pytest.raises(Exception, match="key"):
        run(specialist, drawn, dies, tmp_path)
    result, seen = run(specialist, drawn, ignores, tmp_path)
    whole, _ = run(specialist, drawn, ignores, tmp_path / "other")
    assert len(seen.asked) <= len(ARMS) * len(drawn[0]) - 5
    first, second = (
        {arm: {state: one["accuracy"] for state, one in by.items()} for arm, by in each["arms"].items()}
        for each in (result, whole)
    )
    assert first == second


def test_arms_say_what_they_are_meant_to(specialist, drawn):
    samples, _ = drawn
    one = next(s for s in samples if s.finding.state == "confident")
    made = {
        arm.name: arm.briefing(specialist, one.finding, one.recording, one.truth, np.random.default_rng(3))
        for arm in trials.ARMS
    }
    assert made["plain_all"].set == ()
    assert [p.name for p in made["plain_all"].pictures] == ["plain"]
    assert made["plain_set"].set == one.finding.set
    assert one.truth not in made["wrong_set"].set
    assert len(made["wrong_set"].set) == len(one.finding.set)
    assert made["numbers"].pictures == ()
    assert "p-value" in made["numbers"].text
    assert "p-value" not in made["evidence_set"].text
    assert made["shuffled_evidence"].segments != made["evidence_set"].segments
    assert made["shuffled_evidence"].set == made["evidence_set"].set
    for briefing in made.values():
        assert set(briefing.offered) == set(one.finding.labels)


def test_what_can_not_be_a_trial(specialist, drawn):
    samples, share = drawn
    with pytest.raises(InputError, match="at least 1"):
        trials.drawn(specialist, None, 0, alpha=0.1)
    with pytest.raises(InputError, match="there is no window for a trial"):
        trials.trial(specialist, [], share, lambda *_: [])
    with pytest.raises(InputError, match="this one judges beats"):
        trials.drawn(Specialist.load("beats"), None, 5, alpha=0.1)
    assert len(samples) == 6


def test_the_figure_is_drawn(specialist, drawn, tmp_path):
    result, _ = run(specialist, drawn, follows(), tmp_path)
    trials.figure(result, tmp_path / "trial.png")
    assert (tmp_path / "trial.png").stat().st_size > 5000
