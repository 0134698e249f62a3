"""How fast is the one pass over a video, against bare decoding and against the usual chain of three tools?

    python benchmarks/video.py VIDEO... [--repeat 3] [--hour]

Prints, per file, median wall and CPU seconds of: bare decoding (PyAV, all cores); our pass (decoding, freezes, cuts,
pictures); the chain (ffmpeg freezedetect, PySceneDetect's content detector, ffmpeg frame extraction at the same pace).
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


def seconds(act: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Median wall and CPU seconds."""
    act()
    walls, cpus = [], []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), processor()
        act()
        walls.append(time.perf_counter() - wall)
        cpus.append(processor() - cpu)
    return statistics.median(walls), statistics.median(cpus)


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
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--hour", action="store_true")
    options = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        sys.exit("needs ffmpeg on the PATH")
    for path in options.videos:
        bare = seconds(lambda path=path: decode(path), options.repeat)
        ours = seconds(lambda path=path: read_video(path), options.repeat)
        theirs = seconds(lambda path=path: chain(path), options.repeat)
        for n, kind in enumerate(("wall", "cpu")):
            figures = {"decode": bare[n], "pass": ours[n], "chain": theirs[n]}
            figures |= {"of decoding": bare[n] / ours[n], "chain / pass": theirs[n] / ours[n]}
            print(path.name, kind, json.dumps({name: round(value, 3) for name, value in figures.items()}))
    if options.hour:
        with tempfile.TemporaryDirectory() as folder:
            suffix = options.videos[0].suffix
            minute = repeated(options.videos[0], MINUTE, Path(folder) / f"minute{suffix}")
            hour = repeated(options.videos[0], HOUR, Path(folder) / f"hour{suffix}")
            print("peak MB over a minute and an hour:", round(peak_memory(minute)), round(peak_memory(hour)))


if __name__ == "__main__":
    main()
