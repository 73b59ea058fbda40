"""What the NetworkPolicies say of ports, enforced: iptables drop what a pod sends to HOST and no policy of it allows.

A policy's peers are not looked at (the chart names none), nor is what pods send each other.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.cluster.node import BRIDGE
from tests.containers.commands import run

CHAIN = "POLICIES"


@contextmanager
def enforced(environment: Mapping[str, str]) -> Iterator[Callable[[], int]]:
    """For the pods that there are now, also on connections that they have. Yields what tells how many packets were
    dropped."""
    policies, pods = (_all(kind, environment) for kind in ("networkpolicies", "pods"))
    _tables("-N", CHAIN)
    _tables("-A", CHAIN, "-m", "conntrack", "--ctdir", "REPLY", "-j", "RETURN")
    for pod in pods:
        own = [it["spec"] for it in policies if _selects(it["spec"]["podSelector"]["matchLabels"], pod)]
        for port in [port for it in own for rule in it["egress"] for port in rule["ports"]]:
            allowed = ["-p", port["protocol"].lower(), "--dport", str(port["port"])]
            _tables("-A", CHAIN, "-s", pod["status"]["podIP"], *allowed, "-j", "RETURN")
        if own:
            _tables("-A", CHAIN, "-s", pod["status"]["podIP"], "-j", "DROP")
    _tables("-I", "INPUT", "-i", BRIDGE, "-j", CHAIN)
    try:
        yield _dropped
    finally:
        _tables("-D", "INPUT", "-i", BRIDGE, "-j", CHAIN)
        _tables("-F", CHAIN)
        _tables("-X", CHAIN)


def _dropped() -> int:
    return sum(map(int, re.findall(r"^ *(\d+) +\d+ +DROP ", _tables("-vxnL", CHAIN), re.MULTILINE)))


def _all(kind: str, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    shown = run(["kubectl", "--namespace", "registration", "get", kind, "--output", "json"], env=environment)
    found: list[dict[str, Any]] = json.loads(shown)["items"]
    return found


def _selects(labels: dict[str, str], pod: dict[str, Any]) -> bool:
    return labels.items() <= pod["metadata"]["labels"].items() and "podIP" in pod["status"]


def _tables(*words: str) -> str:
    return run(["iptables", "--wait", *words])
