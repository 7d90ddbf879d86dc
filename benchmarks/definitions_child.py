"""Loads definitions once, part by part, and prints what each part took: see `definitions`."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

_MEGABYTE = 1024.0


class Meter:
    """Processor seconds of each part, and the resident memory that it adds if it is a large one.

    A part inside of another is taken out of that one.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.grown: dict[str, float] = {}
        self._inside = [0.0]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        before = status("VmRSS")
        with self._timed(name):
            yield
        self.grown[name] = status("VmRSS") - before

    def around(self, module: object, function: str, name: str) -> None:
        """Measure every call of a function of a module."""
        plain = getattr(module, function)

        def measured(*arguments: object, **options: object) -> object:
            with self._timed(name):
                return plain(*arguments, **options)

        setattr(module, function, measured)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        begin = time.process_time()
        self._inside.append(0.0)
        yield
        seconds = time.process_time() - begin
        inner = self._inside.pop()
        self._inside[-1] += seconds
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds - inner


def status(line: str) -> float:
    # Not the peak of resource: a process that was started by a larger one inherits that one's.
    with Path("/proc/self/status").open() as lines:
        return next((int(each.split()[1]) for each in lines if each.startswith(f"{line}:")), 0) / _MEGABYTE


def plain(meter: Meter, count: int) -> dg.Definitions:
    """As many functions as there are tables: half of them without anything upstream."""

    def made(number: int, folder: str, upstream: list[str]) -> dg.AssetsDefinition:
        @dg.asset(key=[folder, f"t{number}"], deps=upstream)
        def rows() -> None:
            pass

        return rows

    with meter.part("assets"):
        assets = [made(number, "landing", []) for number in range(count // 2)]
        assets += [
            made(number, "lake", [dg.AssetKey(["landing", f"t{number}"])]) for number in range(count // 2)
        ]
        return dg.Definitions(assets=assets)


def ours(meter: Meter, file: Path) -> dg.Definitions:
    with meter.part("imports"):
        from s3_assets import builder
    from s3_assets.generated import Generated
    from s3_assets.registry import loading

    meter.around(loading.yaml, "compose", "yaml")
    meter.around(Generated, "spec", "specs")
    for function in ("import_asset", "observable_sources"):
        meter.around(builder, function, "assets")
    with meter.part("registry"):
        registry = loading.load_registry(file)
    with meter.part("others"):
        return builder.build_definitions(registry)


def main() -> None:
    name, count, file = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    meter, bare = Meter(), status("VmRSS")
    definitions = plain(meter, count) if name.startswith("plain") else ours(meter, file)
    with meter.part("repository"):
        definitions.get_repository_def()
        graph = definitions.resolve_asset_graph()
    told = {
        "assets": len(graph.get_all_asset_keys()),
        "bare": bare,
        "peak": status("VmHWM"),
        "seconds": meter.seconds,
        "grown": meter.grown,
    }
    print(json.dumps(told))
    sys.stdout.flush()
    # The interpreter would take a second more to give back what it holds.
    os._exit(0)


if __name__ == "__main__":
    main()
