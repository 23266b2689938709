"""Work in a forked process, which counts its peak memory anew, from what is resident at its start."""

import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auricle.errors import AuricleError, InputError


def peak() -> int:
    """Most memory that this process has had resident so far, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise InputError("/proc/self/status names no VmHWM, so peak memory can't be read on this system")


def forked(work: Callable[[], Any]) -> Any:
    """Call in a forked process; what it returns comes back as JSON."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        failed = 1
        try:
            with os.fdopen(writing, "w", encoding="utf-8") as pipe:
                json.dump(work(), pipe)
            failed = 0
        finally:
            if failed:
                traceback.print_exc()
            # Nothing of the parent's may be flushed or torn down twice, whatever happened.
            os._exit(failed)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise AuricleError(f"a measuring process ended with {os.waitstatus_to_exitcode(status)}")
    return json.loads(text)
