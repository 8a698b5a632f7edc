"""How the benchmark measures: our programs as whole processes, a peer within one process that stays (peers.py).

cells/CPU-s counts the processor time that was used, waiting included where an engine waits by spinning. "others" is how many
cores the rest of the machine kept busy meanwhile: with more than a tenth the figures are not those of a quiet machine.
"""

import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Machine:
    """What the processors did since it was made, by the system's count."""

    def __init__(self):
        self.start, self.busy = time.perf_counter(), self._busy()

    @staticmethod
    def _busy():
        try:
            with open("/proc/stat") as f:
                user, nice, system, _, _, irq, soft, steal = map(int, f.readline().split()[1:9])
        except OSError:
            return math.nan
        return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")

    def seconds(self):
        return time.perf_counter() - self.start

    def others(self, cpu):
        return max((self._busy() - self.busy - cpu) / self.seconds(), 0.0)


def run(*command, output=subprocess.DEVNULL, cpus=None):
    """Runs one of our programs: seconds, processor seconds, cores that others used, the most memory. cpus: a set of
    processors that it is held to."""
    machine, start = Machine(), time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                               preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None)
    _, status, used = os.wait4(process.pid, 0)
    seconds, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: failed: {' '.join(command)}")
    return {"seconds": seconds, "cpu": cpu, "others": machine.others(cpu), "memory": used.ru_maxrss * 1024}


def peak_memory(*command):
    """The most memory that one of our programs takes, in bytes, looked at while it runs: what the system counts for a
    process that has ended begins with that of the one which started it."""
    process, most = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL), 0
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as f:
                most = max([most] + [int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM")])
        except OSError:
            pass
        time.sleep(0.005)
    if process.returncode:
        sys.exit(f"bench: failed: {' '.join(command)}")
    return most


def shell(line, cpus=None):
    """A pipe of our programs."""
    return run("bash", "-c", "set -o pipefail; " + line, cpus=cpus)


@contextlib.contextmanager
def reader():
    """The end of a pipe to write to, which cat reads: for what a stage takes by itself, the pipe included."""
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield process.stdin
    finally:
        process.stdin.close()
        process.wait()


@contextlib.contextmanager
def busy_processors(n):
    """Meanwhile n other processes keep as many processors busy; they end with this one, whatever ends it."""
    loop = f"import os\nwhile os.getppid() == {os.getpid()}: pass"
    processes = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(n)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


class Peer:
    """A process of peers.py."""

    def __init__(self, engine, folder, threads, log):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "peers.py"), engine, folder, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.engine = engine

    def ask(self, **question):
        machine = Machine()
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench: {self.engine} ended; its messages are in peers.log")
        answer = json.loads(line)
        if "cpu" in answer:
            answer["others"] = machine.others(answer["cpu"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def median(runs, key):
    return statistics.median(r[key] for r in runs)


def less(run, startup):
    """A run without what the same process takes for next to nothing."""
    return {**run, "seconds": run["seconds"] - startup["seconds"], "cpu": run["cpu"] - startup["cpu"]}


def ratios(theirs, ours, key="seconds"):
    """How many times longer they took, round by round: median, least, most."""
    found = sorted(a[key] / b[key] for a, b in zip(theirs, ours))
    return statistics.median(found), found[0], found[-1]
