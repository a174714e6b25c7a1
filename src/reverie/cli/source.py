"""The options that say how data are read, which several commands share."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Group, Parameter

from reverie.cli.reading import Count, File, Fraction, Seed
from reverie.cli.words import counted

if TYPE_CHECKING:
    from reverie.data import Dataset

GROUP = Group("The data", sort_key=3)


@Parameter(name="*", group=GROUP)
@dataclass(frozen=True)
class Source:
    """How the data are read.

    Args:
        measure: How raw values become the model's: auto, none, binarise, binarise-dynamic, dequantise, logit, \
standardise, one-hot, or a chain such as dequantise+logit.
        binarize: Short for --measure binarise.
        schema: A JSON file that says what the columns are, where the inferred one is not right.
        label: The column that is the class and is not modelled.
        labelled: Training rows that keep their label, as many of each class: a fraction below 1, or a number (all).
        valid: Validation rows: a fraction below 1, or a number (0.1).
        test: Test rows, likewise (0.2; 397 of digits).
        missing: What becomes of rows with missing values: refuse them all, drop the rows, or mask the values.
        data_seed: The seed of the split (0).
        length: Tokens in a row of text (32).
        tokens: What a token of text is: characters or words.
        lines: Of text, take each line as a row, with an end mark and padding; longer lines are left out.
        vocabulary: Of text, keep so many different tokens, with <unk> for the rest.
    """

    measure: Annotated[str | None, Parameter(metavar="NAME")] = None
    binarize: Annotated[bool, Parameter(name=["--binarize", "--binarise"])] = False
    schema: File | None = None
    label: Annotated[str | None, Parameter(metavar="COLUMN")] = None
    labelled: Fraction | None = None
    valid: Fraction | None = None
    test: Fraction | None = None
    missing: Annotated[Literal["refuse", "drop", "mask"] | None, Parameter(metavar="WORD", show_choices=False)] = None
    data_seed: Seed | None = None
    length: Count | None = None
    tokens: Annotated[Literal["characters", "words"] | None, Parameter(metavar="WORD", show_choices=False)] = None
    lines: Annotated[bool, Parameter(negative=())] = False
    vocabulary: Count | None = None

    def given(self) -> dict[str, Any]:
        """What was said; the defaults of the rest are those of `load`."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        said["seed"] = said.pop("data_seed")
        return {name: value for name, value in said.items() if value is not None and value is not False}

    def load(self, data: str) -> "Dataset":
        """Read the data."""
        import reverie as rv

        return rv.data.load(data, **self.given())


NOTHING = Source()


def description(dataset: "Dataset") -> list[str]:
    """What was read, in a few lines."""
    parts = {"training": dataset.train, "validation": dataset.valid, "testing": dataset.test}
    rows = ", ".join(f"{len(some):,} for {what}" for what, some in parts.items())
    return [
        f"{dataset.name}: {dataset.schema.describe()}",
        f"rows: {rows}",
        f"the model sees {counted(dataset.spec.size, f'{dataset.spec.kind} column')}",
        f"likelihoods are those of {dataset.measure.reference}",
    ]
