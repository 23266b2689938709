"""The counts of EC57, by hand and against the pairing that the standard asks for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.ec57 import NAMES, count, ec57, report, statistics
from auricle.errors import InputError
from auricle.signals.beats import MATCH, matched
from auricle.specialist import Specialist


def table(**pairs):
    truth, found = [], []
    for pair, n in pairs.items():
        truth += [pair[0]] * n
        found += [pair[1]] * n
    return count(truth, found)


def test_by_hand():
    found = statistics(
        table(NN=80, NS=3, NV=2, SN=4, SS=5, SV=1, VN=3, VV=15, VO=2, FV=6, FN=1, FS=1, QV=7, QS=2, ON=4, OV=1)
    )
    veb, sveb, qrs = found["veb"], found["sveb"], found["qrs"]
    assert (veb["tp"], veb["fn"], veb["fp"]) == (15, 5, 2 + 1 + 1)  # F and Q called V are neither
    assert veb["sensitivity"] == 15 / 20
    assert veb["positive_predictivity"] == 15 / 19
    assert veb["tn"] == 80 + 3 + 4 + 5 + 1 + 1 + 2
    assert veb["false_positive_rate"] == 4 / (4 + 96)
    assert (sveb["tp"], sveb["fn"], sveb["fp"]) == (5, 5, 3 + 1)  # Q called S is none
    assert sveb["f1"] == 10 / 19
    assert (qrs["tp"], qrs["fn"], qrs["fp"]) == (130, 2, 5)


def test_a_share_of_nothing_is_null():
    found = statistics(table(NN=3))
    assert found["veb"]["sensitivity"] is None
    assert found["veb"]["positive_predictivity"] is None
    assert found["veb"]["false_positive_rate"] == 0


def test_gross_is_over_all_beats_and_average_over_records():
    result = report({"a": table(VV=1, VN=1), "b": table(VV=8), "c": table(NN=4)})
    assert result["gross"]["veb"]["sensitivity"] == 9 / 10
    assert result["average"]["veb"]["sensitivity"] == 0.75
    assert result["average"]["sveb"]["sensitivity"] is None
    assert np.sum(result["table"]) == 14
    assert result["classes"] == list(NAMES)


@settings(max_examples=100, deadline=None)
@given(
    beats=st.lists(st.floats(0, 5), max_size=12).map(sorted), found=st.lists(st.floats(0, 5), max_size=12).map(sorted)
)
def test_pairs_are_near_and_unique(beats, found):
    rows, columns = matched(beats, np.array(found))
    assert len(set(rows.tolist())) == len(rows)
    assert len(set(columns.tolist())) == len(columns)
    assert all(abs(beats[i] - found[j]) <= MATCH + 1e-12 for i, j in zip(rows, columns, strict=True))
    # Nothing that could still be paired is left.
    left = [j for j in range(len(found)) if j not in set(columns.tolist())]
    for i in set(range(len(beats))) - set(rows.tolist()):
        assert all(abs(beats[i] - found[j]) > MATCH - 1e-12 for j in left)


def test_windows_in_time_are_refused(tmp_path):
    with pytest.raises(InputError, match="EC57 compares beats, and this specialist judges windows in time"):
        ec57(Specialist.load("af"), tmp_path)


def test_a_detection_farther_than_150_ms_is_of_no_beat():
    assert [len(matched([1.0], np.array([at]))[0]) for at in (0.84, 0.86, 1.14, 1.16)] == [0, 1, 1, 0]
