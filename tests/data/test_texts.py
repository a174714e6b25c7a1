"""Lines of text as rows: end marks, padding, vocabularies; and windows, which are as they were."""

import numpy as np
import pytest

from reverie.data import load, load_again, read_rows
from reverie.data.schema import Text, read_schema
from reverie.errors import InputError

LINES = "the cat sat\n\nthe dog sat down\na cat\nthe the the the the the the\nthe dog\n" * 5


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "t.txt"
    file.write_text(LINES)
    return file


def text_of(data):
    """What its rows of text are."""
    text: Text | None = data.schema.text
    assert text is not None
    return text


def test_each_line_is_a_row_with_its_end_and_padding(path):
    data = load(path, tokens="words", lines=True, length=6)
    text = text_of(data)
    assert text.alphabet[-2:] == ("</s>", "<pad>")
    assert set(text.alphabet[:-2]) == {"the", "cat", "sat", "dog", "down", "a"}
    assert data.spec.marks is not None
    end, padding = data.spec.marks
    assert (end, padding) == (6, 7)
    rows = np.concatenate([part.raw for part in (data.train, data.valid, data.test)])
    assert len(rows) == 20  # Neither the empty lines nor those of seven words.
    assert rows.shape[1] == 6
    for row in rows:
        place = int(np.flatnonzero(row == end)[0])
        assert np.all(row[place + 1 :] == padding)
        assert np.all(row[:place] < end)
    assert text.words(rows[0]) == ["the", "cat", "sat"]
    assert data.schema.frame(rows[:2])["text"] == ["the cat sat", "the dog sat down"]


def test_a_vocabulary_keeps_the_most_frequent_and_has_a_word_for_the_rest(path):
    data = load(path, tokens="words", lines=True, length=6, vocabulary=4)
    assert set(text_of(data).alphabet[:-2]) == {"the", "cat", "sat", "<unk>"} or "dog" in text_of(data).alphabet
    assert len(text_of(data).alphabet) == 6
    assert any("<unk>" in text_of(data).words(row) for row in data.train.raw)
    again = read_rows(path, data.schema)
    assert len(again) == 20


def test_lines_are_read_again_as_they_were(path):
    data = load(path, tokens="words", lines=True, length=6, vocabulary=4)
    assert data.recipe is not None
    again = load_again(data.recipe, data.schema, data.fingerprint, data.name)
    assert np.array_equal(again.train.raw, data.train.raw)


def test_windows_have_no_marks(path):
    data = load(path, tokens="words", length=4)
    assert data.spec.marks is None
    assert not text_of(data).lines


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lines": True, "length": 1}, "at least 2"),
        ({"lines": True, "length": 2, "tokens": "words"}, None),
        ({"vocabulary": 1}, "at least 2 tokens"),
        ({"tokens": "letters"}, "may be 'characters' or 'words'"),
    ],
)
def test_what_cannot_be_cut_is_refused(path, options, words):
    if words is None:
        path.write_text("a b c\nd e f\n" * 9)
        words = "has no line of at most 2 words"
    with pytest.raises(InputError, match=words):
        load(path, **options)


def test_marks_are_no_words(path):
    known = load(path, tokens="words", lines=True, length=6).schema
    for mark in ("</s>", "<pad>"):
        path.write_text(LINES + f"the {mark} cat\n")
        with pytest.raises(InputError, match="kept for the ends of lines"):
            load(path, tokens="words", lines=True, length=6)
        with pytest.raises(InputError, match="kept for the ends of lines"):
            read_rows(path, known)
        assert mark in text_of(load(path, tokens="words", length=6)).alphabet


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alphabet": ()}, "needs an alphabet"),
        ({"length": 1}, "at least 2"),
        ({"alphabet": ("a", "b", "a", "</s>", "<pad>")}, "a token twice"),
        ({"alphabet": ("a", "</s>", "<pad>", "b")}, "must end with '</s>' and '<pad>'"),
        ({"alphabet": ("</s>", "<pad>")}, "must end with"),
        ({"unknown": "<unk>"}, "'<unk>' for unknown tokens"),
    ],
)
def test_a_schema_of_lines_that_makes_no_sense_is_refused(changes, words):
    good = {"alphabet": ("a", "b", "</s>", "<pad>"), "length": 4, "lines": True}
    assert read_schema({"text": good}).text is not None
    with pytest.raises(InputError, match=words):
        read_schema({"text": good | changes})


def test_lines_that_are_left_out_are_counted(path):
    assert (
        "note: 5 of 25 lines have more than 5 words"
        in load(path, tokens="words", lines=True, length=6).schema.describe()
    )
    assert load(path, tokens="words", lines=True, length=8).schema.warnings == ()
