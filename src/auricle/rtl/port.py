"""A port of a Verilog module, as its table has it."""

from collections.abc import Sequence
from typing import NamedTuple


class Port(NamedTuple):
    """A line of the port table."""

    name: str
    direction: str
    width: str
    meaning: str


def port_lines(ports: Sequence[Port]) -> str:
    """Give the table as a comment of Verilog."""
    return "\n".join(f"// {p.name:<29} {p.direction:<8} {p.width:<10} {p.meaning}" for p in ports)
