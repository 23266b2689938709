"""Channel names that say where an electrode sits, and nothing else."""

import re
from typing import Final, Literal

from auricle.signals.units import plain_lead

_ECG: Final = {name.upper(): name for name in ("I", "II", "III", "aVR", "aVL", "aVF", "MLI", "MLII", "MLIII", "ECG")}
_CHEST = re.compile(r"V[1-9]R?")
# The 10-10 system, the older names of its temporal electrodes, mastoids and ears, and the places of an EOG.
_ELECTRODE = re.compile(r"(FP|AF|F|FC|FT|C|CP|T|TP|P|PO|O|I)(10|[1-9]|Z)|[AME][12]|LOC|ROC")
_OTHERS: Final = {
    **dict.fromkeys(("EKG",), "ECG"),
    **{name: name for name in ("EEG", "EOG", "EMG")},
    **{f"EOG {place}".upper(): f"EOG {place}" for place in ("horizontal", "vertical", "left", "right")},
    **{f"EMG {place}".upper(): f"EMG {place}" for place in ("chin", "submental")},
}

Kind = Literal["ECG", "EEG", "other"]


def lead_name(channel: str) -> str | None:
    """Give a channel's name in its usual spelling, or None if it says more or less than a place on the body.

    A channel may be called anything in a file, a person's name included; what this gives is from a short list.

    >>> lead_name("ecg_MLII"), lead_name("EEG Fpz-Cz"), lead_name("c3-m2"), lead_name("Jane Doe 1970")
    ('MLII', 'EEG Fpz-Cz', 'EEG C3-M2', None)
    """
    spoken = " ".join(re.findall(r"[A-Z0-9]+", channel.upper()))
    if spoken in _OTHERS:
        return _OTHERS[spoken]
    plain = plain_lead(channel)
    if plain in _ECG:
        return _ECG[plain]
    if _CHEST.fullmatch(plain):
        return plain
    kind, _, rest = spoken.partition(" ")
    places = (rest if kind in {"EEG", "EOG"} else spoken).split(" ")
    if len(places) > 2 or not all(_ELECTRODE.fullmatch(place) for place in places):
        return None
    prefix = "EOG" if kind == "EOG" or places[0] in {"E1", "E2", "LOC", "ROC"} else "EEG"
    return f"{prefix} {'-'.join(place if place in {'LOC', 'ROC'} else place.capitalize() for place in places)}"


def kind_of_lead(name: str) -> Kind:
    """Tell what a name that `lead_name` gave is a lead of.

    >>> kind_of_lead("MLII"), kind_of_lead("EEG Fpz-Cz"), kind_of_lead("EOG horizontal")
    ('ECG', 'EEG', 'other')
    """
    if name.startswith("EEG"):
        return "EEG"
    return "other" if name.startswith(("EOG", "EMG")) else "ECG"
