"""What a cluster keeps in files."""

from pathlib import Path

from tests.servers.ray_keeper import KEYS, RayCluster


def require_none_kept(cluster: RayCluster) -> None:
    """No file of it holds a secret: logs, records of tasks, and the store of objects, which is one, too."""
    places = (*Path(cluster.session).rglob("*"), *Path("/dev/shm").glob("plasma*"))
    kept = [path for path in places if path.is_file()]
    assert any(path.name.startswith("python-core-worker") for path in kept)
    assert not [path for path in kept if any(value.encode() in path.read_bytes() for value in KEYS.values())]
