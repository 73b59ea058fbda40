"""A Kubernetes of one node, made of programs that run here as long as it is needed. It wants a network of its own."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from commands.failures import Failed
from embedded import process
from embedded.process import Process, ServerDidNotStart
from tests.containers.commands import run
from tests.containers.engine import GROUP, remove_groups

HERE = Path(__file__).parent
HOST, SUBNET, BRIDGE = "10.88.0.1", "10.88.0.0/16", "pods0"
SETTINGS = {"containerd.toml": ".", "kubelet.yaml": ".", "pods.conflist": "networks"}
"""Files beside this one, by the folder where they are read."""
TOKEN = "of-a-trial"
KUBECONFIG = {
    "clusters": [{"name": "one", "cluster": {"server": "https://127.0.0.1:6443", "insecure-skip-tls-verify": True}}],
    "users": [{"name": "one", "user": {"token": TOKEN}}],
    "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
    "current-context": "one",
}
START_SECONDS = 60.0

Command = Sequence[str | Path]


def make_bridge() -> None:
    """Where pods will be, with this machine at HOST. Raises Failed."""
    run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "address", "add", f"{HOST}/16", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])


@contextmanager
def node(folder: Path, packages: Path, programs: Sequence[Path], images: Path) -> Iterator[dict[str, str]]:
    """The environment in which `kubectl` answers and `images` are there. Raises Failed."""
    places = [*programs, packages / "bin", packages / "sbin", os.environ["PATH"]]
    environment = {**os.environ, "PATH": ":".join(map(str, places)), "HOME": str(folder)}
    environment["KUBECONFIG"] = str(folder / "kubeconfig")
    _write(folder, packages)
    with ExitStack() as stack:
        stack.callback(remove_groups)
        _make_groups()
        try:
            _start(folder, images, environment, stack)
        except ServerDidNotStart as error:
            raise Failed(f"the node: {error}") from None
        yield environment


def _write(folder: Path, packages: Path) -> None:
    for name in ("keys", "kernel", "networks"):
        (folder / name).mkdir(parents=True)
    words = {"FOLDER": folder, "NETWORKS": packages / "lib/cni", "HOST": HOST, "SUBNET": SUBNET, "BRIDGE": BRIDGE}
    for name, place in SETTINGS.items():
        text = (HERE / name).read_text(encoding="utf-8")
        for word, here in {**words, "GROUP": GROUP}.items():
            text = text.replace(word, str(here))
        (folder / place / name).write_text(text, encoding="utf-8")
    (folder / "tokens").write_text(f"{TOKEN},one,one,system:masters\n", encoding="utf-8")
    (folder / "kubeconfig").write_text(json.dumps(KUBECONFIG), encoding="utf-8")


def _make_groups() -> None:
    """Control groups for kubelet, apart from another's."""
    for hierarchy in run(["findmnt", "--noheadings", "--types", "cgroup,cgroup2", "--output", "TARGET"]).split():
        Path(hierarchy, GROUP).mkdir(exist_ok=True)


def _start(folder: Path, images: Path, environment: Mapping[str, str], stack: ExitStack) -> None:
    def start(name: str, command: Command, ready: Command = ("true",)) -> Process:
        one = process.start(command, log_path=folder / f"{name}.log", env=environment)
        stack.callback(one.kill)  # with all that it started; nobody will read what it leaves
        one.wait_until(lambda: _succeeds(ready, environment), START_SECONDS)
        return one

    keys, key = folder / "keys", folder / "keys" / "accounts.pem"
    run(["openssl", "genrsa", "-out", key, "2048"])
    me: Command = ["--kubeconfig", folder / "kubeconfig", "--leader-elect=false"]
    store: Command = ["etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync"]
    api: Command = [
        "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", f"--advertise-address={HOST}", "--cert-dir", keys,
        "--token-auth-file", folder / "tokens", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.89.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", key,
        "--service-account-signing-key-file", key, "--kubelet-preferred-address-types=InternalIP",
    ]  # fmt: skip
    kubelet: Command = [
        "kubelet", "--kubeconfig", folder / "kubeconfig", "--config", folder / "kubelet.yaml", f"--node-ip={HOST}",
        "--root-dir", folder / "kubelet", "--cert-dir", keys, "--hostname-override=one",
    ]  # fmt: skip
    containers: Command = ["ctr", "--address", folder / "containerd.sock", "--namespace", "k8s.io"]
    engine = start("containerd", ["unshare", "--mount", "sh", HERE / "node.sh", folder], [*containers, "version"])
    run([*containers, "images", "import", images], env=environment)
    start("etcd", store)
    start("apiserver", api, ["kubectl", "get", "--raw", "/readyz"])
    start("controllers", ["kube-controller-manager", *me, "--service-account-private-key-file", key])
    start("scheduler", ["kube-scheduler", *me])
    ready = ["kubectl", "wait", "--for=condition=Ready", "node/one", "--timeout=1s"]
    start("kubelet", ["nsenter", f"--mount=/proc/{engine.pid}/ns/mnt", "--", *kubelet], ready)


def _succeeds(command: Command, environment: Mapping[str, str]) -> bool:
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
