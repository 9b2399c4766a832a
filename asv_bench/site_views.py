"""What asv's site does not do by itself: landmarks have names in the graphs, and a graph opens so that it can be read.

asv opens a graph with the lines of all machines, on a linear axis that no small value leaves, under a legend that lies on the
oldest points. Its address can say otherwise, and views.js completes it. Nothing that asv has computed is changed.
"""

import json
import math
from pathlib import Path

from asv.graph import Graph

SCRIPT = Path(__file__).with_name("views.js")
ASV_SCRIPT = "<script language"  # the first of asv's own, which read the address
ASV_AXIS = "if (params['y-axis-scale']) {"
# Without this, asv keeps the axis of the graph before where an address names none.
AXIS_ANEW = "log_scale = zoom_y_axis = false; $('#log-scale, #zoom-y-axis').removeClass('active'); "
DECADE = 10
STYLE = """<style>
  #main-graph { width: calc(100% - 190px) !important; }
  #main-graph .legend > div { display: none; }
  #main-graph .legend > table { left: auto !important; right: -185px !important; width: 180px; }
</style>
"""


def add(folder, landmarks):
    """Add to a published site the {abbreviated commit: name} of landmarks, and how each graph opens."""
    place = folder / "index.json"
    index = json.loads(place.read_text(encoding="utf-8"))
    index["tags"] |= {
        name: int(revision)
        for revision, full in index["revision_to_hash"].items()
        for abbreviated, name in landmarks.items()
        if full.startswith(abbreviated)
    }
    place.write_text(json.dumps(index), encoding="utf-8")
    units = {name: benchmark["unit"] for name, benchmark in index["benchmarks"].items()}
    views = {name: view(points_by_machine(folder, index, name), unit) for name, unit in units.items()}
    script = SCRIPT.read_text(encoding="utf-8").replace("VIEWS", json.dumps(views), 1)
    insert(folder / "index.html", f"<script>\n{script}</script>\n{STYLE}", ASV_SCRIPT)
    insert(folder / "graphdisplay.js", AXIS_ANEW, ASV_AXIS)


def insert(file, added, before):
    text = file.read_text(encoding="utf-8")
    if before not in text:
        raise SystemExit(f"this asv's {file.name} does not have {before!r}: tell {Path(__file__).name} what it has now")
    file.write_text(text.replace(before, added + before, 1), encoding="utf-8")


def points_by_machine(folder, index, benchmark):
    """{machine: [(revision, its values)]}, without what failed."""
    found = {}
    for state in index["graph_param_list"]:
        graph = folder / f"{Graph.get_file_path(state, benchmark)}.json"
        for revision, result in json.loads(graph.read_text(encoding="utf-8")) if graph.exists() else []:
            results = result if isinstance(result, list) else [result]
            values = [value for value in results if value is not None and math.isfinite(value)]
            if values:
                found.setdefault(state["machine"], []).append((revision, values))
    return found


def view(machines, unit):
    """How a graph opens: the machine with most commits, evenly spaced, on a logarithmic axis where values span decades.

    A percentage has an upper end, which a linear axis shows.
    """
    if not machines:
        return {}
    machine, points = max(machines.items(), key=lambda item: len({revision for revision, _ in item[1]}))
    values = [value for _, some in points for value in some]
    spans = min(values) > 0 and max(values) >= DECADE * min(values) and not unit.startswith("%")
    return {"machine": machine, "x-axis-scale": "even"} | ({"y-axis-scale": "log"} if spans else {})
