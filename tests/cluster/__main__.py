"""The part "On Kubernetes" of docs/how-to/deploy.md, followed for real: on a Kubernetes of one node that is made here,
with Kafka, PostgreSQL, mail and OpenID outside of it. Every command of the page is copied from it.

    .venv/bin/python -m tests.cluster            (make cluster)

Prints each step with its seconds, and at the end what was found; ends with status 1 where something was.
"""

from contextlib import ExitStack, suppress
from pathlib import Path

import yaml

from commands.failures import Failed
from shared.topics import SERVICES
from tests.cluster import page
from tests.cluster.endpoints import asked
from tests.cluster.node import HOST
from tests.cluster.ours import NEXT, manifests, two_instances_each
from tests.cluster.outside import MAIL
from tests.cluster.policies import enforced
from tests.cluster.trial import Trial, trial
from tests.containers.steps import findings, judge, step

OTHERS = [page.DOCTOR.replace("portal", it) for it in SERVICES if it != "portal"]
KUBECTL = "kubectl --namespace registration"
RESTRICTED = "kubectl label namespace registration pod-security.kubernetes.io/enforce=restricted"
STATE = f"{KUBECTL} get pods; {KUBECTL} get events --field-selector type=Warning --sort-by .lastTimestamp | tail -n 5"
PORTAL_TO_MAIL = (
    f"{KUBECTL} exec deployment/registration-portal -- "
    f"python -c 'import socket; socket.create_connection((\"{HOST}\", {MAIL}), 3)'"
)
UNINSTALL = "helm uninstall registration --namespace registration --wait"


def campaign(folder: Path) -> None:
    """Raises Failed where going on makes no sense."""
    with ExitStack() as stack:
        tried = trial(folder, stack)
        try:
            installed(tried)
            under_policies(tried)
            two_instances(tried)
            without_helm(tried)
        except Failed:
            print(tried.shell.type(STATE), flush=True)
            raise


def installed(tried: Trial) -> None:
    tried.type(page.SECRETS)
    tried.type([RESTRICTED])
    tried.type(page.INSTALL)
    for line in page.LOGS:
        if not tried.type([line]).strip():
            findings.append(f"`{line}` showed nothing, expected what the job did")
    tried.type([*page.READY, *OTHERS, page.IMPORT])
    tried.approved("an.nguyen@minhphat.example")


def under_policies(tried: Trial) -> None:
    with step("all this with the network policies' ports alone open"), enforced(tried.environment) as dropped:
        with suppress(Failed):
            tried.shell.type(PORTAL_TO_MAIL)
            findings.append("portal reached the mail server, which no network policy of its allows")
        before = dropped()
        tried.type([page.DOCTOR, *OTHERS])
        tried.approved("binh.tran@hoasen.example")
        if not before or dropped() > before:
            findings.append(f"dropped packets: first {before}, expected some; then {dropped() - before}, expected none")


def two_instances(tried: Trial) -> None:
    old = tried.shell.type(f"{KUBECTL} get pods --selector app.kubernetes.io/component --output name").split()
    tried.write("ours.yaml", yaml.safe_dump(two_instances_each()))
    with step("all instances are replaced, by two each, and sent requests meanwhile"), asked(tried.known) as answers:
        tried.type([page.INSTALL[-1], *rolled_out()])
        with step("the old ones have gone"):
            tried.shell.type(f"{KUBECTL} wait --for=delete {' '.join(old)} --timeout=2m")
    failed = [f"{count} to {service} ({it})" for (service, it), count in sorted(answers.items()) if it != "200"]
    print(f"          {answers.total()} requests meanwhile", flush=True)
    if failed:
        findings.append(f"requests failed while instances were replaced: {', '.join(failed)}; expected none")


def without_helm(tried: Trial) -> None:
    tried.type([UNINSTALL, f"{KUBECTL} delete job,networkpolicy --all"])  # hooks are left by Helm
    ready = [line for line in page.READY if line.startswith("kubectl")]
    completed = f"{KUBECTL} wait --for=condition=Complete job --all --timeout=5m"
    tried.type([*page.APPLY, completed, *ready])
    tried.approved("chi.le@anphu.example")
    tried.write("registration.yaml", manifests(NEXT))
    tried.type([*page.AGAIN, *page.APPLY, completed, *rolled_out(), *ready])


def rolled_out() -> list[str]:
    return [f"{KUBECTL} rollout status deployment/registration-{it} --timeout=5m" for it in SERVICES]


if __name__ == "__main__":
    judge(campaign)
