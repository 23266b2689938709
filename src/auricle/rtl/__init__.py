"""The perturbation engine as Verilog: generated from a spec of `auricle.zeroth`, simulated against it, and proved.

>>> from auricle.rtl import Engine, bank, files
>>> engine = Engine(spec=bank(lanes=64, bits=8))
>>> sorted(files(engine))[:3]
['README.md', 'auricle_lfsr.core', 'auricle_lfsr.h']
"""

from auricle.rtl.engine import Engine, Schedule, bank, row_pool
from auricle.rtl.files import files
from auricle.rtl.folder import generate
from auricle.rtl.update import UpdateLane
from auricle.rtl.verification import verify

__all__ = ["Engine", "Schedule", "UpdateLane", "bank", "files", "generate", "row_pool", "verify"]
