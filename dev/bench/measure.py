"""Runs programs and reports the cost of each, as the system counts it when the process has ended.

Reads one JSON object per line: commands (a list of argument lists, run one after another until one fails), env, cwd,
output (a file for their output). Answers each with a line: wallMs, cpuMs (user and system), peakBytes (of
the largest process), exitCode (of the last one that ran). It is a small process of its own, since the peak that
wait4 reports is never less than that of the process that spawned it.
"""
import json
import os
import sys
import time

# The unit of ru_maxrss: https://man7.org/linux/man-pages/man2/getrusage.2.html; macOS counts in bytes.
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


def run(argv, env, output):
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    started = time.perf_counter_ns()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=files)
    _, status, usage = os.wait4(pid, 0)
    wall_ms = (time.perf_counter_ns() - started) / 1e6
    cpu_ms = (usage.ru_utime + usage.ru_stime) * 1e3
    return wall_ms, cpu_ms, usage.ru_maxrss * MAXRSS_BYTES, os.waitstatus_to_exitcode(status)


def answer(request):
    os.chdir(request["cwd"])
    # What earlier runs left to be written to the disk is not at the cost of this one.
    os.sync()
    total = {"wallMs": 0, "cpuMs": 0, "peakBytes": 0, "exitCode": 0}
    for argv in request["commands"]:
        wall_ms, cpu_ms, peak_bytes, exit_code = run(argv, request["env"], request["output"])
        total["wallMs"] += wall_ms
        total["cpuMs"] += cpu_ms
        total["peakBytes"] = max(total["peakBytes"], peak_bytes)
        total["exitCode"] = exit_code
        if exit_code != 0:
            break
    return total


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
