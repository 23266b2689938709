"""One self-contained HTML file about findings, for a person to read."""

import base64
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

from auricle.conformal import STATES
from auricle.counted import counted
from auricle.errors import InputError
from auricle.figure import draw, named, png, title_of, when
from auricle.finding import MEANING, SCHEMA, Finding, urgency
from auricle.report.markdown import to_html
from auricle.report.timeline import timeline
from auricle.signals import Recording
from auricle.signals.readers.files import appearing
from auricle.signals.visible import visible

__all__ = ["write_report"]

MOST_TIMELINES: Final = 12
MOST_ROWS: Final = 200
# Told apart without colour, too.
MARKS: Final = {
    "confident": "\N{BLACK CIRCLE}",
    "uncertain": "\N{CIRCLE WITH LEFT HALF BLACK}",
    "unfamiliar": "\N{WHITE CIRCLE}",
    "uncalibrated": "\N{MULTIPLICATION SIGN}",
}

Entry = tuple[Recording, Finding]


def write_report(
    path: str | os.PathLike[str],
    entries: Iterable[Entry],
    *,
    title: str = "Findings",
    names: Mapping[str, str] | None = None,
    card: str = "",
    most: int = 40,
    explain: Callable[[Recording, Finding], Finding] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a report that opens without a network; it holds no script and loads nothing.

    One finding gives a page, three thousand an overview: shares of the states, a timeline for each recording with
    several windows, a table, and figures of the windows that need a person's eyes.

    Parameters
    ----------
    path
        An .html file. It is whole or absent.
    entries
        Recordings and the findings about them. A recording is read for its figures only.
    title
        Of the page.
    names
        A name in words per label.
    card
        The card of the specialist, in Markdown: headings, lists, tables, `**bold**` and backquotes are understood.
    most
        Largest number of figures. Beyond it only windows that need eyes are drawn: unfamiliar ones first, then
        uncertain, uncalibrated and doubtful signals.
    explain
        Gives a finding its evidence, if it was made without and is to be drawn.
    progress
        Called with the number of figures drawn and to be drawn.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        There is no finding, the file can't be written, or a finding is not about the recording beside it.
    """
    target = Path(path)
    if target.suffix.lower() not in {".html", ".htm"}:
        raise InputError(f"a report can't be written to {target.name!r}; the name must end in .html")
    if most < 1:
        raise InputError(f"most={most} was given; at least one figure is drawn")
    found = list(entries)
    if not found:
        raise InputError("there is no finding to report; judge at least one window first")
    words = dict(names or {})
    chosen = first_to_see([finding for _, finding in found], most)
    if explain:
        for i in chosen:
            recording, finding = found[i]
            if finding.evidence is None:
                found[i] = (recording, explain(recording, finding))
    with appearing(target) as draft, draft.open("w", encoding="utf-8") as file:
        # Written piece by piece: the pictures of a long record need not be in memory together.
        file.write(_opening(title, found))
        file.write(_at_a_glance(found))
        file.write(_timelines(found))
        file.write(_table(found, chosen, words))
        file.write(f"<h2>{'The window' if len(found) == 1 else 'Windows'}</h2>\n{_selection(found, chosen)}")
        for done, i in enumerate(chosen):
            file.write(_article(i, *found[i], words))
            if progress:
                progress(done + 1, len(chosen))
        file.write(_promise([finding for _, finding in found], words))
        if card:
            file.write(f"<h2>The specialist</h2>\n<details><summary>Its card</summary>\n{to_html(card)}</details>\n")
        file.write(
            f"<footer>Written by auricle. Findings in this report follow the JSON schema <code>{SCHEMA}</code>. "
            "This file holds no script and loads nothing.</footer>\n</body>\n</html>\n"
        )
    return target


def first_to_see(findings: Sequence[Finding], most: int) -> list[int]:
    """Give the numbers of the findings to draw, in their order: those that need a person's eyes most.

    Parameters
    ----------
    findings
        Any.
    most
        How many are drawn at most. If none needs a person's eyes, the first three are.
    """
    if len(findings) <= most:
        return list(range(len(findings)))
    eyes = [i for i, finding in enumerate(findings) if finding.needs_eyes]
    return sorted(sorted(eyes, key=lambda i: urgency(findings[i]))[:most]) or list(range(min(most, 3)))


def _opening(title: str, found: Sequence[Entry]) -> str:
    findings = [finding for _, finding in found]
    made_by = "; ".join(sorted({str(f.specialist) for f in findings}))
    alphas = ", ".join(f"{alpha:g}" for alpha in sorted({f.alpha for f in findings}))
    recordings = len({f.recording for f in findings})
    uses = sorted({f.intended_use for f in findings})
    simulated = sum(f.simulated for f in findings)
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_resource('style.css')}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n"
        f'<p class="soft">{counted(recordings, "recording")}, {counted(len(found), "window")}, '
        f"judged at alpha {alphas} by the specialist {escape(made_by)}</p>\n"
    )
    if simulated:
        which = "Every recording" if simulated == len(found) else f"{counted(simulated, 'window')} of {len(found)}"
        head += (
            f'<p class="note simulated"><strong>{which} in this report is simulated.</strong> '
            "It was made by a computer; nobody was recorded.</p>\n"
        )
    return head + "".join(f'<p class="note">{escape(use)}</p>\n' for use in uses if use)


def _at_a_glance(found: Sequence[Entry]) -> str:
    states = Counter(finding.state for _, finding in found)
    doubtful = sum(bool(finding.quality) for _, finding in found)
    shown = [(state, states[state]) for state in STATES if states[state]]
    bar = "".join(f'<span class="{state}" style="flex:{n}"></span>' for state, n in shown)
    items = "".join(
        f'<li><span class="badge {state}">{MARKS[state]} {state}</span> {n} of {len(found)}: {MEANING[state]}</li>\n'
        for state, n in shown
    )
    quality = f"<p>In {counted(doubtful, 'window')} the signal itself is doubtful; it was judged all the same.</p>\n"
    label = ", ".join(f"{n} {state}" for state, n in shown)
    return (
        f'<h2>At a glance</h2>\n<div class="shares" role="img" aria-label="{label}">{bar}</div>\n'
        f'<ul class="plain">\n{items}</ul>\n{quality if doubtful else ""}'
    )


def _timelines(found: Sequence[Entry]) -> str:
    groups: dict[str, list[Finding]] = {}
    for _, finding in found:
        groups.setdefault(finding.recording, []).append(finding)
    several = {name: group for name, group in groups.items() if len(group) > 1}
    if not several:
        return ""
    text = (
        "<h2>Over time</h2>\n<p>Each row shows when a label stood in the set: dark where it stood there alone, "
        "pale where others stood beside it. The top row shows the state.</p>\n"
    )
    for name, group in list(several.items())[:MOST_TIMELINES]:
        text += f"<h3>{escape(visible(name))}</h3>\n{timeline(group)}"
    if len(several) > MOST_TIMELINES:
        text += f"<p>{MOST_TIMELINES} of {len(several)} recordings with several windows are shown here.</p>\n"
    return text


def _table(found: Sequence[Entry], chosen: Sequence[int], names: Mapping[str, str]) -> str:
    if len(found) == 1:
        return ""
    numbers = list(range(len(found)))
    left = ""
    if len(found) > MOST_ROWS:
        eyes = sum(finding.needs_eyes for _, finding in found)
        numbers = sorted({*first_to_see([finding for _, finding in found], MOST_ROWS), *chosen})
        which = f"the {len(numbers)} that need them most are" if eyes > len(numbers) else f"{len(numbers)} are"
        left = (
            f"<p>{eyes} of {len(found)} windows need a person's eyes (not confident, or a doubtful signal); {which} "
            "listed. All of them stand in the JSON output.</p>\n"
        )
    rows = "".join(_row(i, found[i][1], names, drawn=i in {*chosen}) for i in numbers)
    head = "".join(
        f"<th>{name}</th>"
        for name in ("Recording", "Window", "Set", "State", "Highest score", "Highest p-values", "Signal")
    )
    table = f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n'
    if len(numbers) > 50:
        table = f"<details><summary>{len(numbers)} windows</summary>\n{table}</details>\n"
    return f"<h2>Table</h2>\n{left}{table}"


def _row(i: int, f: Finding, names: Mapping[str, str], *, drawn: bool) -> str:
    name = escape(visible(f.recording))
    by_p = sorted(((p, label) for label, p in f.p_values.items() if p is not None), key=lambda pair: -pair[0])
    cells = (
        (f'<a href="#w{i}">{name}</a>' if drawn else name)
        + (' <span class="badge simulated">simulated</span>' if f.simulated else ""),
        when(f.window),
        ", ".join(escape(named(label, names)) for label in f.set) or "none",
        f'<span class="{f.state}">{MARKS[f.state]} {f.state}</span>',
        escape(f.top) + (", not in the set" if f.top_outside else ""),
        ", ".join(f"{escape(label)} {p:.2g}" for p, label in by_p[:2]),
        escape(", ".join(sorted({flag.kind for flag in f.quality})) or "nothing found wrong"),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


def _selection(found: Sequence[Entry], chosen: Sequence[int]) -> str:
    if len(chosen) == len(found):
        return ""
    eyes = sum(finding.needs_eyes for _, finding in found)
    if not eyes:
        return (
            f"<p>All {len(found)} windows are confident on a sound signal. The first {len(chosen)} are drawn, to show "
            "what they look like.</p>\n"
        )
    rest = "" if len(chosen) == eyes else ", the unfamiliar ones first, then the uncertain"
    return (
        f"<p>{len(chosen)} of the {eyes} windows that need a person's eyes are drawn{rest}. The other "
        f"{len(found) - len(chosen)} windows of this report are not drawn; they stand in the JSON output.</p>\n"
    )


def _article(i: int, recording: Recording, f: Finding, names: Mapping[str, str]) -> str:
    picture = base64.b64encode(png(draw(recording, f, names=names))).decode("ascii")
    spoken = "; ".join(f"{named(label, names)}: {_segments(f, label) or 'none'}" for label in f.segments)
    alt = f"{title_of(f, names)}. The signal with its evidence. Segments that speak for a label: {spoken}."
    rows = "".join(_label_row(f, label, names) for label in sorted(f.labels, key=lambda k: -f.scores[k]))
    flags = "".join(
        f"<li>{escape(flag.kind)}, {flag.start:.1f} to {flag.stop:.1f} s. {escape(flag.text)}</li>\n"
        for flag in f.quality
    )
    doubt = f"<p>The signal is doubtful:</p>\n<ul>\n{flags}</ul>\n" if flags else ""
    read = "".join(f"<li>{escape(visible(note))}</li>\n" for note in f.notes)
    doubt += f"<p>When the file was read:</p>\n<ul>\n{read}</ul>\n" if read else ""
    simulated = '<span class="badge simulated">simulated</span>' if f.simulated else ""
    return (
        f'<article id="w{i}">\n<header><h3>{escape(visible(f.recording))}, {when(f.window)}</h3>'
        f'<span class="badge {f.state}">{MARKS[f.state]} {f.state}</span>{simulated}</header>\n'
        f"<p>{escape(title_of(f, names))}.</p>\n{doubt}"
        f'<figure><img loading="lazy" alt="{escape(alt)}" src="data:image/png;base64,{picture}"></figure>\n'
        '<div class="scroll"><table>\n<thead><tr><th>Label</th><th>Place</th><th class="number">p-value</th>'
        '<th class="number">Score</th><th>Speaks for it most</th></tr></thead>\n'
        f"<tbody>\n{rows}</tbody></table></div>\n</article>\n"
    )


def _label_row(f: Finding, label: str, names: Mapping[str, str]) -> str:
    p = f.p_values[label]
    place = "in the set" if label in f.set else "ruled out"
    if label in f.uncovered:
        place = "in every set: too few calibration samples"
    elif label in f.left_out:
        place = "left out of all sets"
    return (
        f"<tr><td>{escape(named(label, names))}</td><td>{place}</td>"
        f'<td class="number">{"none" if p is None else f"{p:.3g}"}</td>'
        f'<td class="number">{f.scores[label]:.2f}</td><td>{_segments(f, label)}</td></tr>\n'
    )


def _segments(f: Finding, label: str) -> str:
    return ", ".join(f"{s.start:.1f} to {s.stop:.1f} s" for s in f.segments.get(label, ()))


def _promise(findings: Sequence[Finding], names: Mapping[str, str]) -> str:
    exceptions = ""
    for what, why in (
        ("uncovered", "too few calibration samples, so it stands in every set"),
        ("left_out", "left out, so it never stands in a set"),
    ):
        if labels := sorted({label for f in findings for label in getattr(f, what)}):
            listed = escape(", ".join(named(label, names) for label in labels))
            exceptions += f"<li>Anything about {listed}: {why}.</li>\n"
    return Template(_resource("promise.html")).substitute(
        share=" or ".join(f"{alpha:.3g}" for alpha in sorted({f.alpha for f in findings})),
        exceptions=exceptions,
        states="".join(f"<li><strong>{state}</strong>: {meaning}.</li>\n" for state, meaning in MEANING.items()),
    )


def _resource(name: str) -> str:
    return (resources.files("auricle.report") / name).read_text(encoding="utf-8")
