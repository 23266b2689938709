"""The commands by name, and what becomes of a failure: one sentence on stderr and an exit code."""

import errno
import os
import sys
import warnings
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

import cyclopts
from cyclopts import App

import auricle
from auricle.cli.commands import add_commands
from auricle.cli.terminal import note, plain
from auricle.errors import AuricleError

COMMANDS = (
    "predict", "demo", "train", "calibrate", "evaluate", "adapt", "history", "review", "rollback", "replay", "watch",
    "consult", "trial", "mcp", "export", "schema", "doctor", "bench", "rtl",
)  # fmt: skip

EXIT_CODES = """Exit codes: 0 done; 1 failed while running (for example, a full disk); 2 wrong use of the command; \
3 a recording or file can't be used; 4 a specialist is missing, damaged or not calibrated; 5 an optional part is not \
installed; 6 a language model's server can't be used; 130 interrupted with Ctrl-C."""

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


def _version() -> str:
    from auricle import folder

    lines = [f"auricle {auricle.__version__}"]
    for name, path in folder.shipped().items():
        seal = folder.check(path)
        lines.append(plain(f"{name} {seal.manifest.version} sha256:{seal.hash}"))
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
    note(f"warning: {message}")


def run(arguments: list[str] | None = None) -> int:
    """Run the command and give its exit code."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
            sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except cyclopts.CycloptsError as error:
        text = " ".join(str(error).split())
        note(f"error: {text} `auricle --help` and `auricle COMMAND --help` say what there is.")
        return 2
    except AuricleError as error:
        note(f"error: {error}")
        # A full disk is nobody's bad input, whichever file it stopped.
        full = isinstance(error.__cause__, OSError) and error.__cause__.errno in _DISK
        return AuricleError.exit_code if full else error.exit_code
    except KeyboardInterrupt:
        note(
            "interrupted; nothing is lost, and no file is half written. "
            "Repeated, `train`, `adapt` and `predict --out` go on where they were"
        )
        return 130
    except BrokenPipeError:
        _discard_stdout()
        return 0
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        note(f"error: {error.strerror or error}{where}; free some space or check the path, then try again")
        _discard_stdout()
        return 1


def _discard_stdout() -> None:
    """Send what stdout still holds nowhere: Python would try to write it again at the end, and complain."""
    with suppress(OSError):
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare_streams() -> None:
    """Give stdout and stderr a place if the caller closed them, and words for what their encoding lacks."""
    for name in ("stdout", "stderr"):
        if (stream := getattr(sys, name)) is None:
            # Otherwise the next file that is opened would take the number of the closed one, and what is printed.
            stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 -- as long as the process
            setattr(sys, name, stream)
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Entry point of the command."""
    # Read when torch is loaded: threads that wait by spinning take a busy machine's time from those that work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _prepare_streams()
    sys.exit(run())
