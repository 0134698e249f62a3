"""The local executor: results, order, resuming, and everything that goes wrong in a worker."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from pathlib import Path

import pipeline_steps as s
import pytest

from sightline.core.errors import BudgetReached, InputError, MissingExtra, ModelError, PlanError, StorageError
from sightline.core.media import Source
from sightline.core.sample import Item, Rejected
from sightline.pipeline import ExecutorConfig, Plan, Progress, RunResult, Store, run_local
from sightline.pipeline.plan import AnyStep

TWO = ExecutorConfig(workers=2)
ONE = ExecutorConfig(workers=1)


def run(
    out: Path, *steps: AnyStep, items: list[Item | Rejected] | None = None, config: ExecutorConfig = ONE
) -> RunResult:
    items = s.numbers(*range(50)) if items is None else items
    return run_local(Plan(steps), items, out, config, Progress("none"))


def ns(result: RunResult, step: str) -> list[int]:
    return [item.n for item in result.items(step) if isinstance(item, s.Number)]


def reasons(result: RunResult) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in result.rejected():
        found[row.reason] = found.get(row.reason, 0) + 1
    return found


def test_results_come_in_the_order_of_the_source_then_of_the_step(tmp_path: Path) -> None:
    result = run(tmp_path, s.Times(), items=s.numbers(*range(300, 0, -1)), config=TWO)
    assert ns(result, "times") == [2 * n for n in range(300, 0, -1)]
    assert ns(result, "source") == list(range(300, 0, -1))
    words = run(tmp_path, s.Spread()).items("spread")
    assert [word.text for word in words][:4] == ["1/0", "2/0", "2/1", "3/0"]


def test_funnel_counts_items_rejects_and_what_was_known(tmp_path: Path) -> None:
    items = [*s.numbers(*range(20)), Rejected(reason="unreadable-file", origin="x.pdf")]
    first = run(tmp_path, s.Spread(), items=items)
    gave = sum(n % 4 for n in range(20) if n != 13) - 1
    assert [count[:5] for count in first.funnel] == [("source", 21, 20, 1, 0), ("spread", 20, gave, 2, 0)]
    assert (first.complete, first.stopped_by, first.work_done) == (True, None, 20)
    second = run(tmp_path, s.Spread(), items=items)
    assert [count[:5] for count in second.funnel] == [("source", 21, 20, 1, 20), ("spread", 20, gave, 2, 20)]
    assert second.work_done == 0
    assert list(second.items("spread")) == list(first.items("spread"))


def test_rejects_are_rows_with_reason_step_item_and_evidence(tmp_path: Path) -> None:
    items = [*s.numbers(7, 13), Rejected(reason="unreadable-file", origin="x.pdf", evidence={"error": "gone"})]
    source, half, unlucky = run(tmp_path, s.Spread(), items=items).rejected()
    assert source == Rejected(reason="unreadable-file", step="source", origin="x.pdf", evidence={"error": "gone"})
    assert half == Rejected(reason="half-refused", step="spread", item=s.Number(n=7).key, evidence={"at": 1})
    assert unlucky == Rejected(reason="unlucky", step="spread", item=s.Number(n=13).key, evidence={"n": 13})


def test_blobs_are_found_by_hash_and_given_to_steps_that_need_them(tmp_path: Path) -> None:
    result = run(tmp_path, s.Spread(), s.Read(), items=s.numbers(2, 3))
    words = [item for item in result.items("spread") if isinstance(item, s.Word)]
    assert all(word.blob is None for word in words)
    assert [result.blob(word.sha256) for word in words] == [word.text.encode() * 100 for word in words]
    assert ns(result, "read") == [2300, 2301, 3300, 3301, 3302]
    assert result.item(words[0].key) == words[0]
    assert Store(tmp_path).item(words[1].key, s.Word) == words[1]
    with pytest.raises(KeyError):
        result.blob("00" * 32)
    with pytest.raises(KeyError):
        result.item("00" * 16)
    with pytest.raises(KeyError, match="no step 'nothing'"):
        result.items("nothing")


def test_a_step_may_look_things_up_while_the_run_goes_on(tmp_path: Path) -> None:
    result = run(tmp_path, s.Spread(), s.Peek(Store(tmp_path)), items=s.numbers(2, 3))
    assert ns(result, "peek") == [2300, 2301, 3300, 3301, 3302]


def test_what_counts_is_processor_time_and_waiting_may_take_longer(tmp_path: Path) -> None:
    config = ExecutorConfig(workers=1, time_limit=0.8)
    result = run(tmp_path, s.Takes(), items=s.numbers(0, 1, 2), config=config)
    assert ns(result, "takes") == [0]
    assert [row.reason for row in result.rejected()] == ["time-limit", "time-limit"]


def test_a_process_that_a_step_started_ends_with_it(tmp_path: Path) -> None:
    import psutil

    pid = tmp_path / "pid"
    config = ExecutorConfig(workers=1, time_limit=1.0)
    assert reasons(run(tmp_path, s.Spawns(log=str(pid)), items=s.numbers(1), config=config)) == {"time-limit": 1}
    number = int(pid.read_text())

    def ended() -> bool:
        return not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE

    until = time.monotonic() + 10  # a killed process of a busy machine takes a moment to be gone
    while not ended() and time.monotonic() < until:
        time.sleep(0.05)
    assert ended()


def test_another_config_or_version_is_worked_anew_and_the_old_one_stays_cached(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert ns(run(tmp_path, s.Times(2, log=str(log))), "times")[:3] == [0, 2, 4]
    third = run(tmp_path, s.Times(3, log=str(log)))
    assert ns(third, "times")[:3] == [0, 3, 6]
    assert third.work_done == 50
    assert run(tmp_path, s.Times(2, log=str(log))).work_done == 0
    assert len(log.read_text().splitlines()) == 100


def test_only_the_current_items_are_visible(tmp_path: Path) -> None:
    run(tmp_path, s.Spread())
    fewer = run(tmp_path, s.Spread(), items=s.numbers(1, 2))
    assert (fewer.work_done, fewer.funnel[1].took, len(list(fewer.rejected()))) == (0, 2, 0)
    assert [word.text for word in fewer.items("spread")] == ["1/0", "2/0", "2/1"]


def test_equal_items_are_worked_once_and_appear_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    result = run(tmp_path, s.Times(0), s.Total(), items=s.numbers(1, 2, 1), config=ONE)
    assert ns(result, "times") == [0]
    assert ns(result, "source") == [1, 2]
    assert not log.exists()


def test_barriers_see_everything_in_order_and_run_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    result = run(tmp_path, s.Times(3), s.Keep(log=str(log)), s.Total())
    assert ns(result, "keep") == [3 * n for n in range(0, 50, 2)]
    assert list(result.items("total")) == [s.Sum(total=sum(3 * n for n in range(0, 50, 2)), count=25)]
    assert [row.origin for row in result.rejected()][:2] == ["number 3", "number 9"]
    assert [int(line) for line in log.read_text().splitlines()] == [3 * n for n in range(50)]
    assert [item.n for item in result.store.given("keep", s.Number)] == ns(result, "keep")
    assert [item.n for item in result.store.given("times", s.Number)] == ns(result, "times")
    again = run(tmp_path, s.Times(3), s.Keep(log=str(log)), s.Total())
    assert again.work_done == 0
    assert again.funnel[2][:5] == ("keep", 50, 25, 25, 50)
    more = run(tmp_path, s.Times(3), s.Keep(log=str(log)), s.Total(), items=s.numbers(*range(51)))
    assert more.work_done == 1 + 51 + 26


def test_a_barrier_that_is_known_is_shown_as_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        run_local(Plan((s.Centre(),)), s.numbers(1, 2, 3), tmp_path, ONE, Progress("log"))
    assert capsys.readouterr().err.splitlines()[-1] == "centre 3/3 3 known"


def test_a_barrier_may_go_through_the_items_more_than_once(tmp_path: Path) -> None:
    assert ns(run(tmp_path, s.Centre(), items=s.numbers(1, 2, 3, 6)), "centre") == [998, 999, 1000, 1003]


def test_what_goes_wrong_in_a_step_is_a_row(tmp_path: Path) -> None:
    config = TWO.model_copy(update={"time_limit": 1.0})
    result = run(tmp_path, s.Trouble(), items=s.numbers(*range(30)), config=config)
    rows = {row.reason: row for row in result.rejected() if row.reason != "worker-died"}
    assert reasons(result) == {
        "worker-died": 2, "time-limit": 1, "step-error": 1, "unreadable-media": 1, "after-all": 1
    }  # fmt: skip
    died = [row.evidence for row in result.rejected() if row.reason == "worker-died"]
    assert died == [{"attempts": 3, "how": "SIGKILL"}, {"attempts": 3, "how": "exit 4"}]
    assert rows["time-limit"].evidence == {"seconds": 1.0}
    assert rows["step-error"].evidence["error"] == "ZeroDivisionError"
    assert rows["step-error"].evidence["message"] == "seven \ufffd"
    assert "pipeline_steps.py" in rows["step-error"].evidence["trace"]
    assert rows["unreadable-media"].evidence == {"error": "broken file: eight.pdf"}
    assert ns(result, "trouble") == [n + 100 for n in range(30) if n not in (3, 5, 7, 8, 9, 10)]
    assert result.complete
    assert run(tmp_path, s.Trouble(), items=s.numbers(*range(30)), config=config).work_done == 0


def test_a_worker_that_dies_is_replaced_and_its_items_are_done(tmp_path: Path) -> None:
    result = run(tmp_path, s.DiesOnce(log=str(tmp_path / "seen")))
    assert ns(result, "dies-once") == [n + 100 for n in range(50)]
    assert reasons(result) == {}


def test_refused_rows_can_be_tried_again(tmp_path: Path) -> None:
    items = s.numbers(3, 4, 5)
    config = ExecutorConfig(workers=1, time_limit=0.5, attempts=1)
    assert reasons(run(tmp_path, s.Trouble(), items=items, config=config)) == {"worker-died": 1, "time-limit": 1}
    again = run(tmp_path, s.Trouble(), items=items, config=config.model_copy(update={"retry": ("time-limit",)}))
    assert again.work_done == 1
    assert reasons(again) == {"worker-died": 1, "time-limit": 1}
    for limit, work in ((0.4, 0), (0.6, 1), (0.6, 0)):  # more time than it was given is another chance
        longer = run(tmp_path, s.Trouble(), items=items, config=config.model_copy(update={"time_limit": limit}))
        assert longer.work_done == work


def test_a_sightline_error_of_a_step_stops_the_run_and_keeps_what_is_done(tmp_path: Path) -> None:
    result = run(tmp_path, s.Missing(), s.Total())
    assert not result.complete
    assert isinstance(result.stopped_by, MissingExtra)
    assert result.stopped_by.remedy == "pip install x"
    done = ns(result, "missing")
    assert done
    assert 40 not in done
    assert [count.step for count in result.funnel] == ["source", "missing"]
    assert list(result.items("total")) == []


def test_a_full_disk_inside_a_step_is_no_row(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="disk is full"):
        run(tmp_path, s.NoSpace())


def test_the_ledger_names_a_part_only_when_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def full(handle: int) -> None:
        if "/times-" in os.readlink(f"/proc/self/fd/{handle}"):
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        run(tmp_path, s.Times(), items=s.numbers(1, 2))
    monkeypatch.undo()
    assert run(tmp_path, s.Times(), items=s.numbers(1, 2)).work_done == 2


def test_wrong_outputs_and_unloadable_steps_are_plan_errors(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="declared to give Number, gave Word"):
        run(tmp_path, s.Lies(), items=s.numbers(1))
    with pytest.raises(PlanError, match="far_away"):
        run(tmp_path, s.Unloadable(), items=s.numbers(1))
    with pytest.raises(PlanError, match="die before they begin"):
        run(tmp_path, s.DiesAtStart(), items=s.numbers(1))


def test_outcomes_of_a_batch_step_are_aligned(tmp_path: Path) -> None:
    result = run(tmp_path, s.Ask(), items=s.numbers(*range(1, 12)))
    assert ns(result, "ask") == [n * 10 + k for n in range(1, 12) if n % 5 for k in (0, 1)]
    assert [row.evidence["n"] for row in result.rejected()] == [5, 10]
    with pytest.raises(PlanError, match="0 outcomes for 1 items"):
        run(tmp_path, s.Ask(stop_at=400, error="short"), items=s.numbers(400))


@pytest.mark.parametrize("group", [1, 7, 256])
def test_a_budget_met_keeps_what_was_yielded_and_goes_on_with_it(tmp_path: Path, group: int) -> None:
    log = tmp_path / "log"
    config = ExecutorConfig(workers=1, group_items=group)
    result = run(tmp_path, s.Ask(log=str(log), stop_at=40), s.Total(), config=config)
    assert isinstance(result.stopped_by, BudgetReached)
    assert not result.complete
    assert result.funnel[1].rejected == 8
    done = [10 * n + k for n in range(40) if n % 5 for k in (0, 1)]
    assert list(result.items("total")) == [s.Sum(total=sum(done), count=len(done))]
    more = run(tmp_path, s.Ask(log=str(log)), s.Total(), config=config)
    assert more.complete
    assert [int(line) for line in log.read_text().splitlines()] == list(range(50))


def test_slow_outcomes_are_committed_one_by_one(tmp_path: Path) -> None:
    seen: list[int] = []

    class Count(Progress):
        def advance(self, done: int, refused: int) -> None:
            seen.append(done)

    config = ExecutorConfig(workers=1, commit_seconds=0.0)
    run_local(Plan((s.Ask(),)), s.numbers(1, 2, 3), tmp_path, config, Count("none"))
    assert seen == [1, 1, 1]


def test_an_item_that_json_cannot_hold_is_refused_by_the_step_that_takes_it(tmp_path: Path) -> None:
    items = s.numbers(1, 2)
    workers = run(tmp_path / "a", s.NotANumber(), s.Half(), items=items)
    assert reasons(workers) == {"step-error": 1}
    assert len(list(run(tmp_path / "b", s.NotANumber(), s.HalfBatch(), items=items).rejected())) == 1
    with pytest.raises(PlanError, match="NaN"):
        run(tmp_path / "c", s.NotANumber(), s.HalfAll(), items=items)


def test_other_errors_of_a_batch_step_end_the_run_there(tmp_path: Path) -> None:
    result = run(tmp_path, s.Ask(stop_at=40, error="model"), s.Total())
    assert isinstance(result.stopped_by, ModelError)
    assert [count.step for count in result.funnel] == ["source", "ask"]
    assert result.funnel[1].gave == 64


def test_an_interrupt_keeps_what_was_yielded(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, s.Ask(stop_at=40, error="interrupt"))
    assert run(tmp_path, s.Ask()).work_done == 10


def test_a_worker_that_grows_is_replaced(tmp_path: Path) -> None:
    log = tmp_path / "log"
    config = ExecutorConfig(workers=1, batch_items=10, worker_memory=1)
    run(tmp_path, s.Grows(log=str(log)), items=s.numbers(*range(12)), config=config)
    processes = log.read_text().split()
    assert len(processes) == 12
    assert len(set(processes)) >= 3


def test_one_run_at_a_time(tmp_path: Path) -> None:
    class Second(Progress):
        def stage(self, name: str, total: int, reused: int) -> None:
            with pytest.raises(StorageError, match="another run"):
                run(tmp_path, s.Times())

    run_local(Plan((s.Total(),)), s.numbers(1), tmp_path, TWO, Second("none"))


def test_unwritable_folders_and_damaged_ledgers_are_clear_errors(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        run(tmp_path / "file", s.Times())
    run(tmp_path / "out", s.Times())
    Path(tmp_path / "out/.sightline/ledger.sqlite").write_bytes(b"not a ledger" * 1000)
    with pytest.raises(StorageError, match=r"damaged.*remove the folder"):
        run(tmp_path / "out", s.Times())


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_a_clear_error_and_with_room_the_run_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "disk"
    out.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", out], capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        config = ExecutorConfig(workers=1, batch_items=2)
        with pytest.raises(StorageError, match=r"disk is full.*make room"):
            run(out, s.Fat(), items=s.numbers(*range(20)), config=config)
        subprocess.run(["mount", "-o", "remount,size=30m", out], check=True)
        result = run(out, s.Fat(), items=s.numbers(*range(20)), config=config)
        assert 0 < result.work_done < 20
        assert [len(result.blob(w.sha256)) for w in result.items("fat") if isinstance(w, s.Word)] == [256 << 10] * 20
        result.store.close()
    finally:
        subprocess.run(["umount", "-l", out], check=True)


def test_results_do_not_go_to_a_url(tmp_path: Path) -> None:
    for out in ("s3://bucket/out", Path("s3://bucket/out")):
        with pytest.raises(InputError, match="folder of this machine"):
            run_local(Plan((s.Times(),)), [], out)
    Store(tmp_path / "a:" / "b")


def test_a_part_that_is_gone_is_made_again_and_waste_is_removed(tmp_path: Path) -> None:
    run(tmp_path, s.Times(), s.Keep())
    parts = tmp_path / ".sightline/parts"
    folder = next(parts.glob("times-*"))
    for part in folder.iterdir():
        part.unlink()
    (folder / "half.parquet.writing").write_bytes(b"half")
    (folder / "orphan.parquet").write_bytes(b"orphan")
    again = run(tmp_path, s.Times(), s.Keep())
    assert again.work_done == 50
    assert ns(again, "keep") == ns(again, "times")
    assert not (folder / "half.parquet.writing").exists()
    assert not (folder / "orphan.parquet").exists()


def test_a_damaged_part_names_itself(tmp_path: Path) -> None:
    result = run(tmp_path, s.Times())
    for part in (tmp_path / ".sightline/parts").glob("times-*/*"):
        part.write_bytes(b"PAR1 nonsense")
    with pytest.raises(StorageError, match=r"parquet - delete this file"):
        list(RunResult.items(result, "times"))


def test_origin_is_what_a_person_calls_the_item(tmp_path: Path) -> None:
    source = Source(name="report.pdf", uri="/x/report.pdf", sha256="0" * 64, media_type="application/pdf", size=1)

    result = run(tmp_path, s.Refuse(), items=[s.Paged(source=source, index=2)])
    assert [row.origin for row in result.rejected()] == ["report.pdf page 3"]


def test_no_worker_is_left_behind(tmp_path: Path) -> None:
    import psutil

    before = {child.pid for child in psutil.Process().children(recursive=True)}
    run(tmp_path, s.Trouble(), items=s.numbers(1, 2, 3), config=ONE)
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
    assert os.listdir(tmp_path / ".sightline" / "parts")
