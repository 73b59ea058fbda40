"""The Helm chart, as it is rendered with its example: valid, sparing with rights, and fit for our services.

Kubernetes is not here, nor need Helm be: what depends on it says so and is compared by fingerprint.
"""

import json
import os
import re
import subprocess
from typing import Any

import jsonschema_rs
import pytest
import yaml

from commands.serve import SETTINGS
from shared.settings import load
from shared.topics import SERVICES
from tests.deploy import chart

OWN_KINDS = {"ScaledObject", "TriggerAuthentication", "ServiceMonitor"}
"""Of KEDA and of the Prometheus operator, whose schemas are not Kubernetes' own."""

SECRETS = {
    "KAFKA_SASL_PASSWORD": "a password",
    "DATABASE_URL": "postgresql://portal:a@database.example.com/registration",
    "SMTP_URL": "smtps://user:password@mail.example.com",
    "LINK_SECRET": "a key for links of tests",
    "OIDC_CLIENT_SECRET": "a secret of tests",
}

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    return chart.manifests(chart.RENDERED.read_text(encoding="utf-8"))


def of(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    """By name, without the release's."""
    return {it["metadata"]["name"].removeprefix("registration-"): it for it in manifests if it["kind"] == kind}


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {name: it["spec"]["template"] for kind in ("Deployment", "Job") for name, it in of(manifests, kind).items()}


def test_the_rendered_manifests_are_those_of_the_chart(capsys: pytest.CaptureFixture[str]) -> None:
    text = chart.RENDERED.read_text(encoding="utf-8")
    assert text.startswith(chart.head()), "run: make chart"
    if chart.helm() is None:
        with capsys.disabled():
            print("\nhelm is not here: the rendered manifests were compared with the chart by fingerprint only")
        return
    assert text == chart.head() + chart.rendered()
    more = (
        "--set",
        "kafka.partitions=3",
        "--set",
        "serviceMonitor.enabled=false",
        "--set",
        "networkPolicy.enabled=false",
    )
    fewer = chart.manifests(chart.rendered(*more))
    assert {it["spec"]["maxReplicaCount"] for it in of(fewer, "ScaledObject").values()} == {3}
    assert {it["kind"] for it in fewer}.isdisjoint({"ServiceMonitor", "NetworkPolicy"})
    fixed = chart.manifests(chart.rendered("--set", "autoscaling.enabled=false"))
    assert {it["spec"]["replicas"] for it in of(fixed, "Deployment").values()} == {2}
    traced = chart.manifests(chart.rendered("--set", "settings.OTEL_EXPORTER_OTLP_ENDPOINT=http://traces:4318"))
    egress = of(traced, "NetworkPolicy")["portal"]["spec"]["egress"]
    assert 4318 in {port["port"] for rule in egress for port in rule["ports"]}
    with pytest.raises(subprocess.CalledProcessError):
        chart.rendered("--set", "urls.portal=")


@pytest.mark.parametrize("version", ["1.27.0", chart.KUBERNETES, "1.37.0"])
def test_kubernetes_takes_every_manifest(manifests: list[Manifest], version: str) -> None:
    import kubernetes_validate  # noqa: PLC0415  # makes grammars for a second, wherever tests are collected

    for it in manifests:
        if it["kind"] not in OWN_KINDS:
            kubernetes_validate.validate(it, version, strict=True)


def test_nothing_of_what_is_deployed_is_missing(manifests: list[Manifest]) -> None:
    for kind in ("Deployment", "Service", "PodDisruptionBudget", "ConfigMap", "ScaledObject", "TriggerAuthentication"):
        assert set(of(manifests, kind)) == set(SERVICES), kind
    assert set(of(manifests, "Job")) == {"migrate", "topics"}
    assert set(of(manifests, "NetworkPolicy")) == {*SERVICES, "migrate", "topics"}
    [monitor] = of(manifests, "ServiceMonitor").values()
    assert monitor["spec"]["endpoints"][0]["path"] == "/metrics"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_takes_the_settings_that_it_is_given(
    service: str, manifests: list[Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    [container] = pods(manifests)[service]["spec"]["containers"]
    named = {it["name"] for it in container["env"]}
    settings = of(manifests, "ConfigMap")[service]["data"]
    for name in list(os.environ):
        if name.startswith(("KAFKA_", "OIDC_")) or name in SECRETS:
            monkeypatch.delenv(name)
    authorities = chart.ROOT / "README.md"  # any file that is there: only a pod has the real one
    for name, value in {**settings, **{it: SECRETS[it] for it in named}, "KAFKA_SSL_CAFILE": str(authorities)}.items():
        monkeypatch.setenv(name, value)
    assert load(SETTINGS[service]).kafka_sasl_username == service
    mounts = [it["mountPath"] for it in container["volumeMounts"]]
    assert any(settings["KAFKA_SSL_CAFILE"].startswith(f"{mount}/") for mount in mounts)


def test_secrets_are_named_and_none_is_held(manifests: list[Manifest]) -> None:
    assert "Secret" not in {it["kind"] for it in manifests}
    for template in pods(manifests).values():
        for variable in template["spec"]["containers"][0]["env"]:
            assert ("valueFrom" in variable) == (variable["name"] in SECRETS), variable["name"]
    told = [name for it in of(manifests, "ConfigMap").values() for name in it["data"]]
    assert set(told).isdisjoint(SECRETS)


def test_each_program_gets_its_own_secrets_only(manifests: list[Manifest]) -> None:
    for name, template in pods(manifests).items():
        references = [
            it["valueFrom"]["secretKeyRef"] for it in template["spec"]["containers"][0]["env"] if "valueFrom" in it
        ]
        logins = {it["key"] for it in references if it["name"] in {"registration-kafka", "registration-database"}}
        assert logins == {{"topics": "admin"}.get(name, name)}


def test_a_pod_has_no_right_that_it_does_not_need(manifests: list[Manifest]) -> None:
    for template in pods(manifests).values():
        pod, [container] = template["spec"], template["spec"]["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"]


def test_probes_and_commands_are_those_of_our_program(manifests: list[Manifest]) -> None:
    for service, it in of(manifests, "Deployment").items():
        [container] = it["spec"]["template"]["spec"]["containers"]
        assert container["args"] == ["serve", service, "--host", "0.0.0.0", "--port", "8000"]
        assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
        assert container["lifecycle"] == {"preStop": {"exec": {"command": ["sleep", "5"]}}}  # of a grace of 30
    for job, it in of(manifests, "Job").items():
        assert it["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        words = it["spec"]["template"]["spec"]["containers"][0]["args"]
        assert words[0] == job
    assert words_of_topics(manifests)[:2] == ["topics", "apply"] and "--acls" in words_of_topics(manifests)


def words_of_topics(manifests: list[Manifest]) -> list[str]:
    words: list[str] = pods(manifests)["topics"]["spec"]["containers"][0]["args"]
    return words


def test_what_selects_pods_finds_those_of_its_service_only(manifests: list[Manifest]) -> None:
    labels = {name: template["metadata"]["labels"] for name, template in pods(manifests).items()}

    def found(selector: dict[str, str]) -> set[str]:
        return {name for name, has in labels.items() if selector.items() <= has.items()}

    for service in SERVICES:
        for kind, path in (("Deployment", "selector"), ("PodDisruptionBudget", "selector")):
            assert found(of(manifests, kind)[service]["spec"][path]["matchLabels"]) == {service}
        assert found(of(manifests, "Service")[service]["spec"]["selector"]) == {service}
    for name, it in of(manifests, "NetworkPolicy").items():
        assert found(it["spec"]["podSelector"]["matchLabels"]) == {name}
        assert it["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_what_a_job_may_reach_is_allowed_before_it_runs(manifests: list[Manifest]) -> None:
    weights: dict[tuple[str, str], int] = {}
    for kind in ("Job", "NetworkPolicy"):
        for name, it in of(manifests, kind).items():
            notes = it["metadata"].get("annotations", {})
            if "helm.sh/hook" in notes:
                weights[kind, name] = int(notes.get("helm.sh/hook-weight", "0"))
    assert all(weights["NetworkPolicy", job] < weights["Job", job] for job in ("topics", "migrate"))
    assert len(weights) == 4


def test_instances_follow_the_lag_of_the_services_own_group_and_are_never_more_than_partitions(
    manifests: list[Manifest],
) -> None:
    words = words_of_topics(manifests)
    partitions = int(words[words.index("--partitions") + 1])
    for service, it in of(manifests, "ScaledObject").items():
        spec, [trigger] = it["spec"], it["spec"]["triggers"]
        assert spec["scaleTargetRef"]["name"] == f"registration-{service}"
        assert 2 <= spec["minReplicaCount"] <= spec["maxReplicaCount"] <= partitions
        assert trigger["type"] == "kafka" and trigger["metadata"]["consumerGroup"] == service
        assert "topic" not in trigger["metadata"] and trigger["metadata"]["offsetResetPolicy"] == "earliest"
        assert trigger["authenticationRef"]["name"] == f"registration-{service}"
        login = of(manifests, "TriggerAuthentication")[service]["spec"]
        assert login["secretTargetRef"][0] == {"parameter": "password", "name": "registration-kafka", "key": service}
        user = login["configMapTargetRef"][0]
        assert of(manifests, "ConfigMap")[service]["data"][user["key"]] == service


def test_every_value_is_explained_and_known_to_the_schema() -> None:
    schema = json.loads((chart.CHART / "values.schema.json").read_text(encoding="utf-8"))
    text = (chart.CHART / "values.yaml").read_text(encoding="utf-8")
    assert set(yaml.safe_load(text)) <= set(schema["properties"])
    silent = [block for block in re.split(r"\n\n(?=\S)", text) if "#" not in block]
    assert silent == []


@pytest.mark.parametrize(
    "spoilt",
    [
        {"urls": {"portal": "http://partners.example.com"}},
        {"urls": {"portal": "https://partners.example.com/path"}},
        {"kafka": {"bootstrapServers": ""}},
        {"kafka": {"securityProtocol": "PLAINTEXT"}},
        {"kafka": {"partition": 6}},
        {"settings": {"LINK_SECRET": "held here"}},
        {"services": {"registrar": {"minReplicas": 0}}},
    ],
    ids=json.dumps,
)
def test_a_wrong_value_is_refused(spoilt: Manifest) -> None:
    schema = json.loads((chart.CHART / "values.schema.json").read_text(encoding="utf-8"))
    good = joined(
        yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8")),
        yaml.safe_load(chart.EXAMPLE.read_text(encoding="utf-8")),
    )
    assert jsonschema_rs.is_valid(schema, good)
    assert not jsonschema_rs.is_valid(schema, joined(good, spoilt))


def joined(values: Manifest, more: Manifest) -> Manifest:
    """As Helm joins values."""
    result = dict(values)
    for key, value in more.items():
        there = result.get(key)
        result[key] = joined(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
    return result
