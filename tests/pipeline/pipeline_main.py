"""A run in a process of its own, for the tests to kill: `python pipeline_main.py OUT COUNT SLEEP`."""

from __future__ import annotations

import sys

import pipeline_steps as s

from sightline.pipeline import ExecutorConfig, Plan, Progress, run_local

out, count, sleep = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
plan = Plan((s.Times(3, sleep=sleep), s.Spread(), s.Read(sleep=sleep), s.Ask(sleep=sleep), s.Keep(), s.Total()))
config = ExecutorConfig(workers=2, batch_seconds=0.2, commit_seconds=0.2)
result = run_local(plan, s.numbers(*range(count)), out, config, Progress("none"))
print(result.work_done)
