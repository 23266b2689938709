"""Recipes: errors a person can act on, and a recipe followed, stopped, taken up again and followed to the same bits."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from auricle import Specialist
from auricle.errors import FormatError, InputError, SpecialistError
from auricle.recipe import Recipe, follow, parts_of
from auricle.signals.archives import PARTS, Split, open_archive

RECIPES = Path(__file__).parents[1] / "recipes"


@pytest.fixture
def recipe(made, tmp_path):
    """A copy of the tiny recipe and its split in a folder of its own."""
    for name in ("tiny.toml", "tiny.split.json"):
        shutil.copy(made.recipe.with_name(name), tmp_path)
    return tmp_path / "tiny.toml"


def change(path: Path, found: str, put: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert found in text
    path.write_text(text.replace(found, put, 1), encoding="utf-8")
    return path


# ---- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda p: p.name)
def test_the_shipped_recipes_parse(path):
    recipe = Recipe.read(path)
    estimator = recipe.estimator()
    assert estimator.labels == [label.label for label in recipe.labels]
    assert set(recipe.scored) <= {label.label for label in recipe.labels}
    assert recipe.intended_use
    assert recipe.not_for
    assert sum(recipe.data.shares) == pytest.approx(1)


def test_the_split_of_the_af_recipe_has_the_drawn_shares():
    recipe = Recipe.read(RECIPES / "af.toml")
    split = Split.load(RECIPES / recipe.data.split)
    assert (split.seed, split.shares) == (recipe.data.seed, recipe.data.shares)
    sizes = np.array([len(split.subjects(part)) for part in PARTS])
    np.testing.assert_allclose(sizes / sizes.sum(), recipe.data.shares, atol=1e-3)


@pytest.mark.parametrize(
    ("found", "put", "text"),
    [
        ('summary = "', 'sumary = "', r"has an unknown key sumary; did you mean 'summary'\?"),
        ("seed = 5", "sead = 5", r"has an unknown key data\.sead; did you mean 'seed'\?"),
        ("definition =", "defintion =", r"has an unknown key labels\.1\.defintion; did you mean 'definition'\?"),
        ("seed = 5", "zzz = 5", r"has an unknown key data\.zzz; known are kind, path, split, seed, shares, most, "),
        ("epochs = 3", "epoch = 3", r"\[training\] has an unknown key 'epoch'; did you mean 'epochs'\?"),
        (
            "stem_stride",
            "stem_strid",
            r"\[architecture\] has an unknown key 'stem_strid'; did you mean 'stem_stride'\?",
        ),
        ("longest", "longst", r"\[preprocessing\] has an unknown key 'longst'; did you mean 'longest'\?"),
        ("epochs = 3", 'epochs = "many"', r"\[training\] epochs: Input should be a valid integer.*; given was 'many'"),
        ("epochs = 3", "epochs = 2.5", r"\[training\] epochs: Input should be a valid integer.*; given was 2\.5"),
        ("kernels = [3, 5]", "kernels = 3", r"\[architecture\] kernels: Input should be a valid tuple; given was 3"),
        ('leads = [["I", "ECG"]]', "leads = 3", r"\[preprocessing\] leads: Input should be a valid tuple"),
        (
            "heads = 4",
            'head = "big"',
            r"\[architecture\] head: Input should be 'additive' or 'shared'; given was 'big'",
        ),
        ("fs = 60.0\n", "", r"\[preprocessing\] lacks fs"),
        ("hop = 10.0", "hop = 30.0", r"hop 30 s, window 10 s, longest 20 s; they must be above 0 and in this order"),
        ('name = "tiny"', "name = 3", r"name: Input should be a valid string; given was 3"),
        ('name = "tiny"\n', "", r"name: Field required"),
        ("shares = [0.3, 0.1, 0.4, 0.2]", "shares = [1.0]", r"data\.shares\.1: Field required"),
        ("seed = 5", "seed = ", r"is not TOML: Invalid value"),
        ('label = "A"', 'label = "N"', r"\[\[labels\]\] names N more than once"),
        ('scored = ["N", "A", "O"]', 'scored = ["N", "AF"]', r"scored names 'AF'; did you mean 'A'\?"),
        ('version = "7"', 'leave_out = ["~~"]', r"leave_out names '~~'; did you mean '~'\?"),
        ('version = "7"', 'leave_out = ["N", "A", "O", "~"]', r"leave_out names every label; at least one must remain"),
    ],
)
def test_a_wrong_recipe_says_what_to_do(recipe, found, put, text):
    change(recipe, found, put)
    with pytest.raises(FormatError, match=rf"^the recipe .*tiny\.toml:? ?.*{text}"):
        Recipe.read(recipe)


def test_a_recipe_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(
        FormatError, match=r"no\.toml can't be read: No such file or directory; give a TOML file such as"
    ):
        Recipe.read(tmp_path / "no.toml")
    with pytest.raises(FormatError, match="can't be read: Is a directory"):
        Recipe.read(tmp_path)
    (tmp_path / "x.toml").write_text("a = " + 9999 * "[", encoding="utf-8")
    with pytest.raises(FormatError, match="its brackets are nested too deeply; three levels are enough"):
        Recipe.read(tmp_path / "x.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe name")
    with pytest.raises(FormatError, match="is not TOML"):
        Recipe.read(tmp_path / "x.toml")


def test_one_label_is_too_few(recipe):
    text = recipe.read_text(encoding="utf-8")
    first, rest = text.index("[[labels]]"), text.index("[preprocessing]")
    recipe.write_text(text[:first] + '[[labels]]\nlabel = "N"\n\n' + text[rest:], encoding="utf-8")
    with pytest.raises(FormatError, match="labels: Tuple should have at least 2 items"):
        Recipe.read(recipe)


# ---- the split -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def windows(made):
    return open_archive(made.data / "packed.npz", Recipe.read(made.recipe).estimator().windowing)


def test_a_missing_split_is_drawn_and_written_and_then_kept(recipe, windows):
    split = recipe.with_name("tiny.split.json")
    before = split.read_bytes()
    split.unlink()
    first = parts_of(Recipe.read(recipe), recipe, windows)
    assert split.read_bytes() == before
    # Another seed in the recipe doesn't move a split that is written.
    again = parts_of(Recipe.read(change(recipe, "seed = 5", "seed = 6")), recipe, windows)
    for part in PARTS:
        assert first[part].recordings.tolist() == again[part].recordings.tolist()
    names = [name for part in PARTS for name in first[part].recordings.tolist()]
    assert sorted(names) == sorted(windows.recordings.tolist())


def test_windows_that_the_split_does_not_name_are_left_out_and_counted(recipe, windows):
    split = recipe.with_name("tiny.split.json")
    content = json.loads(split.read_text(encoding="utf-8"))
    dropped = [content["parts"]["train"].pop() for _ in range(3)]
    split.write_text(json.dumps(content), encoding="utf-8")
    with pytest.warns(
        UserWarning, match=r"3 of 96 windows are of subjects that .*split\.json doesn't name; they are left"
    ):
        parts = parts_of(Recipe.read(recipe), recipe, windows)
    assert not set(dropped) & {name for part in PARTS for name in parts[part].recordings.tolist()}


@pytest.mark.filterwarnings("ignore:96 of 96 windows")
def test_the_split_of_other_data_is_refused(recipe, windows):
    content = {"seed": 0, "shares": [0.25] * 4, "parts": {part: [f"x-{part}"] for part in PARTS}}
    recipe.with_name("tiny.split.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"the train part of .* holds none of the recordings; is it the split of other"
    ):
        parts_of(Recipe.read(recipe), recipe, windows)


# ---- following -----------------------------------------------------------------------------------------------------


def test_a_recipe_ends_in_a_specialist_with_its_parts_and_an_evaluation_of_the_test_part(made):
    specialist = Specialist.load(made.specialist)
    split = Split.load(made.recipe.with_name("tiny.split.json"))
    for part in PARTS:
        for subject in split.subjects(part):
            assert specialist.part_of(subject) == part
    assert made.result["n"] == len(split.subjects("test")) == 20
    assert made.result["specialist"] == {"name": "tiny", "hash": specialist.hash_}
    manifest = specialist.manifest()
    assert (manifest.name, manifest.version, manifest.scored) == ("tiny", "7", ("N", "A", "O"))
    assert manifest.provenance["per_class"]["calibration"] == {"N": 9, "A": 9, "O": 9, "~": 9}
    assert {"auricle", "torch", "python", "recipe", "windows"} <= set(manifest.provenance)
    assert [epoch["epoch"] for epoch in manifest.log] == [0, 1, 2]
    assert specialist.calibration_.counts == {"N": 9, "A": 9, "O": 9, "~": 9}


class Stopped(Exception):  # noqa: N818 -- nothing went wrong
    pass


def test_a_run_that_was_killed_within_an_epoch_ends_in_the_same_specialist(made, recipe, tmp_path, one_thread):
    steps = []

    def kill(done, total, what):
        if what == "training":
            steps.append(done)
            if len(steps) == 6:
                raise Stopped

    with pytest.raises(Stopped):
        follow(recipe, made.data, tmp_path / "out", progress=kill)
    assert not (tmp_path / "out").exists()
    epochs = []
    result = follow(recipe, made.data, tmp_path / "out", on_epoch=lambda e: epochs.append(e.epoch))
    assert epochs == [1, 2]
    assert Specialist.load(tmp_path / "out").hash_ == Specialist.load(made.specialist).hash_
    assert result == made.result


def test_without_a_test_part_nothing_is_evaluated(made, recipe, tmp_path, one_thread):
    change(recipe, "shares = [0.3, 0.1, 0.4, 0.2]", "shares = [0.6, 0.0, 0.4, 0.0]")
    change(recipe, "epochs = 3", "epochs = 1")
    recipe.with_name("tiny.split.json").unlink()
    seen = set()
    assert follow(recipe, made.data, tmp_path / "out", progress=lambda *step: seen.add(step[2])) == {}
    assert seen == {"reading", "training"}
    card = Specialist.load(tmp_path / "out").card
    assert "the last weights are kept" in card
    assert "Results" not in card


def test_a_place_that_is_taken_is_refused_before_the_work(made, recipe, tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    monkeypatch.setattr("auricle.recipe.open_archive", lambda *_, **__: pytest.fail("the data were read"))
    with pytest.raises(SpecialistError, match="exists and is no specialist; name a new folder, nothing was written"):
        follow(recipe, made.data, tmp_path / "photos")


def test_labels_that_the_recipe_lacks_are_named(made, recipe, tmp_path):
    change(recipe, '[[labels]]\nlabel = "~"\n', "")
    with pytest.raises(InputError, match="label '~'; allowed are N, A, O"):
        follow(recipe, made.data, tmp_path / "out")


def test_missing_data_are_named(made, recipe, tmp_path):
    with pytest.raises(InputError, match=r"there is nothing at .*packed\.npz"):
        follow(recipe, tmp_path / "elsewhere", tmp_path / "out")
