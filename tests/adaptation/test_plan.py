"""The change-control plan: the shipped one, every contradiction with its sentence, and any TOML at all."""

import json
import re
from importlib.resources import files
from itertools import pairwise

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.adaptation.plan import Assessment, Description, Plan, plan_schema
from auricle.adaptation.plan.protocol import Protocol
from auricle.errors import FormatError, InputError
from auricle.zeroth import OneSided, Pool, TwoSided

SHIPPED = files("auricle.adaptation.plan") / "plan.toml"


def test_the_shipped_plan_holds_every_key_with_its_default():
    assert Plan.default() == Plan()
    text = SHIPPED.read_text(encoding="utf-8")
    for table in (Description, Protocol, Assessment):
        for key in table.model_fields:
            assert re.search(rf"^{key} = ", text, re.MULTILINE), key


def test_the_shipped_plan_has_three_tables_as_fda_names_them():
    text = SHIPPED.read_text(encoding="utf-8")
    assert re.findall(r"^\[(.*)\]$", text, re.MULTILINE) == ["description", "protocol", "assessment"]
    for name in ("description of modifications", "modification protocol", "impact assessment"):
        assert name in text


def test_the_published_schema_is_the_generated_one_and_holds_the_plan():
    published = json.loads((files("auricle") / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
    assert published == plan_schema(), (
        "write json.dumps(auricle.adaptation.plan.plan_schema(), indent=2) to src/auricle/schemas/plan.schema.json"
    )
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(Plan().model_dump(mode="json"), published)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"protocol": {"minute": 5}}, published)


BASE = {
    "description": {"queries": 1, "estimator": "two-sided"},
    "protocol": {
        "minutes": 5.0, "adaptation_share": 0.5, "calibration_share": 0.3, "test_share": 0.2, "gap": 5.0,
        "labels_per_class": 9, "labels_per_minute": 200.0, "alphas": [0.2, 0.1, 0.05], "calibration": "auto",
    },
    "assessment": {"class_had": 0.1},
}  # fmt: skip
"""Written out, so that the shipped plan may change without these tests."""

CONTRADICTIONS = [
    ("protocol", {"calibration_share": 0.4},
     r"adaptation_share \+ calibration_share \+ test_share is 1\.1; the three stretches must make 1"),
    ("protocol", {"adaptation_share": 0, "calibration_share": 0.8}, r"adaptation_share is 0: nothing would be learned"),
    ("protocol", {"labels_per_class": 300},
     r"labels_per_class = 300, but the calibration stretch can hold 283 at most \(85 s at 200 labels a minute\); ask "),
    ("protocol", {"labels_per_class": 600, "calibration": "population"},
     r"labels_per_class = 600, but the adaptation stretch can hold 500 at most"),
    ("protocol", {"calibration": "personal"},
     r"alpha 0\.05 can't be promised from 9 labels of a class, it takes 19 \(n \+ 1 >= 1 / alpha\); raise "),
    ("protocol", {"calibration": "combined", "calibration_share": 0, "adaptation_share": 0.8},
     'calibration = "combined" needs labels of the patient; give calibration_share more than 0'),
    ("protocol", {"calibration": "personal", "calibration_share": 0, "adaptation_share": 0.8},
     "the calibration stretch can hold 0 at most"),
    ("protocol", {"gap": 90.0},
     r"the gap of 90 s leaves nothing of the calibration stretch, whose share of 5 minutes is 90 s; give a"),
    ("protocol", {"gap": -1.0}, "protocol.gap: Input should be greater than or equal to 0; given was -1.0"),
    ("protocol", {"minutes": 0.0}, "protocol.minutes: Input should be greater than 0; given was 0.0"),
    ("protocol", {"alphas": []}, "protocol.alphas: Tuple should have at least 1 item"),
    ("protocol", {"alphas": [0.1, 1.0]}, "protocol.alphas.1: Input should be less than 1; given was 1.0"),
    ("protocol", {"alphas": [0.1, 0.1]}, r"alphas names a level twice: 0\.1, 0\.1"),
    ("protocol", {"calibration": "mine"},
     "Input should be 'auto', 'population', 'personal' or 'combined'; given was 'mine'"),
    ("protocol", {"labels_per_class": True}, "Input should be a valid integer; given was True"),
    ("protocol", {"labels_per_class": "9"}, "Input should be a valid integer; given was '9'"),
    ("protocol", {"taught_classes": 0}, "Input should be greater than or equal to 1; given was 0"),
    ("description", {"parameters": "heads"},
     "description.parameters: Input should be 'all' or 'small'; given was 'heads'"),
    ("description", {"most_distance": 0.0}, "Input should be greater than 0; given was 0.0"),
    ("description", {"most_change": -1.0}, "Input should be greater than 0; given was -1.0"),
    ("description", {"lr": float("nan")}, "lr: Input should be a finite number; given was nan"),
    ("description", {"estimator": "one-sided"},
     'queries = 1 with a one-sided estimator, .*; give queries = 2 or more, or estimator = "two-sided"'),
    ("description", {"perturbation": {"kind": "poll"}},
     "a perturbation of kind 'poll' was given; allowed are pool, row_pool, lfsr"),
    ("description", {"perturbation": {"kind": "pool", "bits": 99}}, "bits=99 was given; allowed are 1 to 14"),
    ("description", {"perturbation": {"kind": "pool", "sizes": 9}}, "can't be made of {'sizes': 9}"),
    ("description", {"perturbation": {"kind": ["pool"]}}, r"kind must name a perturbation, .*given was \['pool'\]"),
    ("description", {"perturbation": "pool"}, 'a table such as { kind = "pool", .* given was \'pool\''),
    ("assessment", {"macro_f1_margin": 1.5}, "Input should be less than 1; given was 1.5"),
    ("assessment", {"macro_f1_margin": 0.0}, "Input should be greater than 0; given was 0.0"),
    ("assessment", {"sensitivity_margins": {"V": -0.1}},
     r"assessment.sensitivity_margins.V: Input should be greater than 0; given was -0\.1"),
    ("assessment", {"harm_margin": 2}, "Input should be less than 1; given was 2"),
    ("assessment", {"level": 1.0}, "Input should be less than 1; given was 1.0"),
    ("assessment", {"class_lost": 0.2},
     r"class_lost = 0\.2 is not below class_had = 0\.1: a class would be lost without any change"),
    ("assessment", {"review_after_days": 0.0}, "review_after_days: Input should be greater than 0; given was 0.0"),
    ("assessment", {"told": []}, "told: Tuple should have at least 1 item"),
    ("assessment", {"told": [""]}, "told.0: String should have at least 1 character"),
    ("assessment", {"must_be_tested": ["f1"]}, "must_be_tested.0: Input should be 'macro_f1', 'sensitivity'"),
    ("protocol", {"minuts": 5.0}, r"unknown key protocol\.minuts; did you mean 'minutes'\?"),
    ("description", {"zzz": 5.0}, r"unknown key description\.zzz; known are summary, parameters, "),
    ("assesment", {"level": 0.9}, r"unknown key assesment; did you mean 'assessment'\?"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "change", "text"), CONTRADICTIONS, ids=lambda x: "" if isinstance(x, str) else str(x)
)
def test_a_plan_that_contradicts_itself_is_refused_with_a_sentence(table, change, text):
    with pytest.raises(InputError, match=rf"^the plan can't be used: .*{text}") as caught:
        Plan.from_dict(BASE | {table: BASE.get(table, {}) | change})
    assert "\n" not in str(caught.value)


def test_all_faults_of_a_plan_are_told_at_once():
    tables = {"protocol": {"minuts": 5.0, "gap": -1.0}, "description": {"lr": 0.0}}
    with pytest.raises(InputError) as caught:
        Plan.from_dict(tables)
    for text in ("description.lr: Input should be greater than 0", "protocol.gap", "unknown key protocol.minuts"):
        assert text in str(caught.value)
    with pytest.raises(InputError, match=r"; and 2 more$"):
        Plan.from_dict({"description": dict.fromkeys("abcdefg", 1)})


def test_what_must_be_tested_needs_a_test_stretch():
    tables = {"protocol": {"test_share": 0, "adaptation_share": 0.7}, "assessment": {"must_be_tested": ["coverage"]}}
    with pytest.raises(InputError, match=r"names 'coverage', but protocol\.test_share is 0, so it can't be tested"):
        Plan.from_dict(tables)


def test_classes_that_the_specialist_does_not_know_are_refused():
    Plan().check_labels(("N", "S", "V", "F"))
    with pytest.raises(InputError, match=r"assessment\.harm_class names the class 'V'; known are N, A"):
        Plan().check_labels(("N", "A"))
    plan = Plan.from_dict({"assessment": {"sensitivity_margins": {"VV": 0.1}}})
    with pytest.raises(InputError, match=r"sensitivity_margins names the class 'VV'; did you mean 'V'\?"):
        plan.check_labels(("N", "S", "V"))
    with pytest.raises(InputError, match="taught_classes is 4, but the specialist has 2 classes: N, V"):
        Plan.from_dict({"protocol": {"taught_classes": 4}}).check_labels(("N", "V"))


def test_a_plan_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"no\.toml can't be read: No such file or directory; give a TOML file"):
        Plan.read(tmp_path / "no.toml")
    with pytest.raises(FormatError, match="can't be read: Is a directory"):
        Plan.read(tmp_path)
    path = tmp_path / "x.toml"
    path.write_text("a = " + 9999 * "[", encoding="utf-8")
    with pytest.raises(FormatError, match="its brackets are nested too deeply; three levels are enough"):
        Plan.read(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(FormatError, match=r"x\.toml is not TOML"):
        Plan.read(path)
    path.write_text(f"[protocol]\nminutes = {9 * 5000 * '1'}", encoding="utf-8")
    with pytest.raises(FormatError, match=r"x\.toml is not TOML: Exceeds the limit"):
        Plan.read(path)
    path.write_text("[protocol]\nminutes = 0\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"the plan .*x\.toml: protocol\.minutes: Input should be greater than 0"):
        Plan.read(path)


KEYS = st.sampled_from(
    ["format", "description", "protocol", "assessment"]
    + [key for table in (Description, Protocol, Assessment) for key in table.model_fields]
)
SCALARS = st.one_of(
    st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=5), st.datetimes(), st.just("pool"),
    st.sampled_from([0, 1, 0.5, 1e300, -0.0]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.sampled_from(["kind", "bits", "size", "widths", "seed"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def toml(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("plans") / "plan.toml"


def read(path):
    """The plan, or None with what was said."""
    try:
        return Plan.read(path), ""
    except FormatError as error:
        return None, str(error)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=4), max_size=3))
def test_any_toml_gives_a_plan_or_a_sentence(file, tables):
    file.write_text("\n".join(f"{key} = {toml(value)}" for key, value in tables.items()), encoding="utf-8")
    plan, said = read(file)
    assert plan is None or Plan.from_dict(plan.model_dump(mode="json")) == plan
    assert (plan is None) == said.startswith(f"the plan {file}")


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: ("[protocol]\n" + text).encode()))
def test_any_bytes_give_a_plan_or_a_sentence(file, content):
    file.write_bytes(content)
    plan, said = read(file)
    assert (plan is None) == said.startswith(f"the plan {file}")


@settings(max_examples=60, deadline=None)
@given(minutes=st.floats(1, 60), first=st.floats(0.1, 0.8), second=st.floats(0, 1), gap=st.floats(0, 5))
def test_stretches_are_disjoint_in_order_and_a_gap_apart(minutes, first, second, gap):
    shares = {"adaptation_share": first, "calibration_share": (1 - first) * second}
    shares["test_share"] = 1 - first - shares["calibration_share"]
    if shares["test_share"] < 0:
        shares["test_share"] = 0.0
    try:
        protocol = Protocol(minutes=minutes, gap=gap, labels_per_class=1, **shares)
    except ValueError:
        return  # too short for its gaps
    stretches = protocol.stretches(start=7.0)
    assert list(stretches) == ["adaptation", "calibration", "test"]
    ends = [(start, stop) for start, stop in stretches.values() if stop > start]
    assert ends[0][0] == 7
    assert ends[-1][1] <= 7 + 60 * minutes + 1e-9
    for (_, stop), (start, _) in pairwise(ends):
        assert start - stop >= gap - 1e-9


def test_the_hash_counts_values_and_nothing_else(tmp_path):
    text = SHIPPED.read_text(encoding="utf-8")
    stripped = tmp_path / "plan.toml"
    stripped.write_text("\n".join(line.partition(" # ")[0] for line in text.splitlines()), encoding="utf-8")
    assert Plan.read(stripped).sha256 == Plan.default().sha256
    changed = tmp_path / "other.toml"
    changed.write_text(text.replace("harm_margin = 0.05", "harm_margin = 0.06"), encoding="utf-8")
    assert Plan.read(changed).sha256 != Plan.default().sha256


@pytest.mark.parametrize(("estimator", "kind"), [("two-sided", TwoSided), ("one-sided", OneSided)])
def test_forward_passes_are_those_of_the_estimator(estimator, kind):
    description = Description(estimator=estimator, queries=3, most_steps=10)
    assert description.most_forwards == 10 * len(kind(queries=3).points)


def test_the_perturbation_is_a_spec_and_a_plan_is_frozen():
    plan = Plan.from_dict({"description": {"perturbation": {"kind": "pool", "size": 127, "bits": 4}}})
    assert plan.description.perturbation == Pool(size=127, bits=4)
    with pytest.raises(ValueError, match="frozen"):
        plan.protocol.minutes = 3.0
    assert np.isclose(plan.assessment.margin_of("V"), plan.assessment.sensitivity_margin)
