"""Voltage units and lead names as the files of many makers spell them."""

import re
from collections.abc import Sequence

from auricle.errors import InputError
from auricle.signals.visible import visible

_VOLTS = {"v": 1.0, "mv": 1e-3, "uv": 1e-6, "nv": 1e-9}
_SPELLED = {"volt": "v", "millivolt": "mv", "microvolt": "uv", "nanovolt": "nv"}
_CANONICAL = {"v": "V", "mv": "mV", "uv": "uV", "nv": "nV"}

_KINDS = {"ECG", "EKG", "EEG", "EOG", "EMG"}
_ECG_LEAD = re.compile(r"(ML)?(I{1,3}|V[1-9]R?)|AV[RLF]")
# Names that say no more than that a signal is there.
_UNSPECIFIC = {"", "0", "1", "CH", "CH0", "CH1", "CHANNEL", "CHANNEL1", "COLUMN1", "LEAD", "SIGNAL", "UNKNOWN", "VAL"}


def voltage(unit: str) -> str | None:
    """Give the plain spelling of a voltage unit, "V", "mV", "uV" or "nV", or None for anything else.

    Case and the two Unicode letters for micro are forgiven, so "MV" is taken as millivolt.

    >>> voltage("µV"), voltage("mv"), voltage("millivolts"), voltage("degC")
    ('uV', 'mV', 'mV', None)
    """
    key = unit.strip().replace("\u00b5", "u").replace("\u03bc", "u").lower()
    key = _SPELLED.get(key.removesuffix("s"), key)
    return _CANONICAL.get(key)


def conversion(unit: str, target: str) -> float:
    """Factor that turns numbers in `unit` into numbers in `target`, both voltages.

    >>> conversion("uV", "mV")
    0.001
    """
    given, wanted = voltage(unit), voltage(target)
    if given is None or wanted is None:
        wrong = unit if given is None else target
        raise InputError(f"{wrong!r} is no voltage; allowed are V, mV, uV and nV")
    # Rounded to twelve digits, since 1e-6 / 1e-3 is not exactly 0.001 in binary.
    return float(f"{_VOLTS[given.lower()] / _VOLTS[wanted.lower()]:.12g}")


def plain_lead(name: str) -> str:
    """Reduce a channel name to what identifies the lead: upper case, no spaces or punctuation, no leading "ECG"/"EEG".

    >>> plain_lead("EEG Fpz-Cz"), plain_lead("ecg_II "), plain_lead("EEG")
    ('FPZCZ', 'II', 'EEG')
    """
    words = re.findall(r"[A-Z0-9+]+", name.upper())
    if len(words) > 1 and words[0] in _KINDS | {"LEAD"}:
        words = words[1:]
    return "".join(words)


def find_lead(names: Sequence[str], channels: Sequence[str], *, first: int = 0) -> int | None:
    """Index of the channel that one of `names` means, the first name that fits; None if none does.

    Spelling is forgiven (see `plain_lead`), a modified limb lead stands for the limb lead ("MLII" for "II"), and a name
    that is a number and no channel's name is an index; `first` is that of the first channel.

    Raises
    ------
    InputError
        When two channels carry the name.

    >>> find_lead(("II",), ("V5", "MLII")), find_lead(("I", "1"), ("V5", "MLII")), find_lead(("I",), ("V5", "MLII"))
    (1, 1, None)
    """
    plain = [plain_lead(channel) for channel in channels]
    loose = [name.removeprefix("ML") if _ECG_LEAD.fullmatch(name) else name for name in plain]
    for name in names:
        key = plain_lead(name)
        for spellings, wanted in ((plain, key), (loose, key.removeprefix("ML") if _ECG_LEAD.fullmatch(key) else key)):
            hits = [i for i, spelling in enumerate(spellings) if spelling == wanted]
            if len(hits) > 1:
                raise InputError(
                    f"{len(hits)} channels answer to {name!r} "
                    f"({', '.join(visible(channels[hit], 40) for hit in hits[:8])}); "
                    f"name the one meant by its index, --lead {first + hits[0]} or --lead {first + hits[1]}"
                )
            if hits:
                return hits[0]
        if name.strip().isdecimal() and 0 <= int(name) - first < len(channels):
            return int(name) - first
    return None


def is_unspecific(channel: str, names: Sequence[str]) -> bool:
    """Tell whether a lone channel may stand for a lead although its name does not say which lead it is.

    An "ECG" channel may stand for lead II and not for Fpz-Cz, an "EEG" channel the other way round.

    >>> is_unspecific("ECG", ("I", "II")), is_unspecific("EEG", ("I", "II")), is_unspecific("V5", ("I", "II"))
    (True, False, False)
    """
    plain = plain_lead(channel)
    wants_ecg = any(_ECG_LEAD.fullmatch(plain_lead(name)) or plain_lead(name) in {"ECG", "EKG"} for name in names)
    if plain in {"ECG", "EKG", "EEG"}:
        return wants_ecg == (plain != "EEG")
    return plain in _UNSPECIFIC
