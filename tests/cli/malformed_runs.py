"""Run folders that are wrong."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.cli.cases import GOOD, Case, folder_of


def edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Any]:
    """Change the settings of the broken run."""

    def made(at: Path) -> None:
        file = at / "broken" / "config.json"
        config = json.loads(file.read_text())
        change(config)
        file.write_text(json.dumps(config))

    return made


def rewritten(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], Any]:
    """Change the bytes of files of the broken run."""

    def made(at: Path) -> None:
        for file in sorted((at / "broken").glob(name)):
            file.write_bytes(change(file.read_bytes()))

    return made


def gone(*names: str) -> Callable[[Path], Any]:
    """Files of the broken run that are not there."""

    def made(at: Path) -> None:
        for name in names:
            for file in (at / "broken").glob(name):
                file.unlink()

    return made


def flipped(data: bytes) -> bytes:
    """One bit of the second half is another."""
    place = len(data) * 3 // 4
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


ANEW = ("config-other-columns", "config-no-leaves")
"""What a resumed run reads from the data once more."""


def folders() -> Iterator[Case]:
    """Run folders that are not whole."""
    settings: dict[str, Callable[[Path], Any]] = {
        "config-missing": gone("config.json"),
        "config-empty": rewritten("config.json", lambda data: b""),
        "config-truncated": rewritten("config.json", lambda data: data[: len(data) // 2]),
        "config-binary": rewritten("config.json", lambda data: bytes(range(256))),
        "config-list": rewritten("config.json", lambda data: b"[1, 2]"),
        "config-number": rewritten("config.json", lambda data: b"7"),
        "config-deep": rewritten("config.json", lambda data: b'{"parts":' + b"[" * 9000),
        "config-unknown-field": edited(lambda config: config.update(colour="blue")),
        "config-missing-field": edited(lambda config: config.pop("seed")),
        "config-wrong-type": edited(lambda config: config.update(batch="many")),
        "config-format": edited(lambda config: config.update(format=99)),
        "config-unknown-model": edited(lambda config: config["parts"]["model"].update(name="zebra")),
        "config-model-path": edited(lambda config: config["parts"]["model"].update(name="os.system")),
        "config-unknown-option": edited(lambda config: config["parts"]["model"]["options"].update(zebra=1)),
        "config-other-size": edited(lambda config: config["parts"]["model"]["options"].update(sizes=[3])),
        "config-negative-size": edited(lambda config: config["parts"]["model"]["options"].update(sizes=[-3])),
        "config-no-model": edited(lambda config: config["parts"].pop("model")),
        "config-unknown-part": edited(lambda config: config["parts"].update(zebra=config["parts"]["model"])),
        "config-other-columns": edited(lambda config: config["data"]["spec"]["leaves"]["binary"].update(size=9)),
        "config-no-leaves": edited(lambda config: config["data"]["spec"].update(leaves={})),
        "config-unknown-measure": edited(lambda config: config["data"].update(measure={"measure": "zebra"})),
        "config-no-measure": edited(lambda config: config["data"].update(measure={})),
        "config-unknown-prng": edited(lambda config: config.update(prng="zebra")),
    }
    for name, change in settings.items():
        asked: list[tuple[str, ...]] = [("sample", "@broken"), ("runs", "show", "@broken")]
        if name not in ANEW:
            asked.append(("fit", "--resume", "@broken", "--steps", "9"))
        for words in asked:
            yield Case(f"{name}-{words[0]}", words, set_up=change)
    arrays: dict[str, Callable[[Path], Any]] = {
        "arrays-missing": gone("model.safetensors"),
        "arrays-empty": rewritten("model.safetensors", lambda data: b""),
        "arrays-truncated": rewritten("model.safetensors", lambda data: data[:-9]),
        "arrays-garbage": rewritten("model.safetensors", lambda data: bytes(range(256))),
        "arrays-enormous-header": rewritten("model.safetensors", lambda data: b"\xff" * 8 + data[8:]),
        "arrays-header-broken": rewritten("model.safetensors", lambda data: data[:9] + b"zebra" + data[14:]),
        "arrays-renamed": rewritten("model.safetensors", lambda data: data.replace(b"model/top", b"model/pot")),
        "arrays-other-type": rewritten("model.safetensors", lambda data: data.replace(b"F32", b"I32", 1)),
        "result-missing": gone("result.json"),
        "result-empty": rewritten("result.json", lambda data: b""),
        "result-list": rewritten("result.json", lambda data: b"[]"),
        "result-unknown-field": rewritten("result.json", lambda data: b'{"colour": 1, ' + data.lstrip()[1:]),
        "result-wrong-type": rewritten("result.json", lambda data: data.replace(b'"finished"', b"3")),
    }
    for name, change in arrays.items():
        for words in (("sample", "@broken"), ("score", "@broken", "@data"), ("evaluate", "@broken")):
            yield Case(f"{name}-{words[0]}", words, set_up=change)
    checkpoints: dict[str, Callable[[Path], Any]] = {
        "checkpoints-flipped": rewritten("checkpoints/*.safetensors", flipped),
        "checkpoints-truncated": rewritten("checkpoints/*.safetensors", lambda data: data[:99]),
        "checkpoints-empty": rewritten("checkpoints/*.safetensors", lambda data: b""),
        "checkpoints-arrays-gone": gone("checkpoints/*.safetensors"),
        "checkpoint-records-empty": rewritten("checkpoints/*.json", lambda data: b""),
        "checkpoint-records-list": rewritten("checkpoints/*.json", lambda data: b"[]"),
        "checkpoint-records-binary": rewritten("checkpoints/*.json", lambda data: bytes(range(256))),
        "checkpoint-records-sum": rewritten("checkpoints/*.json", lambda data: data.replace(b'256":"', b'256":"0')),
        "resume-without-learner": edited(lambda config: config["learner"].update(name="zebra")),
        "resume-learner-option": edited(lambda config: config["learner"]["options"].update(zebra=1)),
        "resume-other-data": edited(lambda config: config["data"].update(fingerprint="0" * 64)),
        "resume-no-data": edited(lambda config: config["data"].update(recipe=None)),
        "resume-data-gone": edited(lambda config: config["data"]["recipe"].update(source="gone.csv")),
        "resume-recipe": edited(lambda config: config["data"]["recipe"].update(zebra=1)),
        "resume-batch": edited(lambda config: config.update(batch=-4)),
        "resume-optimiser": edited(lambda config: config["optimisers"]["model"].update(rate=-1.0)),
    }
    for name, change in checkpoints.items():
        yield Case(name, ("fit", "--resume", "@broken", "--steps", "9"), set_up=change)
    for words in (("sample", "."), ("runs", "show", "t.csv"), ("evaluate", "no-such-run"), ("score", "p", "digits")):
        yield Case(f"not-a-run-{words[0]}", words, {"t.csv": GOOD}, set_up=folder_of({}))
