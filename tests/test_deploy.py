"""The files in deploy/ fit the code: variables, commands, paths and cluster ids. Nothing is run."""

import re
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from clipsite.management.commands.serve import _processes
from search.engines.vespa_http import CLUSTER, SCHEMA
from search.engines.vespa_package import render

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
OVERLAY = DEPLOY / "vespa-cluster"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE_TEXT = (DEPLOY / "compose.yaml").read_text()
DOCUMENT = (ROOT / "docs" / "vespa.md").read_text(encoding="utf-8")
VARIABLES = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
# Read by Compose alone, to make the address of the database.
ONLY_COMPOSE = {"POSTGRES_PASSWORD"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)["services"]
    return found


@pytest.fixture(scope="module")
def ours(services: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in services.items() if "build" in service}


def command_of(service: dict[str, Any]) -> str:
    command = service["command"]
    return command if isinstance(command, str) else " ".join(command)


def test_every_variable_is_one_that_the_product_reads(ours: dict[str, Any]) -> None:
    assert set(re.findall(r"\$\{([A-Z_]+)", COMPOSE_TEXT)) <= VARIABLES | ONLY_COMPOSE
    for service in ours.values():
        assert set(service["environment"]) <= VARIABLES


def test_secrets_come_from_the_environment_and_have_no_default() -> None:
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
        assert set(re.findall(rf"\$\{{{name}(..)", COMPOSE_TEXT)) == {":?"}


def test_images_of_others_have_exact_tags(services: dict[str, Any], ours: dict[str, Any]) -> None:
    for name in services.keys() - ours.keys():
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+(\.\d+)?", services[name]["image"])


def test_only_the_web_server_is_published_and_only_to_this_machine(
    services: dict[str, Any],
) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"]}


def test_what_is_waited_for_has_a_health_check(services: dict[str, Any]) -> None:
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in services[other]


def test_volumes_and_networks_are_declared(services: dict[str, Any]) -> None:
    compose = yaml.safe_load(COMPOSE_TEXT)
    for service in services.values():
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(compose["volumes"])
        assert set(service["networks"]) <= set(compose["networks"])


def test_web_and_workers_share_one_state(ours: dict[str, Any]) -> None:
    for service in ours.values():
        assert service["volumes"] == [f"state:{service['environment']['CLIPSITE_VAR']}"]
    assert f"CLIPSITE_VAR={ours['web']['environment']['CLIPSITE_VAR']}" in DOCKERFILE


def test_processes_are_those_of_the_start_in_one(ours: dict[str, Any]) -> None:
    processes = _processes("0.0.0.0", 8000)
    for service, process in (("web", "web"), ("worker", "worker"), ("gpu", "gpu")):
        run = command_of(ours[service]).split("python -m ")[-1]
        assert f"-m {run}" in processes[process]
    assert (
        processes["web"].split(" -m ")[1].split()
        == re.findall(r'"([^"]+)"', DOCKERFILE.rsplit("CMD", 1)[1])[2:]
    )


def test_every_queue_has_one_worker_and_there_is_one_beat(ours: dict[str, Any]) -> None:
    commands = [command_of(service) for service in ours.values()]
    queues = sorted(found for command in commands for found in re.findall(r" -Q (\w+)", command))
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert queues == sorted({settings.CELERY_TASK_DEFAULT_QUEUE, *routed})
    assert sum(" beat " in command for command in commands) == 1


def test_commands_that_are_named_exist(ours: dict[str, Any]) -> None:
    commands = " ".join(command_of(service) for service in ours.values())
    assert set(re.findall(r"manage\.py (\w+)", commands)) <= set(get_commands())


def test_the_gpu_file_changes_a_worker_that_there_is(ours: dict[str, Any]) -> None:
    override = yaml.safe_load((DEPLOY / "compose.gpu.yaml").read_text())["services"]
    assert set(override) == {"gpu"} <= set(ours)
    assert all(f"ARG {name}=" in DOCKERFILE for name in override["gpu"]["build"]["args"])


def test_the_image_is_made_of_files_that_exist_and_holds_every_package() -> None:
    copied = re.findall(r"^COPY (\S+) \S+$", DOCKERFILE, re.MULTILINE)
    assert [path for path in copied if not (ROOT / path).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(project["tool"]["importlinter"]["root_packages"]) <= set(copied)
    groups = set(re.findall(r"--group (\w+)", DOCKERFILE))
    assert groups == {"run", "postgres"} <= set(project["dependency-groups"])


def test_the_image_installs_what_the_makefile_installs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for wanted in (r"pip==[\d.]+", r"torch==[\d.]+", r"--no-deps --require-hashes -r \S+"):
        assert re.findall(wanted, DOCKERFILE) == re.findall(wanted, makefile)


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE)[-1] != "root"


@pytest.mark.parametrize("folder", [settings.VESPA_PACKAGE, OVERLAY], ids=["one", "cluster"])
def test_cluster_ids_are_those_that_the_adapter_uses(folder: Path) -> None:
    root = ElementTree.parse(folder / "services.xml").getroot()
    assert [content.get("id") for content in root.findall("content")] == [CLUSTER]
    assert [container.get("id") for container in root.findall("container")] == ["default"]
    assert root.find("content/documents/document-processing").attrib == {"cluster": "default"}
    assert root.find("content/documents/document").attrib == {"type": SCHEMA, "mode": "index"}


@pytest.mark.parametrize("folder", [settings.VESPA_PACKAGE, OVERLAY], ids=["one", "cluster"])
def test_every_host_that_services_name_is_listed_and_used(folder: Path) -> None:
    hosts = ElementTree.parse(folder / "hosts.xml").getroot()
    services = ElementTree.parse(folder / "services.xml").getroot()
    aliases = [alias.text for alias in hosts.iter("alias")]
    used = {node.get("hostalias") for node in services.iter() if node.get("hostalias")}
    assert sorted(aliases) == sorted(used)
    keys = [node.get("distribution-key") for node in services.findall("content/nodes/node")]
    assert keys == [str(number) for number in range(len(keys))]


def test_the_cluster_survives_the_loss_of_one_node() -> None:
    services = ElementTree.parse(OVERLAY / "services.xml").getroot()
    assert len(services.findall("admin/configservers/configserver")) == 3
    assert len(services.findall("container/nodes/node")) == 2
    assert len(services.findall("content/nodes/node")) == 3
    assert services.findtext("content/redundancy") == "2"
    assert services.findtext("content/engine/proton/searchable-copies") == "2"
    limits = services.find("content/tuning/resource-limits")
    assert {limit.tag: float(limit.text) < 0.8 for limit in limits} == {
        "disk": True,
        "memory": True,
    }


def test_the_overlay_replaces_files_of_the_package_and_adds_none() -> None:
    assert set(render(OVERLAY, {})) == {"services.xml", "hosts.xml"}
    assert set(render(settings.VESPA_PACKAGE, {}, OVERLAY)) == set(
        render(settings.VESPA_PACKAGE, {})
    )


def test_the_document_names_variables_and_files_that_exist() -> None:
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+|HTTPS)[=`]", DOCUMENT))
    elsewhere = {"VESPA_CONFIGSERVERS"}
    assert named <= VARIABLES | ONLY_COMPOSE | elsewhere
    files = re.findall(r"[` ]((?:deploy|vespa|tests|search)/[\w./-]*)`", DOCUMENT)
    assert len(files) > 10
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_the_document_says_the_numbers_of_the_code() -> None:
    from search.engines import vespa_http, vespa_queries
    from search.indexing import MOST_PAUSES, PAUSE
    from search.retrieval import POOL
    from search.verification import RECALL_NEEDED, RECALL_QUERIES

    for said in (
        f"- {vespa_http.IN_FLIGHT} documents are in flight",
        f"up to {vespa_http.LONGEST_PAUSE:.0f} s, at random, for {vespa_http.PATIENCE:.0f} s",
        f"waits {PAUSE:.0f} s, up to {MOST_PAUSES} times",
        f"over {RECALL_QUERIES} sampled captions, the graph finds {RECALL_NEEDED:.0%}".replace(
            "%", " %"
        ),
        f"`search/engines/vespa_queries.py` | {vespa_queries.EXPLORE_MORE} |",
        f"`search/retrieval.py` | {POOL} |",
    ):
        assert said in DOCUMENT


def test_the_document_says_the_settings_of_the_schema() -> None:
    files = render(settings.VESPA_PACKAGE, {})
    schema, profile = files["schemas/image.sd"], files["schemas/image/semantic_a.profile"]
    for name, text in (
        ("max-links-per-node", schema),
        ("neighbors-to-explore-at-insert", schema),
        ("approximate-threshold", profile),
        ("post-filter-threshold", profile),
    ):
        values = set(re.findall(rf"{name}: ([\d.]+)", text))
        assert values == set(re.findall(rf"`{name}` \|[^|]*\| ([\d.]+) \|", DOCUMENT))
