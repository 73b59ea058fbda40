"""`make sbom`: the bill of materials, CycloneDX 1.6 as JSON. The same locks give the same document, byte for byte."""

import sys
import tomllib
from hashlib import sha256
from uuid import UUID

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from packageurl import PackageURL

from supply.parts import ROOT, Part, Use, parts


def document(found: list[Part]) -> str:
    components = {part: _component(part) for part in found}
    us = _ourselves()
    bom = Bom(components=components.values())
    bom.metadata.component = us
    by_name = {part.name: component for part, component in components.items()}
    for part, component in components.items():
        bom.register_dependency(component, [by_name[name] for name in part.needs])
    bom.register_dependency(us, components.values())
    said = "\n".join(sorted(f"{part.purl} {part.sha256}" for part in found))
    bom.serial_number = UUID(bytes=sha256(said.encode()).digest()[:16], version=4)
    bom.metadata.timestamp = None  # type: ignore[assignment]  # it would make each run another document
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _ourselves() -> Component:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Component(
        name=project["name"],
        version=project["version"],
        description=project["description"],
        type=ComponentType.APPLICATION,
        bom_ref="registration",
    )


def _component(part: Part) -> Component:
    return Component(
        name=part.name.rpartition(":")[2],
        group=part.name.rpartition(":")[0] or None,
        version=part.version,
        type=ComponentType.LIBRARY,
        purl=PackageURL.from_string(part.purl),
        bom_ref=part.purl,
        licenses=[LicenseExpression(part.licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else [],
        scope=ComponentScope.EXCLUDED if part.use is Use.DEVELOPMENT else ComponentScope.REQUIRED,
        properties=[Property(name="registration:use", value=part.use.value)],
    )


def invalid(text: str) -> str | None:
    """What CycloneDX's own schema has against `text`; None where nothing."""
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415  # makes grammars for a second

    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return None if error is None else str(error)


def main() -> int:
    text = document(parts())
    if problem := invalid(text):
        print(f"the bill of materials breaks the schema of CycloneDX 1.6: {problem}", file=sys.stderr)
        return 1
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
