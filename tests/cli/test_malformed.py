"""Whatever a person gives: one line that says what is wrong, exit code 2, and nothing left behind."""

import shutil

import pytest

from reverie.cli import main
from tests.cli import malformed_data, malformed_runs, malformed_words

CASES = [*malformed_data.all_cases(), *malformed_words.all_cases(), *malformed_runs.folders()]

MANY = 200
LENGTHS = ("--steps", "--epochs", "--budget", "--resume")


def test_there_are_many_cases():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
    assert len(names) >= MANY


def words_of(case, at, small_runs):
    """The words with the places of runs in them; a broken run is made where one is named."""
    if any("@broken" in word for word in case.words):
        shutil.copytree(small_runs["run"], at / "broken")
    known = {"@broken": at / "broken"} | {f"@{name}": path for name, path in small_runs.items()}

    def placed(word):
        for name, path in known.items():
            if word == name or word.startswith(name + "/"):
                return str(path) + word.removeprefix(name)
        return word

    words = [placed(word) for word in case.words]
    endless = words[:1] == ["fit"] and not any(word.startswith(LENGTHS) for word in words)
    return [*words, "--steps", "2"] if endless else words


def said_in(text):
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_it_is_refused_in_one_line(case, at, small_runs, capfd, monkeypatch):
    words = words_of(case, at, small_runs)
    for name, content in case.files.items():
        (at / name).write_bytes(content.encode() if isinstance(content, str) else content)
    if case.set_up is not None:
        case.set_up(at)
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    before = sorted(at.rglob("*"))
    capfd.readouterr()

    code = main(words)

    out, err = capfd.readouterr()
    assert code == 2, err
    assert out == ""
    (line,) = said_in(err)
    assert line.startswith("reverie: ")
    assert len(line) > len("reverie: ") + 8
    assert "fault of Reverie" not in line
    assert "Traceback" not in line
    assert sorted(at.rglob("*")) == before
