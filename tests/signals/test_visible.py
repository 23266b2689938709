"""A text from outside becomes one line that a terminal shows and does not obey."""

from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.signals.visible import visible


@settings(max_examples=60)
@given(st.text(st.characters(), max_size=50), st.integers(3, 60))
def test_any_text_becomes_one_printable_line(text, most):
    shown = visible(text, most)
    assert shown.isascii() or all(c.isprintable() or c.isspace() for c in shown)
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    if text.isprintable() and len(text) <= most:
        assert shown == text


def test_names_of_other_languages_stay_and_halves_of_characters_do_not():
    assert visible("\u5fc3\u7535\u56fe\u3000\xfcn\xef") == "\u5fc3\u7535\u56fe\u3000\xfcn\xef"
    assert visible("caf\udce9 \u202egpj.exe\x07") == "caf\\udce9 \\u202egpj.exe\\x07"
    assert visible("x" * 1000, 21) == "x" * 10 + "\u2026" + "x" * 10
