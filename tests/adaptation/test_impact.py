"""The impact record: to JSON and back, contradictions refused, and its page and text safe whatever files hold."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.adaptation.checks import (
    Check,
    check_classes_kept,
    check_coverage,
    check_distance,
    check_labels,
    check_macro_f1,
    check_personal,
    check_sensitivity,
    check_steps,
    decide,
)
from auricle.adaptation.checks.comparison import compare
from auricle.adaptation.checks.measured import Measured
from auricle.adaptation.impact import (
    Base,
    CalibrationUsed,
    Cost,
    DataUsed,
    Impact,
    Modification,
    Reference,
    StretchUsed,
    impact_schema,
)
from auricle.adaptation.impact.page import page
from auricle.adaptation.impact.text import impact_text
from auricle.adaptation.impact.wording import gain
from auricle.adaptation.plan import Plan
from auricle.cli import run
from auricle.conformal import LabelConditional
from auricle.errors import FormatError

LABELS = np.array(["N", "S", "V", "F"])
PLAN = Plan.from_dict({
    "description": {"most_steps": 400, "most_distance": 0.1, "most_change": 0.25},
    "protocol": {"minutes": 5.0, "adaptation_share": 0.5, "calibration_share": 0.3, "test_share": 0.2, "gap": 5.0},
    "assessment": {"macro_f1_margin": 0.05, "sensitivity_margin": 0.1, "told": ["the person who runs this adaptation"]},
})  # fmt: skip
"""Written out, so that the shipped plan may change without these tests."""
HASH = "0123456789abcdef" * 4


def scored(n, shares, rng):
    y = rng.choice(4, n, p=shares)
    return y, rng.normal(3.2 * (y[:, None] == range(4)))


def attempt(*, drop=0.0, words="", plan=None):
    """Make the record of an attempt that lowered the scores of V by `drop`; `words` are put into what files hold."""
    plan, rng = plan or PLAN, np.random.default_rng(0)
    y, before = scored(3000, [0.8, 0.08, 0.1, 0.02], rng)
    after = before + rng.normal(0, 0.2, before.shape) - [0, 0, drop, 0]
    labels = [label + words for label in LABELS.tolist()]
    names = np.array(labels)
    kept = {"subjects": np.where(y == 3, 4, rng.integers(0, 22, len(y))), "scored": labels[:3]}
    reference = compare(labels, names[y], before, after, **kept)
    mine, old = scored(70, [0.75, 0.05, 0.2, 0], rng)
    new = old + 0.8 * (mine[:, None] == range(4))
    patient = compare(labels, names[mine], old, new, scored=labels[:3])
    c, population = scored(2000, [0.7, 0.1, 0.15, 0.05], rng)
    conformal = LabelConditional(labels, leave_out=labels[3:]).calibrate(population, names[c])
    sets = [[conformal.predict_set(s, alpha) for alpha in plan.protocol.alphas] for s in (old, new)]
    counts = {"adaptation": {labels[0]: 140, labels[2]: 40}, "calibration": {labels[0]: 80, labels[2]: 20}}
    checks = (
        check_macro_f1(reference, plan), *check_sensitivity(reference, plan), check_classes_kept(reference, plan),
        *check_personal(patient, plan), *check_coverage(sets[1], names[mine], conformal.counts, plan),
        check_labels(counts, plan), check_steps(400, plan), *check_distance(0.03, 0.08, plan),
    )  # fmt: skip
    stretches = {
        name: StretchUsed(start=start, stop=stop, counts=counts.get(name, {}))
        for name, (start, stop) in plan.protocol.stretches().items()
    }
    return Impact(
        attempt=3,
        created=datetime(2026, 11, 22, 21, 5, 7, 123456, tzinfo=UTC),
        subject="p1" + words,
        base=Base(name="beats" + words, version="1", hash=HASH, weights_sha256=HASH),
        parent="0002-1a2b3c4d5e6f",
        plan=plan,
        plan_sha256=plan.sha256,
        modification=Modification(
            weights=314_123, steps=400, distance=0.03, largest_change=0.08, weights_sha256=HASH
        ),
        data=DataUsed(
            recording="119" + words,
            labels_sha256=HASH,
            stretches=stretches,
            reference=Reference(sha256=HASH, n=3000, subjects=22, counts={"N" + words: 3000}),
        ),
        before={"reference": Measured.before(reference), "patient": Measured.before(patient, sets[0])},
        after={"reference": Measured.after(reference), "patient": Measured.after(patient, sets[1])},
        checks=checks,
        decision=decide(checks, plan),
        calibration=CalibrationUsed(kind="population", promise="As the population's." + words),
        cost=Cost(forwards=800, seconds=41.2, peak_memory_mb=412.0, memory_over_inference=1.03, ledger_bytes=2210),
        notes=("The lead was MLII." + words,),
    )  # fmt: skip


@pytest.fixture(scope="module")
def accepted():
    return attempt()


@pytest.fixture(scope="module")
def refused():
    return attempt(drop=3.0)


def test_an_honest_attempt_is_accepted_and_a_harmful_one_refused(accepted, refused):
    assert accepted.decision.accepted
    assert not refused.decision.accepted
    assert {c.name for c in refused.checks if c.passed is False} == {
        "macro F1 on the reference set",
        "sensitivity of V",
    }


def test_a_record_goes_through_json_to_equality(accepted, refused):
    for impact in (accepted, refused, attempt(words="\x1b[31m\u2028<é>\N{PILE OF POO}")):
        assert Impact.from_json(impact.to_json()) == impact
        assert Impact.from_dict(json.loads(json.dumps(impact.to_dict(), sort_keys=True))) == impact


def test_the_published_schema_is_the_generated_one_and_holds_a_record(accepted):
    published = json.loads((files("auricle") / "schemas" / "impact.schema.json").read_text(encoding="utf-8"))
    assert published == impact_schema(), (
        "write json.dumps(impact_schema(), indent=2) to src/auricle/schemas/impact.schema.json"
    )
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(json.loads(accepted.to_json()), published)
    with pytest.raises(jsonschema.ValidationError, match="is a required property"):
        jsonschema.validate({"attempt": 3}, published)


def failed(accepted):
    return {"checks": [*accepted.to_dict()["checks"], check_steps(900, PLAN).model_dump()]}


CONTRADICTIONS = [
    (failed, "the attempt is said to be accepted, but by its checks: 900 steps taken; the plan allows 400."),
    (lambda _: {"checks": []}, "said to be accepted, but by its checks: The plan asks for the test 'macro_f1'"),
    (lambda _: {"decision": {"accepted": False, "reasons": []}}, "the attempt was refused without a reason; name one"),
    (lambda _: {"plan_sha256": HASH}, f"plan_sha256 is {HASH}, but the plan in the record has "),
    (lambda a: {"modification": a.to_dict()["modification"] | {"weights_sha256": None}},
     "the attempt is said to be accepted, but no adapted weights are named"),
    (lambda _: {"schema": "auricle.impact/2"}, r"schema: Input should be 'auricle\.impact/1'; given was"),
    (lambda _: {"created": "2026-11-22T21:00:00"}, "created: Input should have timezone info"),
    (lambda a: {"cost": a.to_dict()["cost"] | {"seconds": -1}}, "cost.seconds: Input should be greater than or equal"),
    (lambda a: {"base": a.to_dict()["base"] | {"hash": "x"}}, "base.hash: String should match pattern"),
    (lambda _: {"mood": 1}, "mood: Extra inputs are not permitted"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "text"), CONTRADICTIONS)
def test_a_record_that_contradicts_itself_is_refused(accepted, change, text):
    values = accepted.to_dict() | change(accepted)
    with pytest.raises(FormatError, match=rf"^this is no valid impact record \(auricle\.impact/1\): .*{text}"):
        Impact.from_dict(values)
    with pytest.raises(FormatError, match=text):
        Impact.from_json(json.dumps(values))


def test_a_refusal_may_have_reasons_beyond_the_checks(accepted):
    values = accepted.to_dict() | {
        "decision": {"accepted": False, "reasons": ["The loss was not finite after step 17."]},
        "checks": [], "before": {}, "after": {}, "calibration": None,
    }  # fmt: skip
    impact = Impact.from_dict(values)
    assert "The attempt ended before anything was measured." in page(impact)
    assert "No check was made." in page(impact)
    assert impact_text(impact).splitlines()[1] == "  The loss was not finite after step 17."


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=40)
    | st.recursive(
        st.none() | st.floats() | st.text(max_size=4),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["plan", "checks", "attempt", "schema"]), x),
        max_leaves=6,
    ).map(json.dumps)
)
def test_what_is_no_record_is_refused_with_a_sentence(text):
    with pytest.raises(FormatError, match=r"^this is no valid impact record \(auricle\.impact/1\): "):
        Impact.from_json(text)


# ---- numbers -------------------------------------------------------------------------------------------------------


def test_measured_numbers_are_those_of_the_windows():
    pair = compare(("N", "V"), ["N", "N", "V"], np.eye(2)[[0, 1, 1]], np.eye(2)[[0, 0, 0]], scored=("N",))
    calibration = LabelConditional(("N", "V")).calibrate(np.eye(2)[[0, 0, 1, 1]], ["N", "N", "V", "V"])
    found = Measured.before(pair, [calibration.predict_set(np.eye(2)[[0, 1, 1]], 0.4)])
    assert (found.n, found.right) == (3, pytest.approx(2 / 3))
    assert found.sensitivity == {"N": 0.5, "V": 1.0}
    assert found.macro_f1 == found.f1["N"] == pytest.approx(2 / 3)
    assert found.coverage == {"0.4": {"N": 0.5, "V": 1.0}}
    assert found.mean_size == {"0.4": 1.0}
    assert Measured.after(pair).sensitivity == {"N": 1.0, "V": 0.0}
    empty = Measured.after(compare(("N", "V"), [], np.zeros((0, 2)), np.zeros((0, 2))))
    assert (empty.n, empty.right, empty.macro_f1, empty.f1) == (0, None, None, {"N": None, "V": None})


# ---- page and text -------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Tags, attributes and text; every tag must be closed by its own name."""

    VOID = ("meta", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *one) for one in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


HOSTILE = "<script>alert(1)</script>'\"&<img src=x onerror=alert(1)>\x1b[31m\u202e"


def test_the_page_shows_what_files_hold_and_obeys_none_of_it(accepted):
    plan = Plan.from_dict({
        "description": {"summary": "Weights" + HOSTILE},
        "assessment": {"told": ["a person" + HOSTILE], "harm_class": "V" + HOSTILE},
    })  # fmt: skip
    for drop in (0.0, 3.0):
        html = page(attempt(drop=drop, words=HOSTILE, plan=plan))
        plain = Reader(page(attempt(drop=drop)))
        found = Reader(html)
        assert {"script", "img"}.isdisjoint(found.tags)
        assert found.tags == plain.tags, "hostile words must not make a tag"
        assert found.attributes == plain.attributes
        assert "\x1b" not in html
        assert "\u202e" not in html
        assert "<script>alert(1)</script>" in found.text
    assert html.count("http") == html.count("http-equiv") == 1  # nothing is loaded


def test_the_text_shows_what_files_hold_and_obeys_none_of_it():
    text = impact_text(attempt(words="\x1b[31m\n\u202e"))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "119\\x1b[31m\\n\\u202e: accepted" in text


def test_the_page_puts_what_failed_first(refused):
    text = Reader(page(refused)).text
    places = [text.index(part) for part in ("Why it was refused", "failed: 2", "not tested: ", "passed: ")]
    assert places == sorted(places)
    assert "the version in use before stays with its own promise" in text
    assert "As the population's." not in text
    assert "Not a medical device" in text


def test_the_page_of_an_accepted_attempt_says_what_holds_and_what_it_cost(accepted):
    text = Reader(page(accepted)).text
    for part in (
        "Adaptation 3 accepted", "Reference set (3000 windows)", "Calibration: population. As the population's.",
        "A person must look at this version within 30 days.", "Told of it: the person who runs this adaptation.",
        "800 forward passes in 41.2 s; peak memory 412 MB, 1.03 times that of judging; ledger 2,210 bytes.",
        "314,123 weights (all weights) moved in 400 steps of at most 400, 0.03 of their length from the base's",
        "Adaptation, 0 to 150 s: 140 N, 40 V.", "research software and not a medical device",
    ):  # fmt: skip
        assert part in text, part


def test_a_simulated_recording_is_marked(accepted):
    values = accepted.to_dict()
    values["data"]["simulated"] = True
    simulated = Impact.from_dict(values)
    assert "The recording is simulated." in Reader(page(simulated)).text
    assert impact_text(simulated).splitlines()[0] == "Adaptation 3 of beats to 119 (simulated): accepted"
    assert "simulated." not in Reader(page(accepted)).text


def test_many_checks_stay_short(accepted):
    unknown = [Check(kind="coverage", name=f"c{i}", passed=None, text=f"Number {i}.") for i in range(40)]
    wrong = [check_steps(1000 + i, PLAN) for i in range(40)]
    checks = (*accepted.checks, *unknown, *wrong)
    values = accepted.to_dict() | {
        "checks": [c.model_dump() for c in checks], "decision": decide(checks, PLAN).model_dump()
    }  # fmt: skip
    impact = Impact.from_dict(values)
    assert "more stand in the JSON record." in Reader(page(impact)).text
    assert "Number 39." not in page(impact)
    text = impact_text(impact)
    assert "  35 more reasons stand in the record." in text.splitlines()
    assert len(text.splitlines()) < 30


def test_what_it_brought_is_said_in_words(accepted, refused):
    values = accepted.to_dict()
    for place, n, before, after in (("patient", 20, 1.0, 0.95), ("reference", 500, 0.634, 0.63)):
        values["before"][place] |= {"n": n, "right": before}
        values["after"][place] |= {"n": n, "right": after}
    values["data"]["stretches"]["test"]["counts"] |= {"V": 0}
    lines = gain(Impact.from_dict(values))
    assert lines == [
        "Of 20 windows of the patient's test stretch, 20 were judged right before, 19 after.",
        "Of 500 windows of the reference set, 317 were judged right before, 315 after.",
        "The test stretch holds no window of V: what becomes of V in this patient is not known.",
        "Accepted means no worse than the plan allows. It doesn't ask for a gain.",
    ]
    for impact in (accepted, refused):
        text, shown = Reader(page(impact)).text, impact_text(impact)
        assert gain(impact)
        for line in gain(impact):
            assert line in text
            assert line in shown
        assert any("It doesn't ask for a gain" in line for line in gain(impact)) == impact.decision.accepted


def test_the_text_is_about_twenty_lines(accepted, refused):
    for impact in (accepted, refused):
        assert 10 <= len(impact_text(impact).splitlines()) <= 23
    lines = impact_text(refused).splitlines()
    assert lines[0] == "Adaptation 3 of beats to 119: refused"
    assert lines[1].startswith("  Macro F1 on the reference set went from ")
    assert "Checks: 2 failed, " in impact_text(refused)


# ---- the room ------------------------------------------------------------------------------------------------------


def test_plan_checks_and_record_need_no_torch():
    code = (
        "import sys, auricle.adaptation.impact, auricle.adaptation.impact.page, auricle.adaptation.impact.text; "
        "print(sorted({'torch', 'sklearn', 'matplotlib'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["plan", "impact"])
def test_the_command_prints_the_published_schemas(capsys, name):
    assert run(["schema", name]) == 0
    published = json.loads((files("auricle") / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert json.loads(capsys.readouterr().out) == published


def test_the_command_names_the_schemas_there_are(capsys):
    assert run(["schema", "plam"]) == 2
    assert 'Choose from: "finding", "plan", "impact"' in capsys.readouterr().err
