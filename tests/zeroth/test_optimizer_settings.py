"""Settings of ZerothOrder, and steps out of its grid, that are refused."""

import math

import pytest
import torch
from torch import nn

from auricle.errors import InputError
from auricle.zeroth import GridOverflowError
from small_models import one

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"eps": 0.0}, r"eps=0.0 was given; it must be above 0 \(2\*\*-10 is usual\)"),
        ({"eps": math.nan}, r"eps=nan was given; it must be above 0 .*"),
        ({"eps": 1e-12}, r"eps=1e-12 is lost in the rounding of weights of type torch.float32 around 1; give .*"),
        ({"lr": -1.0}, "lr=-1.0 was given; it can't be negative or infinite"),
        ({"lr": math.inf}, "lr=inf was given; it can't be negative or infinite"),
        ({"modulus": "half"}, "modulus='half' was given; allowed are 'exact', 'power-of-two' and 'none'"),
        ({"buffers": "keep"}, "buffers='keep' was given; allowed are 'freeze', 'refuse' and 'ignore'"),
        ({"grid": True, "weight_decay": 0.1}, "weight_decay was given with a grid; .* so one of them must go"),
        ({"grid": True, "headroom": 0.5}, "headroom=0.5 was given; weights need a range of at least 1 times their own"),
        (
            {"grid": True, "eps": 5e-8, "headroom": 2.0**12},
            r"eps=5e-08 moves the weights by .*, less than their grid .*",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, text):
    weight = nn.Parameter(torch.ones(4))
    with pytest.raises(InputError, match=f"^{text}$"):
        one(weight, **settings).step(lambda: weight.square().sum())
    assert torch.equal(weight, torch.ones(4))


def test_a_step_out_of_the_grid_is_refused_and_nothing_moves():
    weight = nn.Parameter(torch.linspace(-1, 1, 8))
    optimizer = one(weight, grid=True, lr=0.0)
    optimizer.step(weight.sum)
    before = weight.detach().clone()
    optimizer.param_groups[0]["lr"] = 1e6
    with pytest.raises(
        GridOverflowError, match=r"^a step of .* takes weights of up to 1 out .* lower lr=1000000.0, or"
    ):
        optimizer.step(weight.sum)
    assert torch.equal(weight, before)
    assert optimizer.steps == 1
