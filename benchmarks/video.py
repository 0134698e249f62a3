"""How fast is the one pass over a video, against bare decoding and against the usual chain of three tools?

    python benchmarks/video.py VIDEO... [--repeat 5] [--hour]

Prints, per file, median wall and CPU seconds (and the ratios of the least of them) of: bare decoding (PyAV, all cores);
our pass (decoding, freezes, cuts, pictures); the chain (ffmpeg freezedetect, PySceneDetect's content detector, ffmpeg
frame extraction at the same pace).
Needs ffmpeg on the PATH and the packages of the extra [bench]. With --hour the first file is concatenated to an hour,
and peak memory of the pass over one minute of it and over all of it is printed.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import av

from sightline.media.video import VideoConfig, read_video

HOUR, MINUTE = 3600.0, 60.0


def decode(path: Path) -> int:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        return sum(1 for _ in container.decode(stream))


def chain(path: Path) -> None:
    """What one would run without us; each tool decodes the file anew."""
    import scenedetect

    quiet = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(path)]
    subprocess.run([*quiet, "-vf", "freezedetect=n=0.05:d=2", "-an", "-f", "null", "-"], check=True)
    scenedetect.detect(str(path), scenedetect.ContentDetector(15))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*quiet, "-vf", "fps=1/2,scale=448:-2", "-q:v", "4", f"{folder}/%05d.jpg"], check=True)


def processor() -> float:
    """CPU seconds of this process and of the tools it ran: on a shared machine steadier than the clock on the wall."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def rounds(acts: dict[str, Callable[[], object]], repeat: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU seconds of each act, one after the other in every round, so that a busy neighbour meets all alike;
    a first round is not counted."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in acts}
    for number in range(repeat + 1):
        for name, act in acts.items():
            wall, cpu = time.perf_counter(), processor()
            act()
            if number:
                taken[name].append((time.perf_counter() - wall, processor() - cpu))
    return taken


def compared(taken: dict[str, list[tuple[float, float]]], clock: int) -> dict[str, float]:
    """Medians, and ratios of the least: what else runs on the machine only ever adds."""
    least = {name: min(row[clock] for row in rows) for name, rows in taken.items()}
    medians = {name: statistics.median(row[clock] for row in rows) for name, rows in taken.items()}
    ratios = {"of decoding": least["decode"] / least["pass"], "chain / pass": least["chain"] / least["pass"]}
    return {name: round(value, 3) for name, value in (medians | ratios).items()}


def peak_memory(path: Path) -> float:
    """MB of a fresh process that reads `path` once."""
    code = (
        "import sys, resource\nfrom sightline.media.video import VideoConfig, read_video\n"
        "read_video(sys.argv[1], VideoConfig(max_seconds=1e6))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    return float(run.stdout)


def repeated(path: Path, length: float, target: Path) -> Path:
    """`path` concatenated without re-encoding until it lasts `length` seconds."""
    times = int(length / read_video(path, VideoConfig(max_frames=1)).facts.duration) + 1
    command = ["ffmpeg", "-v", "error", "-y", "-stream_loop", str(times), "-i", str(path), "-t", str(length)]
    subprocess.run([*command, "-an", "-c", "copy", str(target)], check=True)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--hour", action="store_true")
    options = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        sys.exit("needs ffmpeg on the PATH")
    for path in options.videos:
        acts: dict[str, Callable[[], object]] = {
            "decode": partial(decode, path),
            "pass": partial(read_video, path),
            "chain": partial(chain, path),
        }
        taken = rounds(acts, options.repeat)
        for clock, kind in enumerate(("wall", "cpu")):
            print(path.name, kind, json.dumps(compared(taken, clock)))
    if options.hour:
        with tempfile.TemporaryDirectory() as folder:
            suffix = options.videos[0].suffix
            minute = repeated(options.videos[0], MINUTE, Path(folder) / f"minute{suffix}")
            hour = repeated(options.videos[0], HOUR, Path(folder) / f"hour{suffix}")
            print("peak MB over a minute and an hour:", round(peak_memory(minute)), round(peak_memory(hour)))


if __name__ == "__main__":
    main()
