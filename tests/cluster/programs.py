"""Kubernetes and Helm, built from source and kept, since they are in no package of Debian's; and kinds of others.

Go's checksum database answers for what is fetched, and for Kubernetes build/go.sum besides.
"""

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.machine import ROOT
from tests.containers.commands import run

KEPT = ROOT / ".local" / "cluster"
SOURCE = Path(__file__).parent / "build"
[VERSION] = re.findall(r"^require k8s\.io/kubernetes (\S+)$", (SOURCE / "go.mod").read_text("utf-8"), re.MULTILINE)
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl")
HELM = "v3.22.0"
KEDA = ("github.com/kedacore/keda/v2@v2.20.2", "config/crd/bases/keda.sh_")
PROMETHEUS = ("github.com/prometheus-operator/prometheus-operator@v0.85.0",
              "example/prometheus-operator-crd/monitoring.coreos.com_")  # fmt: skip
KINDS = {"scaledobjects": KEDA, "triggerauthentications": KEDA, "servicemonitors": PROMETHEUS}
"""Of others, that the chart makes objects of."""
FOLDERS = [KEPT / f"kubernetes-{VERSION}", KEPT / f"helm-{HELM}"]
"""Of programs."""


def missing() -> list[Path]:
    """What is not kept yet: Go is needed then."""
    kubernetes, helm = FOLDERS
    return [it for it in (*(kubernetes / name for name in KUBERNETES), helm / "helm", *kinds()) if not it.exists()]


def build() -> None:
    """What is missing. Raises Failed."""
    kubernetes, helm = FOLDERS
    wanted = missing()
    if programs := [f"k8s.io/kubernetes/cmd/{it.name}" for it in wanted if it.parent == kubernetes]:
        print(f"          building Kubernetes {VERSION}, once: 25 minutes on two cores", flush=True)
        _go(["build", "-ldflags", _named(VERSION), "-o", f"{kubernetes}/", *programs])
    if helm / "helm" in wanted:
        print(f"          building Helm {HELM}, once: some minutes", flush=True)
        _go(["install", "-ldflags", "-s -w", f"helm.sh/helm/v3/cmd/helm@{HELM}"], GOBIN=str(helm))
    for file, (module, start) in zip(kinds(), KINDS.values(), strict=True):
        if file in wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            fetched = json.loads(_go(["mod", "download", "-json", module]))
            shutil.copyfile(f"{fetched['Dir']}/{start}{file.name}", file)


def kinds() -> list[Path]:
    """The definitions of KINDS."""
    return [KEPT / module.replace("/", "-") / f"{name}.yaml" for name, (module, _) in KINDS.items()]


def _go(words: Sequence[str], **more: str) -> str:
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    return run(["go", *words], env={**os.environ, **settings, **more}, cwd=SOURCE)


def _named(version: str) -> str:
    """As Kubernetes' own build tells its programs their version; they talk to each other by it."""
    major, minor, _ = version.removeprefix("v").split(".")
    told = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(["-s -w", *(f"-X {package}.{name}={it}" for package in packages for name, it in told.items())])
