"""`python -m benchmarks.suite.plots results.json FOLDER`: the plots as SVG, in the peers' environment."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

_OURS, _OURS_IN_DAGSTER = "#1f6f8b", "#6fb1c7"
_OTHERS = ("#c44536", "#e09f3e", "#772f1a", "#7b8e7e", "#9a8c98", "#4a4e69", "#bc6c25")
_MEGABYTE = 1e6


def main() -> None:
    results: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(sys.argv[2])
    # Text stays text, and two runs on the same figures write the same bytes.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "s3-assets", "font.size": 9})
    _bars(results["jobs"], folder / "seconds.svg")
    names = dict.fromkeys(each["job"] for each in results["growth"])
    for number, name in enumerate(names, start=1):
        curves = [each for each in results["growth"] if each["job"] == name and each["points"]]
        _growth(name, curves, folder / f"growth-{number}.svg")


def _bars(jobs: list[dict[str, Any]], file: Path) -> None:
    """Seconds of everyone, job by job, as multiples of ours."""
    shown = [job for job in jobs if len([each for each in job["contestants"] if each["best"]]) > 1]
    height = sum(len(job["contestants"]) + 1.4 for job in shown) * 0.19
    figure, axes = plt.subplots(
        len(shown),
        1,
        figsize=(8, max(height, 2)),
        gridspec_kw={"height_ratios": [len(job["contestants"]) + 0.6 for job in shown]},
        squeeze=False,
        layout="constrained",
    )
    for job, axis in zip(shown, axes[:, 0], strict=True):
        there = [each for each in job["contestants"] if each["best"]]
        colors = [_color(each["kind"]) for each in there]
        bars = axis.barh(
            [_plain(each["name"]) for each in there], [each["best"] for each in there], color=colors
        )
        axis.bar_label(bars, [f"{each['best']:.2f} s" for each in there], padding=3, fontsize=7)
        axis.invert_yaxis()
        axis.margins(x=0.12)
        axis.set_title(f"{job['name']}: {job['what']}", loc="left", fontsize=8.5)
        axis.tick_params(axis="both", labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    _save(figure, file)


def _plain(name: str) -> str:
    """Without what makes code of it in Markdown."""
    return name.replace("`", "")


def _color(kind: str) -> str:
    return {"s3-assets": _OURS, "s3-assets, in Dagster": _OURS_IN_DAGSTER}.get(kind, "#b8b8b8")


def _growth(name: str, curves: list[dict[str, Any]], file: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    others = iter(_OTHERS)
    for curve in curves:
        mine = {"s3-assets": _OURS, "s3-assets, in Dagster": _OURS_IN_DAGSTER}.get(curve["contestant"])
        style = {
            "marker": "o",
            "markersize": 3,
            "label": _plain(curve["contestant"]),
            "color": mine or next(others),
        }
        style["linewidth"] = 2.2 if mine else 1.2
        rows = [point["rows"] / 1e6 for point in curve["points"]]
        left.plot(rows, [point["seconds"] for point in curve["points"]], **style)
        right.plot(rows, [point["peak"] / _MEGABYTE for point in curve["points"]], **style)
    for axis, what in ((left, "seconds"), (right, "peak MB")):
        axis.set_xlabel("million rows")
        axis.set_ylabel(what)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    left.legend(fontsize=7, frameon=False)
    figure.suptitle(name, fontsize=9)
    _save(figure, file)


def _save(figure: Any, file: Path) -> None:  # noqa: ANN401 - of the other environment
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
