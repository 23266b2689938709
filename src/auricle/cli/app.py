"""The commands by name, and what becomes of a failure: one sentence on stderr and an exit code."""

import errno
import os
import sys
import warnings

import cyclopts
from cyclopts import App

import auricle
from auricle.cli.commands import add_commands
from auricle.cli.terminal import err
from auricle.errors import AuricleError

COMMANDS = ("predict", "demo", "train", "calibrate", "evaluate", "export", "schema", "doctor", "bench")

EXIT_CODES = """Exit codes: 0 done; 1 failed while running (for example, a full disk); 2 wrong use of the command; \
3 a recording or file can't be used; 4 a specialist is missing, damaged or not calibrated; 5 an optional part is not \
installed; 130 interrupted with Ctrl-C."""

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


def _version() -> str:
    from auricle import folder

    lines = [f"auricle {auricle.__version__}"]
    for name, path in folder.shipped().items():
        seal = folder.check(path)
        lines.append(f"{name} {seal.manifest.version} sha256:{seal.hash}")
    return "\n".join(lines)


app = App(
    name="auricle",
    help="Judge windows of ECG or EEG: calibrated label sets, and the segments that speak for each label.\n\n"
    "Research software, not a medical device.",
    help_epilogue=EXIT_CODES,
    version=_version,
    version_format="plaintext",
    suppress_keyboard_interrupt=False,  # cyclopts would end the process before a word is said
)
add_commands(app, "auricle.cli", COMMANDS)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    err.print(f"warning: {message}")


def run(arguments: list[str] | None = None) -> int:
    """Run the command and give its exit code."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            result = app(
                arguments, exit_on_error=False, print_error=False, error_console=err, result_action="return_value"
            )
            sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except cyclopts.CycloptsError as error:
        text = " ".join(str(error).split())
        err.print(f"error: {text} `auricle --help` and `auricle COMMAND --help` say what there is.")
        return 2
    except AuricleError as error:
        err.print(f"error: {error}")
        # A full disk is nobody's bad input, whichever file it stopped.
        full = isinstance(error.__cause__, OSError) and error.__cause__.errno in _DISK
        return AuricleError.exit_code if full else error.exit_code
    except KeyboardInterrupt:
        err.print(
            "interrupted; nothing half written was left. Repeated, `train` and `predict --out` go on where they were"
        )
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        err.print(f"error: {error.strerror or error}{where}; free some space or check the path, then try again")
        return 1


def main() -> None:
    """Entry point of the command."""
    sys.exit(run())
