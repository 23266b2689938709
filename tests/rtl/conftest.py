"""Tools that the tests of this room share; a test that needs one that isn't there is skipped."""

from collections.abc import Callable

import pytest

from auricle.errors import MissingExtraError
from auricle.rtl import tools
from auricle.rtl.tools import Tool


def _found(find: Callable[[], Tool]) -> Tool:
    try:
        return find()
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def simulator() -> Tool:
    """Icarus Verilog."""
    return _found(tools.iverilog)


@pytest.fixture(scope="session")
def linter() -> Tool:
    """Verilator."""
    return _found(tools.verilator)


@pytest.fixture(scope="session")
def yosys() -> Tool:
    """Yosys."""
    return _found(tools.yosys)
