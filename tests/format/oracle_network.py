"""What makes a network, the kinds unknown: section 8 of docs/file-format.md, from that page alone."""

from __future__ import annotations

from typing import Any

from oracle_header import require


def check_network(header: dict[str, Any]) -> None:
    """Refuse a valid header whose nodes and tensors cannot be a network, whatever the kinds are."""
    spec = header["spec"]
    known = [each["name"] for each in spec["inputs"]]
    for node in spec["nodes"]:
        require(set(node["inputs"]) <= set(known), "network-feed")
        known.append(node["name"])
    require(len(set(known)) == len(known), "network-names")
    outputs = spec["outputs"]
    require(bool(outputs) and len(set(outputs)) == len(outputs), "network-outputs")
    require(set(outputs) <= {node["name"] for node in spec["nodes"]}, "network-outputs")
    _check_tensors(header)


def _check_tensors(header: dict[str, Any]) -> None:
    nodes, state, tensors = header["spec"]["nodes"], header["state"], set(header["tensors"])
    params = {array for node in nodes for array in node["params"].values()}
    buffers = {array for node in nodes for array in node["buffers"].values()}
    require(not params & buffers, "network-roles")
    wanted = params | buffers
    if state is not None:
        slots = state["optimizer"]["slots"]
        wanted |= {f"slot:{param}/{slot}" for param in params for slot in slots}
        owners = {*state["fit"]["callbacks"], "history", "running"}
        tensors = {name for name in tensors if _owner(name) not in owners}
    require(tensors == wanted, "network-tensors")


def _owner(name: str) -> str | None:
    return name.removeprefix("state:").split("/")[0] if name.startswith("state:") else None
