"""One printed page about an attempt to adapt: what was decided and why, before and after, what it cost."""

from collections.abc import Callable
from html import escape
from importlib import resources
from typing import Final

from auricle.adaptation.checks import Check
from auricle.adaptation.checks.measured import Measured
from auricle.adaptation.impact.impact import Impact
from auricle.adaptation.impact.wording import LIMITS, MARKS, PLACES, changed, cost, gain, promise, stretches
from auricle.signals.visible import visible

MOST_SENTENCES: Final = 12

Pick = Callable[[Measured], float | None]


def page(impact: Impact) -> str:
    """Write the page as one HTML text, which holds no script and loads nothing.

    Whatever a file or a person wrote (ids, labels, notes, the plan's summary) is shown and not obeyed.
    """
    verdict = "accepted" if impact.decision.accepted else "refused"
    simulated = (
        '<p class="note simulated"><strong>The recording is simulated.</strong> It was made by a computer; nobody was '
        "recorded.</p>\n"
        if impact.data.simulated
        else ""
    )
    reasons = "".join(f"<li>{_safe(reason, 600)}</li>\n" for reason in (*impact.decision.reasons, *gain(impact)))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Adaptation {impact.attempt}: {verdict}</title>\n<style>\n{_css()}</style>\n</head>\n<body>\n"
        f'<h1>Adaptation {impact.attempt} <span class="badge {verdict}">{verdict}</span></h1>\n'
        f'<p class="soft">{_opening(impact)}</p>\n{simulated}'
        f'<p class="note">{_safe(impact.intended_use)}</p>\n'
        f"<h2>Why it was {verdict}</h2>\n<ul>\n{reasons}</ul>\n"
        f"{_before_and_after(impact)}{_checks(impact.checks)}{_words(impact)}{_notes(impact.notes)}"
        f"<footer>Record <code>{impact.schema_}</code>; base <code>{impact.base.hash[:16]}</code>; plan "
        f"<code>{impact.plan_sha256[:16]}</code>; labels <code>{impact.data.labels_sha256[:16]}</code>. Written by "
        "auricle, research software and not a medical device. This file holds no script and loads nothing.</footer>\n"
        "</body>\n</html>\n"
    )


def _safe(text: str, most: int = 200) -> str:
    return escape(visible(text, most))


def _css() -> str:
    root = resources.files("auricle")
    return "".join((root / place / name).read_text(encoding="utf-8") for place, name in
                   (("report", "style.css"), ("adaptation/impact", "page.css")))  # fmt: skip


def _opening(impact: Impact) -> str:
    who = f"Subject {_safe(impact.subject)}, recording" if impact.subject else "Recording"
    base = " ".join(filter(None, (impact.base.name, impact.base.version)))
    parent = f", from version {_safe(impact.parent)}" if impact.parent else ""
    return (
        f"{who} {_safe(impact.data.recording)}, specialist {_safe(base)}{parent}, "
        f"{impact.created.strftime('%Y-%m-%d %H:%M %Z')}"
    )


def _rows(measured: Measured) -> list[tuple[str, Pick]]:
    """Names and numbers of the table of before and after, for the classes that there are."""

    def sensitivity(label: str) -> Pick:
        return lambda m: m.sensitivity.get(label)

    return [
        ("Macro F1", lambda m: m.macro_f1),
        ("Windows judged right", lambda m: m.right),
        *((f"Sensitivity of {label}", sensitivity(label)) for label in measured.sensitivity),
    ]


def _before_and_after(impact: Impact) -> str:
    places = [place for place in PLACES if place in impact.before and place in impact.after]
    if not places:
        return "<h2>Before and after</h2>\n<p>The attempt ended before anything was measured.</p>\n"
    pairs = [(impact.before[place], impact.after[place]) for place in places]
    picks = {name: pick for pair in pairs for side in pair for name, pick in _rows(side)}
    rows = ""
    for name, pick in picks.items():
        values = [(pick(old), pick(new)) for old, new in pairs]
        if all(old is None and new is None for old, new in values):
            continue
        cells = "".join(_cells(old, new) for old, new in values)
        rows += f"<tr><td>{_safe(name)}</td>{cells}</tr>\n"
    top = "".join(f'<th colspan="3" class="number">{PLACES[p]} ({impact.after[p].n} windows)</th>' for p in places)
    head = "".join(f'<th class="number">{name}</th>' for _ in places for name in ("before", "after", "change"))
    sets = "".join(_sets(PLACES[place], *pair) for place, pair in zip(places, pairs, strict=True))
    return (
        "<h2>Before and after</h2>\n"
        f'<div class="scroll"><table>\n<thead><tr><th></th>{top}</tr>\n<tr><th></th>{head}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody></table></div>\n{sets}"
    )


def _sets(place: str, old: Measured, new: Measured) -> str:
    """Coverage by class and size of the sets, a row for each alpha, both times in a cell."""
    labels = [label for label in new.sensitivity if any(c.get(label) is not None for c in new.coverage.values())]
    if not labels:
        return ""
    rows = ""
    for alpha, coverage in new.coverage.items():
        earlier = old.coverage.get(alpha, {})
        cells = [(earlier.get(label), coverage.get(label)) for label in labels]
        cells.append((old.mean_size.get(alpha), new.mean_size.get(alpha)))
        shown = "".join(f'<td class="number">{_number(a) or "-"} &rarr; {_number(b) or "-"}</td>' for a, b in cells)
        rows += f"<tr><td>alpha {_safe(alpha)}</td>{shown}</tr>\n"
    head = "".join(f'<th class="number">covers {_safe(label)}</th>' for label in labels)
    return (
        f'<h2>Prediction sets: {place}</h2>\n<div class="scroll"><table>\n<thead><tr><th></th>{head}'
        f'<th class="number">labels in a set</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n'
    )


def _cells(old: float | None, new: float | None) -> str:
    change = "" if old is None or new is None else f"{new - old:+.3f}"
    return "".join(f'<td class="number">{text}</td>' for text in (_number(old), _number(new), change))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _checks(checks: tuple[Check, ...]) -> str:
    text = "<h2>Checks of the plan</h2>\n"
    for verdict, (kind, words) in MARKS.items():
        found = [check for check in checks if check.passed is verdict]
        if not found:
            continue
        shown = found if verdict is not None else found[:MOST_SENTENCES]
        items = "".join(f"<li>{_safe(check.text, 400) if verdict is None else _line(check)}</li>\n" for check in shown)
        if len(shown) < len(found):
            items += f"<li>{len(found) - len(shown)} more stand in the JSON record.</li>\n"
        text += f'<p><strong class="{kind}">{words}: {len(found)}</strong></p>\n<ul class="two">\n{items}</ul>\n'
    return text if checks else f"{text}<p>No check was made.</p>\n"


def _line(check: Check) -> str:
    within = "" if check.low is None or check.high is None else f" ({check.low:.3f} to {check.high:.3f})"
    limit = "" if check.limit is None else f"; {LIMITS[check.kind]} {_short(check.limit)}"
    return f"{_safe(check.name)}: {_short(check.value)}{within}{limit}"


def _short(value: float | None) -> str:
    return "no number" if value is None else f"{value:.0f}" if value == int(value) else f"{value:.3f}"


def _words(impact: Impact) -> str:
    return '<div class="columns">\n' + "".join(
        f"<div><h2>{title}</h2>\n" + "".join(f"<p>{_safe(line, 800)}</p>\n" for line in lines) + "</div>\n"
        for title, lines in (
            ("What changed", [impact.plan.description.summary, changed(impact)]),
            ("What it was learned from", stretches(impact)),
            ("What it cost", [cost(impact)]),
            ("What the sets promise", promise(impact)),
        )
    ) + "</div>\n"  # fmt: skip


def _notes(notes: tuple[str, ...]) -> str:
    return f"<h2>Notes</h2>\n<ul>\n{''.join(f'<li>{_safe(n, 400)}</li>' for n in notes)}\n</ul>\n" if notes else ""
