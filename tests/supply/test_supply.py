"""What this program is made of is known, allowed and unchanged."""

import json
import re
from dataclasses import replace
from hashlib import sha256

import pytest

from supply.audit import report
from supply.licences import page, refused
from supply.parts import ROOT, UNKNOWN, VENDORED, Part, Terms, parts, vendored
from supply.sbom import document, invalid


@pytest.fixture(scope="module")
def found() -> list[Part]:
    return parts()


def test_every_part_has_a_licence_that_we_accept(found: list[Part]) -> None:
    assert refused(found, Terms()) == []


@pytest.mark.parametrize("licence", [UNKNOWN, "AGPL-3.0-only", "MIT AND GPL-3.0-only", "GPL-2.0-only", "", "(MIT)"])
def test_another_licence_is_refused(licence: str, found: list[Part]) -> None:
    [problem] = refused([replace(found[0], licence=licence)], Terms())
    assert found[0].name in problem and licence in problem


def test_a_part_with_a_choice_of_licences_needs_one_that_we_accept(found: list[Part]) -> None:
    assert refused([replace(found[0], licence="GPL-3.0-only OR MIT")], Terms()) == []


def test_the_page_of_licences_is_the_newest(found: list[Part]) -> None:
    written = (ROOT / "docs" / "reference" / "licences.md").read_text(encoding="utf-8")
    assert written == page(found), "run: make licences"


def test_every_locked_package_jar_and_vendored_file_is_a_part(found: list[Part]) -> None:
    locked = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    packages = set(re.findall(r"^([a-z0-9][\w.-]*)(?:\[.*\])?==", locked, re.MULTILINE))
    jars = json.loads((ROOT / "embedded" / "kafka.lock.json").read_text(encoding="utf-8"))["jars"]
    names = [part.name for part in found]
    assert packages <= set(names)
    assert {f"{jar['group']}:{jar['artifact']}" for jar in jars} <= set(names)
    assert {"htmx.org", "@picocss/pico", "axe-core", "@asyncapi/specs", "kafkajs"} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("folder", VENDORED)
def test_vendored_files_are_those_that_their_readme_names(folder: str) -> None:
    named = {part.file: part.sha256 for part in vendored(folder)}
    ours = {"README.md"}
    there = {it for it in (ROOT / folder).iterdir() if it.name not in ours and "LICENSE" not in it.name}
    assert {str(it.relative_to(ROOT)): sha256(it.read_bytes()).hexdigest() for it in there} == named


def test_the_bill_of_materials_is_valid_whole_and_the_same_each_time(found: list[Part]) -> None:
    text = document(found)
    assert invalid(text) is None
    told = json.loads(text)
    assert {it["purl"] for it in told["components"]} == {part.purl for part in found}
    needs = {it["ref"]: it.get("dependsOn", []) for it in told["dependencies"]}
    [starlette] = [part for part in found if part.name == "starlette"]
    [anyio] = [part for part in found if part.name == "anyio"]
    assert anyio.purl in needs[starlette.purl]
    assert document(list(found)) == text


def test_a_bill_that_breaks_the_schema_is_noticed(found: list[Part]) -> None:
    assert invalid(document(found[-1:]).replace('"type": "library"', '"type": "thing"')) is not None


def test_an_audit_tells_problems_and_what_it_could_not_ask() -> None:
    clean = {"name": "a", "version": "1", "vulns": []}
    hole = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    skipped = {"name": "c", "skip_reason": "not found"}
    assert report("lock", [clean]) == (0, ["lock: 1 of 1 packages audited, 0 problems"])
    status, lines = report("lock", [clean, hole, skipped])
    assert status == 1
    assert lines[0] == "lock: b 2: CVE-1; mended in 3"
    assert lines[-1].startswith("lock: NOT AUDITED") and lines[-1].endswith(": c")
    assert report("lock", [skipped]) == (
        0,
        [
            "lock: 0 of 1 packages audited, 0 problems",
            "lock: NOT AUDITED: no package was found in the public data; try where they can be reached",
        ],
    )
