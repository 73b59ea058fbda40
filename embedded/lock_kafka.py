"""Writes kafka.lock.json anew: `python -m embedded.lock_kafka VERSION`. For maintainers.

Every download is verified against the lock, so the versions that jgo finds are reviewed once, in the diff.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from jgo.maven import MavenContext

from embedded.jars import LOCK, repositories

# Kafka logs through SLF4J and declares no binding: without one it would log nothing.
LOGGING = "org.slf4j:slf4j-simple:1.7.36"


def main() -> None:
    version = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), remote_repos=repositories())
        wanted = [context.create_dependency(c) for c in (f"org.apache.kafka:kafka_2.13:{version}", LOGGING)]
        inputs, others = context.resolver.resolve(wanted)
        jars: list[dict[str, str | int]] = []
        for dependency in inputs + others:
            content = dependency.artifact.resolve().read_bytes()
            jars.append(
                {
                    "group": dependency.groupId,
                    "artifact": dependency.artifactId,
                    "version": dependency.version,
                    "size": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
            )
    LOCK.write_text(json.dumps({"version": version, "jars": jars}, indent=1) + "\n", encoding="utf-8")
    print(f"{LOCK}: {len(jars)} jars, {sum(int(jar['size']) for jar in jars) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
