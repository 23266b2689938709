"""`auricle rtl`: the perturbation engine as Verilog. A command is a file of this package and a word in `COMMANDS`."""

from cyclopts import App

from auricle.cli.commands import add_commands

COMMANDS = ("generate", "verify", "quality", "report")

rtl = App(
    name="rtl",
    help="Generate the perturbation engine as Verilog, verify it against the golden model, and say what it costs.",
)
add_commands(rtl, "auricle.cli.rtl", COMMANDS)
