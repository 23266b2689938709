"""`auricle rtl`: the perturbation engine as Verilog. A command is a file of this package and a word in `COMMANDS`."""

from cyclopts import App

from auricle.cli.commands import add_commands

COMMANDS = ("generate", "verify", "quality")

rtl = App(name="rtl", help="Generate the perturbation engine as Verilog, and verify it against the golden model.")
add_commands(rtl, "auricle.cli.rtl", COMMANDS)
