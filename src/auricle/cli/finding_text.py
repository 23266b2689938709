"""A finding as a person reads it in a terminal."""

from typing import TYPE_CHECKING

from auricle.cli.terminal import plain

if TYPE_CHECKING:
    from auricle.finding import Finding


def finding_text(finding: "Finding") -> str:
    """Give the set and its state, a row for each label with what speaks for it, and what is wrong with the signal.

    Labels, notes and ids are from files: what a terminal would obey is shown as an escape.
    """
    rows = [str(finding) + (" (simulated)" if finding.simulated else "")]
    for label in finding.labels:
        p = finding.p_values[label]
        segments = ", ".join(f"{s.start:.1f} to {s.stop:.1f} s" for s in finding.segments.get(label, ()))
        mark = "?" if label in finding.uncovered else "*" if label in finding.set else " "
        spoken = f"  speaks for it: {segments}" if segments else ""
        rows.append(
            f"  {mark} {label:<5} p {'  -  ' if p is None else f'{p:.3f}'}  score {finding.scores[label]:6.2f}{spoken}"
        )
    if finding.top_outside:
        rows.append(f"  ! {finding.top} has the highest score and is not in the set: a person should look")
    if finding.uncovered:
        rows.append(f"  ? uncovered, in every set without a promise: {', '.join(finding.uncovered)}")
    if finding.left_out:
        rows.append(f"  left out of the sets, nothing is promised: {', '.join(finding.left_out)}")
    rows += [f"  signal: {note.kind} {note.start:.1f} to {note.stop:.1f} s: {note.text}" for note in finding.quality]
    rows += [f"  reading: {note}" for note in finding.notes]
    return "\n".join(map(plain, rows))
