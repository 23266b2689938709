"""Windows that ship with a specialist, in a file."""

import numpy as np
import pytest

from auricle.errors import SpecialistError
from auricle.specialist.windows import packed, unpacked


def test_kept_windows_survive_a_file(specialist):
    kept = specialist.windows_["reference"]
    again = unpacked(packed(specialist.windows_, ["N", "V"]), ["N", "V"], "x")["reference"]
    assert np.array_equal(again.samples, kept.samples)
    assert again.labels.tolist() == kept.labels.tolist()
    assert again.groups.tolist() == kept.groups.tolist()


@pytest.mark.parametrize("data", [b"", b"\x08\0\0\0\0\0\0\0{}      ", b"not a file"])
def test_damaged_windows(data):
    if data.startswith(b"\x08"):
        assert unpacked(data, ["N"], "x") == {}
        return
    with pytest.raises(SpecialistError, match=r"windows\.safetensors can\'t be used"):
        unpacked(data, ["N"], "x")


def test_a_label_that_is_none(specialist):
    data = packed(specialist.windows_, ["N", "V"])
    with pytest.raises(SpecialistError, match="a label of reference is none of the 1 classes"):
        unpacked(data, ["N"], "x")
