"""One measurement of a scheduler in Python, in the process that it is about: `measure.py ENGINE JOBS INTERVAL WINDOW`.

The last line of output is the record that the program beside it reads.
"""

import argparse
import asyncio
import json
import logging
import resource
import time
from datetime import timedelta

WARM_UP = 1.5


class Probe:
    """What jobs report to: a counter, and with `clock` when each run began."""

    def __init__(self, jobs, interval):
        self.runs = 0
        self.interval = interval
        self.first = [None] * jobs
        self.last = [0.0] * jobs
        self.count_of = [0] * jobs
        self.late = []

    def count(self):
        self.runs += 1

    def clock(self, job):
        now = time.monotonic()
        number = self.count_of[job]
        self.count_of[job] += 1
        self.last[job] = now
        if number == 0:
            self.first[job] = now
        else:
            self.late.append(max(0.0, now - self.first[job] - number * self.interval))
        self.runs += 1

    def job(self, index, clock):
        return (lambda: self.clock(index)) if clock else self.count

    def lateness(self):
        if not self.late:
            return None
        late = sorted(self.late)
        drifts = sorted(
            (last - first) / (count - 1) - self.interval
            for first, last, count in zip(self.first, self.last, self.count_of)
            if count > 1
        )
        nanos = {
            'p50': late[len(late) // 2],
            'p99': late[min(int(len(late) * 0.99), len(late) - 1)],
            'max': late[-1],
            'drift': drifts[len(drifts) // 2],
        }
        return {name: value * 1e9 for name, value in nanos.items()}


class Atevery:
    """The package that the Rust one is a port of, on asyncio."""

    def __init__(self):
        import atevery

        self.atevery = atevery

    def start(self, jobs, interval):
        for job in jobs:
            self.atevery.every(timedelta(seconds=interval))(job)

    def run(self, watch):
        async def main():
            await self.atevery.start_background_tasks()
            record = await asyncio.get_running_loop().run_in_executor(None, watch)
            begin = time.monotonic()
            await self.atevery.stop_background_tasks()
            record['stop'] = time.monotonic() - begin
            return record

        return asyncio.run(main())


class APScheduler:
    """APScheduler 3 with its default: a thread, and a pool of threads."""

    def __init__(self):
        from apscheduler.schedulers.background import BackgroundScheduler

        logging.disable(logging.CRITICAL)
        # No run may be dropped for being late.
        defaults = {'coalesce': False, 'misfire_grace_time': None, 'max_instances': 1}
        self.scheduler = BackgroundScheduler(job_defaults=defaults)

    def start(self, jobs, interval):
        for job in jobs:
            self.scheduler.add_job(job, 'interval', seconds=interval)
        self.scheduler.start()

    def run(self, watch):
        record = watch()
        begin = time.monotonic()
        self.scheduler.shutdown()
        record['stop'] = time.monotonic() - begin
        return record


ENGINES = {'python-atevery': Atevery, 'python-apscheduler': APScheduler}


def resident():
    with open('/proc/self/statm') as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def sample(probe):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return probe.runs, usage.ru_utime + usage.ru_stime, usage.ru_nvcsw, time.monotonic()


def watch(probe, window):
    """Blocks a thread of its own for the window."""
    time.sleep(WARM_UP)
    runs, cpu, switches, begin = sample(probe)
    time.sleep(window)
    runs_then, cpu_then, switches_then, end = sample(probe)
    return {
        'runs': runs_then - runs,
        'cpu': (cpu_then - cpu) * 1e9,
        # One switch is the sleep of the thread that measures.
        'switches': max(switches_then - switches - 1, 0) / (end - begin),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('engine', choices=ENGINES)
    parser.add_argument('jobs', type=int)
    parser.add_argument('interval', type=float)
    parser.add_argument('window', type=float)
    parser.add_argument('--clock', action='store_true')
    arguments = parser.parse_args()

    probe = Probe(arguments.jobs, arguments.interval)
    engine = ENGINES[arguments.engine]()
    before = resident()
    begin = time.monotonic()
    engine.start([probe.job(job, arguments.clock) for job in range(arguments.jobs)], arguments.interval)
    register = time.monotonic() - begin
    record = engine.run(lambda: watch(probe, arguments.window))

    record['register'] = register
    record['resident'] = resident() - before
    record['peak'] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    record['due'] = round(arguments.jobs * arguments.window / arguments.interval) if arguments.interval < 60 else 0
    if arguments.clock:
        record['lateness'] = probe.lateness()
    print(json.dumps(record))


if __name__ == '__main__':
    main()
