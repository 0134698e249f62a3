"""Files that break readers, full disks, killed runs: rows with reasons, or one line; never a traceback."""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from PIL import Image
from reportlab.lib import pdfencrypt
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from sightline.recipes.dataset import Dataset

Cli = Callable[..., Any]
COMMAND = str(Path(sys.executable).with_name("sightline"))


def raw_pdf(path: Path, *objects: bytes) -> None:
    """A PDF with these objects, numbered from 1, and a right cross-reference table."""
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    path.write_bytes(out)


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def one_page(path: Path, entries: bytes, content: bytes, *more: bytes) -> None:
    stream = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)
    raw_pdf(path, CATALOG, PAGES, b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R " + entries + b" >>", stream, *more)


def bad_files(folder: Path, whole: bytes) -> dict[str, set[str]]:
    """Writes them; name -> the reasons that are true of each."""
    folder.mkdir()
    (folder / "corrupt.pdf").write_bytes(b"%PDF-1.7\n" + random.Random(0).randbytes(4000))
    (folder / "truncated.pdf").write_bytes(whole[: len(whole) // 2])
    (folder / "text.pdf").write_text("not a PDF at all")
    (folder / "nothing.pdf").write_bytes(b"")
    raw_pdf(folder / "zero.pdf", CATALOG, b"<< /Type /Pages /Kids [] /Count 0 >>")
    raw_pdf(folder / "recursive.pdf", CATALOG, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>")
    one_page(folder / "enormous.pdf", b"/MediaBox [0 0 100000 100000]", b"")
    picture = (
        b"<< /Type /XObject /Subtype /Image /Width 46000 /Height 46000 /BitsPerComponent 8 /ColorSpace /DeviceGray"
    )
    body = picture + b" /Filter /FlateDecode /Length 8 >>\nstream\nx\x9c\x03\x00\x00\x00\x00\x01\nendstream"
    one_page(folder / "gigapixels.pdf", b"/MediaBox [0 0 200 200] /Resources << /XObject << /I 5 0 R >> >>",
             b"q 200 0 0 200 0 0 cm /I Do Q", body)  # fmt: skip
    pdf = canvas.Canvas(str(folder / "locked.pdf"), encrypt=pdfencrypt.StandardEncryption("secret", strength=128))
    pdf.drawString(90, 700, "nobody may read this")
    pdf.save()
    with open(bytes(folder) + b"/caf\xe9 \xff.pdf", "wb") as file:
        file.write(whole)
    (folder / "twice.pdf").write_bytes(whole)
    os.mkfifo(folder / "pipe.pdf")
    (folder / "dangling.pdf").symlink_to(folder / "gone")
    return {
        "corrupt.pdf": {"broken-pdf"},
        "truncated.pdf": {"broken-pdf", "no-pages", "broken-page"},
        "text.pdf": {"not-a-pdf"},
        "nothing.pdf": {"not-a-pdf"},
        "zero.pdf": {"no-pages", "broken-pdf"},
        "recursive.pdf": {"broken-page", "broken-pdf", "no-pages", "empty-page"},
        "enormous.pdf": {"page-too-large"},
        "gigapixels.pdf": {"picture-too-large"},
        "locked.pdf": {"encrypted-pdf"},
        "twice.pdf": {"duplicate-file"},
        "pipe.pdf": {"unreadable-file"},
        "dangling.pdf": {"unreadable-file"},
    }


def test_bad_files_are_named_and_good_ones_between_them_are_kept(cli: Cli, examples: Path, tmp_path: Path) -> None:
    expected = bad_files(tmp_path / "in", (examples / "invoice.pdf").read_bytes())
    ran = cli("build", "documents", tmp_path / "in", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert "Traceback" not in ran.out + ran.err
    dataset = Dataset(tmp_path / "out")
    found: dict[str, set[str]] = {}
    for row in dataset.rejects():
        found.setdefault(row.origin.partition(" page")[0], set()).add(row.reason)
    for name, reasons in expected.items():
        assert found.get(name, set()) & reasons, (name, found.get(name))
        assert found[name] <= reasons | {"nothing-to-ask"}
    names = {row["source"]["name"] for row in dataset.rows(["source"])}
    assert names == {"caf\\xe9 \\xff.pdf"}
    record = next(iter(dataset.rows(["id"])))["id"]
    for verb in (("inspect",), ("inspect", record), ("audit",), ("report",), ("check", "--for", "trl")):
        ran = cli(verb[0], tmp_path / "out", *verb[1:])
        assert ran.code == 0, (verb, ran)


def slow_pdf(path: Path) -> None:
    """A page whose drawing takes minutes: a form that draws the one below it ten times, nine times over."""
    forms = [
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 600 800] /Resources << /XObject << /N %d 0 R >> >> "
        b"/Length %d >>\nstream\n%s\nendstream" % (number + 1, 10 * 6, b"/N Do\n" * 10)
        for number in range(5, 14)
    ]
    last = b"0 0 m 600 800 l 300 20 l h f\n" * 5
    leaf = b"<< /Type /XObject /Subtype /Form /BBox [0 0 600 800] /Length %d >>\nstream\n%s\nendstream" % (
        len(last),
        last,
    )
    one_page(path, b"/MediaBox [0 0 600 800] /Resources << /XObject << /N 5 0 R >> >>", b"/N Do", *forms, leaf)


def test_a_page_that_hangs_the_reader_is_cut_off(cli: Cli, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    slow_pdf(tmp_path / "in" / "slow.pdf")
    shutil.copy(examples / "invoice.pdf", tmp_path / "in")
    began = time.monotonic()
    build = ["build", "documents", tmp_path / "in", "--out", tmp_path / "out", "--workers", 1]
    ran = cli(*build, "--time-limit", 3)
    assert ran.code == 0, ran.err
    assert time.monotonic() - began < 60
    rejects = [(row.reason, row.origin) for row in Dataset(tmp_path / "out").rejects()]
    assert rejects == [("time-limit", "slow.pdf page 1")]
    assert {row["source"]["name"] for row in Dataset(tmp_path / "out").rows(["source"])} == {"invoice.pdf"}
    assert not [child for child in psutil.Process().children(recursive=True) if child.status() == "running"]
    assert "nothing to do" in cli(*build, "--time-limit", 3).out


def test_a_document_in_which_nothing_can_be_asked_is_a_dataset_of_none(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pdf = canvas.Canvas(str(tmp_path / "in" / "blank.pdf"))
    pdf.showPage()
    pdf.save()
    ran = cli("build", "documents", tmp_path / "in", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert [row.reason for row in Dataset(tmp_path / "out").rejects()] == ["empty-page"]
    assert list(Dataset(tmp_path / "out").rows()) == []
    assert cli("inspect", tmp_path / "out").code == 0
    assert cli("report", tmp_path / "out").code == 0
    assert cli("check", tmp_path / "out", "--for", "trl").code == 1
    audit = cli("audit", tmp_path / "out")
    assert (audit.code, audit.out) == (2, "")
    assert "no accepted pair" in audit.error


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """small_disk(kilobytes) -> a folder on a disk of its own."""
    mounted: list[Path] = []

    def mount(kilobytes: int) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)],
                              capture_output=True, text=True)  # fmt: skip
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("kilobytes", [40, 1200])
def test_a_full_disk_is_one_line_and_more_room_goes_on(
    kilobytes: int, cli: Cli, examples: Path, built_examples: Path, small_disk: Callable[[int], Path],
    records: Callable[[Path], set[str]],
) -> None:  # fmt: skip
    """The dataset of the examples takes more room than any of these disks has."""
    disk = small_disk(kilobytes)
    build = ["build", "documents", examples, "--out", disk / "out", "--licence", "CC0-1.0"]
    ran = cli(*build)
    assert ran.code == 2, ran
    assert "Traceback" not in ran.out + ran.err
    assert "disk is full" in ran.error or "cannot be" in ran.error
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    ran = cli(*build)
    assert ran.code == 0, ran.err
    assert records(disk / "out") == records(built_examples)


def test_a_folder_that_only_can_be_read_is_one_line(
    cli: Cli, examples: Path, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(4096)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    ran = cli("build", "documents", examples / "invoice.pdf", "--out", disk / "out")
    assert (ran.code, ran.out) == (2, "")
    assert str(disk) in ran.error


def test_two_runs_into_one_folder_do_not_mix(cli: Cli, examples: Path, tmp_path: Path) -> None:
    from sightline.pipeline.ledger import lock

    (tmp_path / "out" / ".sightline").mkdir(parents=True)
    with lock(tmp_path / "out" / ".sightline" / "lock"):
        ran = cli("build", "documents", examples / "invoice.pdf", "--out", tmp_path / "out")
    assert ran.code == 2
    assert ran.error


HOSTILE = "<script>document.title='PWNED'</script><img src=x onerror=alert(1)>"


def test_html_of_a_document_does_not_run_in_the_report(cli: Cli, tmp_path: Path) -> None:
    pdf = canvas.Canvas(str(tmp_path / "<b onclick=alert(1)>bold<b>.pdf"))
    pdf.setTitle(HOSTILE)
    picture = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(picture, "PNG")
    for line, text in enumerate(
        ("Order form", f"Customer: {HOSTILE[:39]}", "Total due: 529.87 EUR", "Order date: 3 May 2024")
    ):
        pdf.drawString(72, 780 - 24 * line, text)
    pdf.drawImage(ImageReader(picture), 72, 400)
    pdf.save()
    assert cli("build", "documents", tmp_path / "*.pdf", "--out", tmp_path / "out").code == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert list(Dataset(tmp_path / "out").rows(["id"]))
    for piece in ("<script>document", "<img src=x", "<b onclick"):
        assert piece not in page
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "<script" not in card


def killed(command: list[str], after: float, victim: str) -> bool:
    """Start it, kill the main process or one of its workers after so many seconds; True where it was still running."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + after
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    running = process.poll() is None
    if victim == "main":
        process.send_signal(signal.SIGKILL)
    else:
        for child in psutil.Process(process.pid).children() if running else ():
            child.send_signal(signal.SIGKILL)
            break
    process.wait()
    return running


def seconds_of_a_run(folder: Path) -> float:
    return float(Dataset(folder).run.figures["seconds"])


@pytest.mark.parametrize("victim", ["main", "worker"])
def test_killed_at_any_moment_and_resumed_is_as_if_never_killed(
    victim: str, cli: Cli, examples: Path, built_examples: Path, tmp_path: Path, records: Callable[[Path], set[str]]
) -> None:
    chance = random.Random(victim)
    flags = [
        "build",
        "documents",
        str(examples),
        "--out",
        str(tmp_path / "out"),
        "--workers",
        "2",
        "--licence",
        "CC0-1.0",
    ]
    whole = 1.5 + seconds_of_a_run(built_examples)
    hits = sum(killed([COMMAND, *flags], chance.uniform(0.8, whole), victim) for _ in range(3))
    assert hits
    last = cli(*flags)
    assert last.code == 0, last.err
    assert records(tmp_path / "out") == records(built_examples)
    again = cli(*flags)
    assert "nothing to do" in again.out
    assert records(tmp_path / "out") == records(built_examples)
    assert sorted(row.model_dump_json() for row in Dataset(tmp_path / "out").rejects()) == sorted(
        row.model_dump_json() for row in Dataset(built_examples).rejects()
    )


def test_an_interrupt_says_that_the_work_is_kept(examples: Path, tmp_path: Path) -> None:
    command = [COMMAND, "build", "documents", str(examples), "--out", str(tmp_path / "out"), "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "out" / ".sightline" / "parts").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "stopped; finished work is kept" in err


@pytest.mark.slow
def test_local_and_ray_give_the_same_records(
    cli: Cli, examples: Path, built_examples: Path, tmp_path: Path, records: Callable[[Path], set[str]]
) -> None:
    pytest.importorskip("ray")
    ran = cli("build", "documents", examples, "--out", tmp_path / "out", "--engine", "ray", "--workers", 2,
              "--licence", "CC0-1.0")  # fmt: skip
    assert ran.code == 0, ran.err
    assert records(tmp_path / "out") == records(built_examples)
    assert "nothing to do" in cli("build", "documents", examples, "--out", tmp_path / "out", "--licence", "CC0-1.0").out
