"""The files of `deploy/` agree with each other, with Dagster's own schemas, and with this project."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster_aws.ecs import EcsRunLauncher

from s3_assets.cli.permissions import service_of
from s3_assets.permissions import policies
from s3_assets.registry.loading import load_registry
from tests.production.files import CLONE, DEPLOY, example, parsed, template, variables
from tests.support.extent import EVERYTHING

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
PSEUDO = {"AWS::Partition", "AWS::Region", "AWS::AccountId", "AWS::StackName"}
PROGRAMS = {"dagster", "dagster-webserver", "dagster-daemon", "python"}


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping, however deep."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from inside(each)
    elif isinstance(value, list):
        for each in value:
            yield from inside(each)


def snake(value: Any) -> Any:
    """The chart's words as `dagster.yaml` has them."""
    if isinstance(value, dict):
        return {re.sub(r"([A-Z])", r"_\1", name).lower(): snake(each) for name, each in value.items()}
    return [snake(each) for each in value] if isinstance(value, list) else value


def test_the_charts_values_say_what_dagster_yaml_says() -> None:
    ours, values = parsed("dagster.yaml"), parsed("helm/values.yaml")
    daemon = values["dagsterDaemon"]
    switches = {"enabled": True}

    assert snake(values["concurrency"]) == ours["concurrency"] | switches
    assert snake(values["retention"]) == ours["retention"] | switches
    assert snake(daemon["runMonitoring"]) == ours["run_monitoring"]
    assert snake(daemon["runRetries"]) == ours["run_retries"]
    assert {name: snake(daemon[name]) for name in ("sensors", "schedules", "backfills")} == {
        name: ours[name] for name in ("sensors", "schedules", "backfills")
    }
    assert snake(values["pythonLogs"]) == ours["python_logs"]
    assert values["telemetry"] == ours["telemetry"]
    scheme = ours["storage"]["postgres"]["postgres_db"]["scheme"]
    assert values["postgresql"]["postgresqlScheme"] == scheme
    assert values["additionalInstanceConfig"] == {"nux": ours["nux"]}
    logs = snake(values["computeLogManager"]["config"]["s3ComputeLogManager"])
    assert {**logs, "bucket": ours["compute_logs"]["config"]["bucket"]} == ours["compute_logs"]["config"]


def test_the_charts_image_is_one_and_runs_know_the_region() -> None:
    values = parsed("helm/values.yaml")
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    images = [values["dagsterWebserver"]["image"], values["dagsterDaemon"]["image"], deployment["image"]]
    told = {each.partition("=")[0] for each in values["runLauncher"]["config"]["k8sRunLauncher"]["envVars"]}

    assert images == [images[0]] * 3
    assert told <= set(example())
    assert deployment["dagsterApiGrpcArgs"][-1] == "s3_assets.definitions"


def test_the_run_launcher_is_one_of_dagster_aws() -> None:
    launcher = parsed("ecs/run_launcher.yaml")["run_launcher"]

    assert getattr(import_module(launcher["module"]), launcher["class"]) is EcsRunLauncher
    known: dict[str, object] = EcsRunLauncher.config_type()  # type: ignore[no-untyped-call]  # it has no types
    assert set(launcher["config"]) <= set(known)
    assert "run_launcher" not in parsed("dagster.yaml")
    assert yaml.safe_load((DEPLOY / "no_run_launcher.yaml").read_text()) is None


def test_every_reference_of_the_stack_is_there() -> None:
    stack = template()
    there = {*stack["Parameters"], *stack["Resources"], *PSEUDO}
    found = set()
    for each in inside(stack):
        if "Ref" in each:
            found.add(each["Ref"])
        if "Fn::GetAtt" in each:
            found.add(each["Fn::GetAtt"].partition(".")[0])
        if "Fn::Sub" in each:
            found |= {name.partition(".")[0] for name in re.findall(r"\$\{([^}]+)\}", each["Fn::Sub"])}

    assert found <= there
    assert set(stack["Parameters"]) <= found


def test_the_stack_has_the_policy_that_we_print() -> None:
    registry = load_registry(DEPLOY / "ecs" / "s3_assets.yaml")
    (document,) = policies(registry, "lake", service_of(registry.connections["lake"]))
    role = template()["Resources"]["DataRole"]["Properties"]

    (inline,) = role["Policies"]
    assert inline["PolicyDocument"] == document.as_json()


def test_the_stacks_containers_are_told_what_dagster_asks_for() -> None:
    resources = template()["Resources"]
    told = {
        name: {each["Name"] for each in (*container["Environment"], *container["Secrets"])}
        for name, each in resources.items()
        if each["Type"] == "AWS::ECS::TaskDefinition"
        for container in each["Properties"]["ContainerDefinitions"]
    }
    instance, workspace = variables(parsed("dagster.yaml")), variables(parsed("workspace.yaml"))
    launcher = variables(parsed("ecs/run_launcher.yaml"))

    assert told["RunTask"] >= instance
    assert told["CodeTask"] >= instance
    assert told["WebserverTask"] >= instance | workspace | launcher
    assert told["DaemonTask"] >= instance | workspace | launcher
    (rule,) = resources["ComputeLogs"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (plain,) = json.loads((DEPLOY / "logs-lifecycle.json").read_text())["Rules"]
    assert (rule["Prefix"], rule["ExpirationInDays"]) == (
        plain["Filter"]["Prefix"],
        plain["Expiration"]["Days"],
    )


def commands() -> dict[str, list[str]]:
    """What the containers run, by where it is said."""
    found = {
        f"ecs {name}": container["Command"]
        for name, each in template()["Resources"].items()
        if each["Type"] == "AWS::ECS::TaskDefinition"
        for container in each["Properties"]["ContainerDefinitions"]
        if "Command" in container
    }
    compose = parsed("docker-compose.yaml")["services"]
    found |= {f"compose {name}": each["command"] for name, each in compose.items() if "command" in each}
    (started,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    return {**found, "Dockerfile": json.loads(started)}


def test_the_containers_start_what_the_extras_install() -> None:
    folder = Path(sys.executable).parent

    for each in commands().values():
        assert each[0] in PROGRAMS
        assert (folder / each[0]).is_file()
    assert set(example()) >= set(re.findall(r"\$\{(\w+)", (DEPLOY / "docker-compose.yaml").read_text()))


def test_the_image_is_made_of_what_is_there() -> None:
    ignored = [
        line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().split() if line.startswith("!")
    ]
    (launcher,) = re.findall(r"^ARG RUN_LAUNCHER=(\S+)$", DOCKERFILE, re.MULTILINE)
    copied = [
        source.replace("${RUN_LAUNCHER}", launcher)
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    extras = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (asked,) = re.findall(r"\[([a-z,]+)\]\"", DOCKERFILE)

    for source in copied:
        assert (CLONE / source).exists()
        assert any(fnmatch(source.removeprefix("./").split("/")[0], each) for each in ignored)
    assert set(asked.split(",")) <= set(extras)


@pytest.mark.skipif(not EVERYTHING, reason="installs everything anew, which takes a minute: EVERYTHING=1")
@pytest.mark.timeout(900)
def test_the_images_commands_install_what_it_starts(tmp_path: Path) -> None:
    """All of the first stage, with other folders, by this Python instead of the image's."""
    stage = DOCKERFILE.split("\nFROM ")[1]
    build, target, wheels = tmp_path / "build", tmp_path / "s3-assets", tmp_path / "wheels"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "python")], check=True)
    build.mkdir()
    for line in re.findall(r"^COPY (.+)$", stage, re.MULTILINE):
        for source in line.split()[:-1]:
            subprocess.run(["cp", "-r", str(CLONE / source), str(build)], check=True)  # noqa: S607 - the system's
    search = f"{tmp_path / 'python' / 'bin'}:/usr/bin:/bin"
    for line in re.findall(r"^RUN (.+)$", stage, re.MULTILINE):
        command = line.replace("/opt/s3-assets", str(target)).replace("/wheels", str(wheels))
        surroundings = {**os.environ, "PATH": search}
        subprocess.run(["bash", "-ec", command], cwd=build, env=surroundings, check=True)  # noqa: S607 - as Docker

    for program in {each[0] for each in commands().values()}:
        told = subprocess.run([str(target / "bin" / program), "--version"], capture_output=True, check=True)
        assert told.stdout
    question = "import dagster_postgres, dagster_aws.s3, dagster_aws.ecs, s3_assets.definitions"
    subprocess.run([str(target / "bin" / "python"), "-c", question], cwd=CLONE, check=True)
