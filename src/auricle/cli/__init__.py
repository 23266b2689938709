"""The command `auricle`: parse, call, print. Results go to stdout, everything else to stderr.

A command is a file of this package with a function of the same name, and a word in `auricle.cli.app.COMMANDS`. Such a
file imports what it needs within its function: `auricle --help` reads the signature and the docstring of every command,
and must come at once.
"""

from auricle.cli.app import main, run

__all__ = ["main", "run"]
