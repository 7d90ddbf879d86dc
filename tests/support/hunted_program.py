"""What a user does with a registry, with everything that it says written to standard output and error.

Started as a program, with the folder of the registry: each thing that is said begins with a line of its own.
"""

import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MARK = "=== output: "
_METADATA = """metadataEntries { label description ... on TextMetadataEntry { text }
    ... on JsonMetadataEntry { jsonString } ... on PathMetadataEntry { path }
    ... on UrlMetadataEntry { url } }"""
QUERY = f"""{{
  repositoriesOrError {{ __typename ... on RepositoryConnection {{ nodes {{
    name
    allTopLevelResourceDetails {{
      name description configuredValues {{ key value type }}
      configFields {{ name defaultValueAsJson description }} }}
    assetNodes {{ assetKey {{ path }} description {_METADATA} }}
    sensors {{ name description }}
    jobs {{ name description }} }} }} }}
  runsOrError {{ __typename ... on Runs {{ results {{
    runId status runConfigYaml tags {{ key value }}
    eventConnection {{ events {{
      __typename
      ... on MessageEvent {{ message level }}
      ... on ErrorEvent {{ error {{ message stack className errorChain {{ error {{ message stack }} }} }} }}
      ... on MaterializationEvent {{ {_METADATA} }} }} }} }} }} }}
  assetsOrError {{ __typename ... on AssetConnection {{ nodes {{
    key {{ path }} assetMaterializations {{ {_METADATA} }} }} }} }}
}}"""


def say(name: str, *texts: object) -> None:
    """Write down one output."""
    sys.stdout.write(f"{MARK}{name}\n")
    for text in texts:
        sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def telling(name: str) -> Iterator[None]:
    """Write down an error in every form in which it reaches somebody."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever is said is looked at
        copy = pickle.dumps(error).decode("latin-1")
        say(f"error of {name}", str(error), repr(error), copy, vars(error))
        say(f"traceback of {name}", "".join(traceback.format_exception(error)))


def command(*arguments: str) -> None:
    """Run a command as the shell does."""
    from s3_assets.cli.main import application

    with telling(" ".join(arguments)):
        say(f"command {' '.join(arguments)}")
        try:
            application(args=list(arguments), prog_name="s3-assets")
        except SystemExit as end:
            say(f"exit of {' '.join(arguments)}", end.code)


def one_import() -> None:
    """Run the import alone."""
    command("import", "orders")


def commands() -> None:
    """Run every command that asks something of the registry or the network."""
    for arguments in (
        ("validate",),
        ("tables", "-o", "json"),
        ("check", "lake"),
        ("import", "orders"),
        ("preview", "lake/orders"),
        ("policy",),
        ("--debug", "import", "orders"),
    ):
        command(*arguments)


def failing_commands() -> None:
    """Run those that fail, as people see it and with their tracebacks."""
    for arguments in (
        ("check", "lake"),
        ("import", "orders"),
        ("--debug", "import", "orders"),
        ("--debug", "preview", "raw/orders"),
    ):
        command(*arguments)


def _tree(value: Any) -> Iterator[Any]:
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from _tree(getattr(value, name))
    elif isinstance(value, tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _tree(each)


def models() -> None:
    """Every model of the registry in every form that pydantic knows, and what the connections turn into."""
    from s3_assets.connection.credentials import credential_source
    from s3_assets.registry import load_registry

    registry = load_registry()
    for number, model in enumerate(_tree(registry)):
        name = f"{type(model).__name__} {number}"
        say(f"repr of {name}", repr(model), str(model), f"{model}", f"{model!r}", list(model.__rich_repr__()))
        say(f"dump of {name}", model.model_dump(), model.model_dump_json(), model.model_dump(mode="json"))
        say(f"schema of {name}", json.dumps(type(model).model_json_schema()))
    for connection in registry.connections.values():
        with telling("credentials"):
            say("credentials", credential_source(connection), vars(credential_source(connection)).keys())
            credential_source(connection).current()
            say("credentials that are held", credential_source(connection).held)
    with telling("a plan"):
        frame = registry.table("raw/orders").scan()
        say("plan", frame.explain(), repr(frame))


def catalogs() -> None:
    """Open every Iceberg table, and show what its catalog and its files know."""
    from s3_assets.registry import load_registry
    from s3_assets.tables.catalogs import catalog_of
    from s3_assets.tables.catalogs.failures import catalog_errors

    registry = load_registry()
    for name, settings in registry.tables.items():
        connection = registry.connections[settings.connection]
        if settings.format == "iceberg":
            with telling(f"table {name}"), catalog_errors(connection, name):
                catalog, called = catalog_of(connection, settings)
                say(f"catalog of {name}", repr(catalog), catalog.properties, vars(catalog))
                table = catalog.load_table(called)
                say(f"files of {name}", table.io.properties, pickle.dumps(table.io).decode("latin-1"))
                say(f"columns of {name}", *table.schema().column_names)


def graphql() -> None:
    """Ask what the UI asks, of the definitions and of what the instance keeps of runs and assets."""
    program = Path(sys.executable).with_name("dagster-graphql")
    answer = subprocess.run(
        [program, "-m", "s3_assets.definitions", "-t", QUERY], capture_output=True, text=True, check=False
    )
    say("GraphQL", answer.stdout)
    say("what GraphQL logs", answer.stderr)
    found = json.loads(answer.stdout)["data"]
    if not found["runsOrError"]["results"] or not found["repositoriesOrError"]["nodes"][0]["assetNodes"]:
        raise ValueError("GraphQL knows no run or no asset")


def dagster(*names: str) -> None:
    """Load the definitions, run an import with logs at DEBUG, and ask for all that Dagster kept of it."""
    import dagster as dg

    from s3_assets.definitions import defs

    home = Path(os.environ["DAGSTER_HOME"])
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text(
        "python_logs: { python_log_level: DEBUG, managed_python_loggers: [root, botocore, s3_assets] }\n"
        "telemetry: { enabled: false }\n"
    )
    say("definitions", defs, repr(defs.get_repository_def()))
    with dg.DagsterInstance.get() as instance:
        for name in names or ("lake/orders",):
            job = defs.resolve_implicit_global_asset_job_def()
            with telling(f"the run of {name}"):
                result = job.execute_in_process(
                    instance=instance, asset_selection=[dg.AssetKey(name.split("/"))], raise_on_error=False
                )
                say("run", result.dagster_run, result.dagster_run.run_config, result.dagster_run.tags)
                say("events", *[repr(entry) for entry in instance.all_logs(result.run_id)])
                say("events for people", *[entry.user_message for entry in instance.all_logs(result.run_id)])
                for number, event in enumerate(instance.all_logs(result.run_id)):
                    say(f"event {number}", event.to_json())  # type: ignore[no-untyped-call]
    graphql()
    for file in sorted(home.rglob("*")):
        if file.is_file():
            say(f"file {file.name}", file.read_bytes().decode("latin-1"))


ACTS: dict[str, Callable[[], None]] = {
    "one": one_import,
    "commands": commands,
    "failing": failing_commands,
    "models": models,
    "dagster": dagster,
    "catalogs": catalogs,
}


def main() -> None:
    """Do what the arguments name, with every log of every library at DEBUG."""
    warnings.simplefilter("always")
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    for name in sys.argv[1:]:
        with telling(name):
            ACTS[name]()


if __name__ == "__main__":
    main()
