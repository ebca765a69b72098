"""Compares slots on standard input, as `atevery-oracles` prints them, with those of croniter and crondst."""

import datetime
import itertools
import sys

import croniter
import crondst

UTC = datetime.timezone.utc


def slots_of_croniter(expression, after, count):
    schedule = croniter.croniter(expression, datetime.datetime.fromtimestamp(after, UTC))
    return [int(schedule.get_next(float)) for _ in range(count)]


def slots_of_crondst(expression, after, count):
    schedule = crondst.CronDst(expression).iter(datetime.datetime.fromtimestamp(after, UTC))
    return [int(slot.timestamp()) for slot in itertools.islice(schedule, count)]


def main():
    differ = {"croniter": 0, "crondst": 0}
    lines = refused = 0
    for line in sys.stdin:
        expression, after, slots = line.rstrip("\n").split("\t")
        slots = [int(slot) for slot in slots.split(",") if slot]
        lines += 1
        for name, of in (("croniter", slots_of_croniter), ("crondst", slots_of_crondst)):
            try:
                theirs = of(expression, int(after), len(slots))
            except crondst.CronDstError:
                # It refuses each day of a month that has fewer than 31.
                refused += 1
                continue
            if theirs != slots:
                differ[name] += 1
                print(f"{expression} after {after}: here {slots}, {name} {theirs}", file=sys.stderr)
    print(
        f"{lines} expressions, {differ['croniter']} differ from croniter, {differ['crondst']} from crondst, "
        f"which refuses {refused}"
    )
    return 1 if sum(differ.values()) or not lines else 0


sys.exit(main())
