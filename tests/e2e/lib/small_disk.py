"""Disks of a few megabytes, to be filled."""
import os
import subprocess

from lib import tap
from lib.tap import Skip

_mounted = []


def mount(path, size_mb):
    """Make the directory `path`, on a disk of its own."""
    if os.geteuid() != 0:
        raise Skip("only root can mount a small disk")
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "weir", path],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skip(f"no small disk here: {done.stderr.strip()}")
    _mounted.append(path)


def _unmount():
    """Before the directories are removed; who still uses a disk keeps it."""
    for path in _mounted:
        subprocess.run(["umount", "-l", path], check=True)
    _mounted.clear()
    return ""


tap.AT_END.insert(0, _unmount)
