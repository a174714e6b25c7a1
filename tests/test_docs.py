"""The docs say what the code says: the matrix, the commands, the words for estimates, links that lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from reverie.cli.app import commands
from reverie.cli.dotted import taken_out
from reverie.cli.pairs import page
from reverie.data.builtin import NAMES
from reverie.estimate import KINDS
from reverie.learners import LEARNERS
from reverie.models import MODELS
from reverie.pairing import matrix, pairs

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAIRS = (ROOT / "docs" / "pairs.md").read_text(encoding="utf-8")


def table(text, corner):
    """A Markdown table as {(row, column): cell}."""
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    lines = next(lines for lines in blocks if lines[0].split("|")[1].strip() == corner)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    header, _, *body = cells
    return {(row[0].strip("`*"), name): cell for row in body for name, cell in zip(header[1:], row[1:], strict=True)}


def test_the_page_of_pairs_is_what_the_command_prints():
    assert "\n".join(page(pairs())) + "\n" == PAIRS, "run: reverie pairs --markdown > docs/pairs.md"


def test_the_page_names_every_pair_that_fits_and_no_other():
    told = table(PAIRS, "learner")
    found = {(model, learner) for (learner, name), cell in told.items() if name == "fits" for model in named(cell)}
    assert found == {(v.model, v.learner) for v in matrix() if v.fits}
    assert {learner for learner, _ in told} == set(LEARNERS)
    assert {model for model, _ in table(PAIRS, "model")} == set(MODELS)


def named(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_the_readme_names_units_that_are():
    for (_, column), cell in table(README, "group").items():
        assert set(named(cell)) <= set(MODELS if column == "models" else LEARNERS), cell


COMMANDS = re.findall(r"^ *(reverie [a-z].*?)(?: +#.*)?$", README, re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_of_the_readme_are_commands(line):
    words, _ = taken_out(shlex.split(line)[1:])
    commands().parse_args(words, print_error=False, exit_on_error=False)


def test_there_are_commands_in_the_readme():
    assert {line.split()[1] for line in COMMANDS} >= {"pairs", "fit", "evaluate", "sample", "bakeoff", "runs"}


def test_the_readme_names_all_built_in_data():
    assert set(NAMES) <= set(re.findall(r"`([a-z_-]+)`", README))


def test_the_glossary_has_every_kind_of_estimate():
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert tuple(kind for kind, _ in table(glossary, "kind")) == KINDS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link
