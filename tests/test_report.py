"""Reports: complete, safe whatever a recording is called, small, and whole or absent."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from auricle.errors import InputError
from auricle.figure import clock
from auricle.finding import Finding, QualityNote, Segment, SpecialistName, WindowSpan
from auricle.report import write_report
from auricle.report.markdown import to_html
from auricle.report.timeline import timeline
from auricle.signals import Recording
from auricle.signals.simulate import sinus

LABELS = ("N", "A", "~")
ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
P = {
    "confident": {"N": 0.5, "A": 0.01, "~": 0.01},
    "uncertain": {"N": 0.5, "A": 0.2, "~": 0.01},
    "unfamiliar": {"N": 0.03, "A": 0.02, "~": 0.01},
}


def finding(recording, state="confident", *, index=0, length=10.0, **changes):
    start = index * length
    inside = tuple(label for label in LABELS if P[state][label] > 0.1)
    return Finding(
        **{
            "specialist": SpecialistName(name="af", version="1", hash="0123456789abcdef"),
            "recording": recording.id,
            "window": WindowSpan(index=index, start=start, stop=start + length),
            "alpha": 0.1,
            "labels": LABELS,
            "set": inside,
            "state": state,
            "top": "N",
            "scores": {"N": 2.0, "A": 0.5, "~": -1.0},
            "p_values": P[state],
            "segments": {label: (Segment(start=start + 1, stop=start + 2, evidence=1),) for label in inside},
            "simulated": recording.simulated,
        }
        | changes
    )


class Page(HTMLParser):
    """Collects tags, attributes and text; complains about tags that don't close."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], "", []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, _attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def all(self, name):
        return [value for _, attribute, value in self.attributes if attribute == name]


def written(tmp_path, entries, **options):
    path = write_report(tmp_path / "report.html", entries, **options)
    text = path.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    return text, Page(text)


def recording(duration=10.0, id="r1", fs=100):  # noqa: A002
    return Recording.from_array(np.zeros((1, round(duration * fs))), fs, channels=("I",), units="mV", id=id)


def test_one_finding_says_everything(tmp_path):
    simulated = sinus(10, seed=1)
    note = QualityNote(kind="flat line", start=1, stop=2.5, text="constant at 0.2 mV")
    entry = (simulated, finding(simulated, "uncertain", quality=(note,)))
    names = {"N": "normal rhythm", "A": "atrial fibrillation"}
    text, page = written(tmp_path, [entry], names=names, card="# The card of af\n", title="A title")
    for part in (
        "A title",
        "1 recording, 1 window, judged at alpha 0.1 by the specialist af 1 0123456789ab",
        "Every recording in this report is simulated.",
        "Not a medical device",
        "1 of 1: two or more labels can't be ruled out",
        "Uncertain: N (normal rhythm) and A (atrial fibrillation) can't be ruled out (alpha 0.1).",
        "flat line, 1.0 to 2.5 s. constant at 0.2 mV",
        "at most a share of\n0.1 (alpha) miss that label",
        "Not promised.",
        "How often a set of one label is right.",
        "The card of af",
        "1.0 to 2.0 s",
        "auricle.finding/1",
    ):
        assert part in page.text
    (alt,) = page.all("alt")
    assert "Segments that speak for a label: N (normal rhythm): 1.0 to 2.0 s; A (atrial fibrillation)" in alt
    assert len(text) < 250_000


def test_nothing_is_loaded_and_nothing_runs(tmp_path):
    r = recording()
    text, page = written(tmp_path, [(r, finding(r)), (r, finding(r))], card="see [x](https://example.com)")
    assert all(src.startswith("data:image/png;base64,") for src in page.all("src"))
    assert all(href.startswith("#") for href in page.all("href"))
    assert not {"script", "link", "iframe", "object", "form"} & {*page.tags}
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert 'lang="en"' in text


def test_what_was_assumed_while_reading_is_said(tmp_path):
    r = recording()
    notes = ("the file ends early: 1 of 2 data records are there", "<b>200 steps per mV were assumed")
    _, page = written(tmp_path, [(r, finding(r, "confident", notes=notes))])
    assert "When the file was read:" in page.text
    assert all(note in page.text for note in notes)


def test_no_control_character_of_a_name_reaches_the_page(tmp_path):
    r = recording(20, id="a\x00\x1b[2J\u202eb")
    entries = [(r, finding(r, "confident", index=i, length=10.0)) for i in range(2)]
    text, page = written(tmp_path, entries)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert page.text.count("a\\x00\\x1b[2J\\u202eb") >= 5


@pytest.mark.parametrize("several", [False, True])
def test_a_recording_may_be_called_anything(tmp_path, several):
    labels = (ATTACK, "A")
    r = recording(20, id=ATTACK)
    evil = {
        "specialist": SpecialistName(name=ATTACK, version=ATTACK, hash=ATTACK),
        "labels": labels,
        "set": labels,
        "state": "uncertain",
        "top": ATTACK,
        "scores": {ATTACK: 1.0, "A": 0.0},
        "p_values": {ATTACK: 0.5, "A": None},
        "uncovered": ("A",),
        "segments": {ATTACK: (Segment(start=1, stop=2, evidence=1),)},
        "quality": (QualityNote(kind=ATTACK, start=0, stop=1, text=ATTACK),),
        "intended_use": ATTACK,
    }
    entries = [(r, finding(r, **evil))]
    if several:
        entries.append((r, finding(r, index=1, **(evil | {"segments": {}}))))
    _, page = written(tmp_path, entries, names={ATTACK: ATTACK, "A": ATTACK}, card=f"# {ATTACK}\n", title=ATTACK)
    assert "script" not in page.tags
    assert page.tags.count("img") == len(entries)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert ATTACK in page.text


def test_a_day_is_an_overview_first_and_few_figures(tmp_path):
    day = recording(3000 * 30.0, id="day", fs=50)
    states = np.full(3000, "confident", object)
    states[100:400] = "uncertain"
    states[2000:2003] = "unfamiliar"
    findings = [finding(day, states[i], index=i, length=30.0) for i in range(3000)]
    flat = QualityNote(kind="flat line", start=10 * 30.0, stop=10 * 30.0 + 5)
    findings[10] = finding(day, "confident", index=10, length=30.0, quality=(flat,))
    seen = []
    text, page = written(
        tmp_path, [(day, f) for f in findings], most=4, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert page.tags.count("img") == 4
    for part in (
        "2697 of 3000: one label",
        "300 of 3000: two or more",
        "3 of 3000: every label that can be judged is ruled out",
        "304 of 3000 windows need a person's eyes",
        "4 of the 304 windows that need a person's eyes are drawn, the unfamiliar ones first",
        "In 1 window the signal itself is doubtful",
        "Over time",
    ):
        assert part in page.text
    drawn = [int(i[1:]) for i in page.all("id")]
    assert drawn == [100, 2000, 2001, 2002]
    assert {href[1:] for href in page.all("href")} == {*page.all("id")}
    assert len(text) < 600_000


def test_many_sound_windows_show_a_few_and_say_so(tmp_path):
    r = recording(60)
    _, page = written(tmp_path, [(r, finding(r, index=i)) for i in range(6)], most=4)
    assert "All 6 windows are confident on a sound signal. The first 3 are drawn" in page.text
    assert page.tags.count("img") == 3


def test_some_simulated_recordings_are_counted(tmp_path):
    real, made = recording(), sinus(10, seed=1)
    _, page = written(tmp_path, [(real, finding(real)), (made, finding(made))])
    assert "1 window of 2 in this report is simulated." in page.text


def test_what_has_no_promise_is_named(tmp_path):
    r = recording()
    changes = {"uncovered": ("A",), "left_out": ("~",), "p_values": {"N": 0.5, "A": 0.5, "~": None}}
    _, page = written(tmp_path, [(r, finding(r, "uncertain", **changes))])
    assert "Anything about A: too few calibration samples, so it stands in every set." in page.text
    assert "Anything about ~: left out, so it never stands in a set." in page.text


@pytest.mark.parametrize(
    ("path", "entries", "options", "message"),
    [
        ("r.html", [], {}, "there is no finding to report; judge at least one window first"),
        ("r.pdf", [1], {}, "can't be written to 'r.pdf'; the name must end in .html"),
        ("r.html", [1], {"most": 0}, "most=0 was given; at least one figure is drawn"),
        ("no/where/r.html", [1], {}, "can't be written: No such file or directory"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(tmp_path, path, entries, options, message):
    r = recording()
    with pytest.raises(InputError, match=message):
        write_report(tmp_path / path, [(r, finding(r))] * len(entries), **options)
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_fails_leaves_the_old_one(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    other = recording(id="other")
    with pytest.raises(InputError, match="is about recording 'r1', but 'other' was given"):
        write_report(path, [(recording(), finding(recording())), (other, finding(recording()))])
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_stopped_report_leaves_nothing(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path / "report.html", [(recording(), finding(recording()))], progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_timeline_joins_neighbours_and_keeps_gaps():
    r = recording(100)
    findings = [finding(r, "confident", index=i) for i in (0, 1, 2, 5)]
    findings.append(finding(r, "unfamiliar", index=6))
    bars = re.findall(r'<rect x="([\d.]+)" y="0" width="([\d.]+)".*?class="(\w+)"', timeline(findings))
    assert [state for *_, state in bars] == ["confident", "confident", "unfamiliar"]
    wide = [float(w) for _, w, _ in bars]
    assert wide[0] == pytest.approx(3 * wide[1], abs=0.2)
    assert float(bars[1][0]) - float(bars[0][0]) == pytest.approx(5 * wide[1], abs=0.3)


def test_overlapping_windows_do_not_overlap_on_the_timeline():
    r = recording(100)
    last = finding(r, "uncertain", window=WindowSpan(index=1, start=5.0, stop=15.0), segments={})
    bars = re.findall(r'<rect x="([\d.]+)" y="0" width="([\d.]+)"', timeline([finding(r), last]))
    (first, wide), (second, _) = [tuple(map(float, bar)) for bar in bars]
    assert second == pytest.approx(first + wide, abs=0.2)


def test_a_card_becomes_html_and_no_tag_survives():
    html = to_html("# T\n\nText **bold**\nmore `x<y`.\n\n| a | b |\n|---|---:|\n| 1 | <b> |\n\n- one\n- two\n")
    assert html.startswith("<h3>T</h3>\n<p>Text <strong>bold</strong> more <code>x&lt;y</code>.</p>\n")
    assert "<th>a</th><th>b</th>" in html
    assert "<td>1</td><td>&lt;b&gt;</td>" in html
    assert html.endswith("<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n")
    Page(html)


def test_clock_rolls_over():
    assert [clock(t) for t in (0, 59.94, 59.96, 3599.6, 3600)] == ["0 s", "59.9 s", "1:00", "1:00:00", "1:00:00"]
