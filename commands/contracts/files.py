"""The contract's files below `docs/reference`: those that are made from the code, and those of the last release."""

import json
from pathlib import Path
from typing import Any

from commands.contracts.asyncapi import document
from commands.contracts.compatibility import Contract
from commands.contracts.schemas import schema_of
from shared.topics import TOPICS

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
PUBLISHED = REFERENCE / "published" / "v1"
DOCUMENT = "asyncapi.json"
SCHEMAS = "schemas"


def contract() -> Contract:
    """As the code is now."""
    kinds = dict.fromkeys(topic.event for topic in TOPICS)
    return Contract(document(), {kind.type(): schema_of(kind) for kind in kinds})


def texts(of: Contract) -> dict[str, str]:
    """Every file by its name, with `/` in it."""
    schemas = {f"{SCHEMAS}/{name}.json": _text(schema) for name, schema in of.schemas.items()}
    return {DOCUMENT: _text(of.document)} | schemas


def texts_in(folder: Path) -> dict[str, str]:
    files = [folder / DOCUMENT, *sorted((folder / SCHEMAS).glob("*.json"))]
    return {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in files}


def contract_in(folder: Path) -> Contract:
    """As its files say."""
    found = {name: json.loads(text) for name, text in texts_in(folder).items()}
    return Contract(found.pop(DOCUMENT), {Path(name).stem: schema for name, schema in found.items()})


def write(of: Contract, folder: Path) -> None:
    """The files of `of`, and no schema besides them."""
    for schema in (folder / SCHEMAS).glob("*.json"):
        schema.unlink()
    for name, text in texts(of).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
