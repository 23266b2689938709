"""`auricle bench`: a benchmark is a file of this package and a word in `BENCHMARKS`."""

from cyclopts import App

from auricle.cli.commands import add_commands

BENCHMARKS = ("adaptation", "consult", "coverage", "evidence", "spine", "zeroth")

bench = App(name="bench", help="Measure auricle beside plain baselines, in one run.")
add_commands(bench, "auricle.cli.bench", BENCHMARKS)
