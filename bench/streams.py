#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Many parallel streams of events through Weir on one core, beside the same streams straight from
their provider, and through nginx as a plain reverse proxy. Then as many readers that stop reading.

Weir and nginx live throughout, pinned to core 0. bench/streams.c is both the provider and the clients,
pinned to core 1: it stamps an event when it writes it and looks at the same clock when it has read it.
Each way takes its turn; what a way adds is its percentile less that of the direct way in the same
round. Ends within about 20 seconds."""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench import (KEY, KEY_SHA256, NGINX, ROOT, WEIR_CONFIG, WEIR, Bench, cpu_ns, free_ports, rss_kib,
                   spread)

TOOL = ROOT / "build" / "release" / "bench" / "bench_streams"
WAYS = ("direct", "weir", "nginx")
UNBUFFERED = "proxy_buffering off;"
STUCK_LIMIT_MIB = 300
ENOUGH_S = 10  # after which no further round begins


class Streams(Bench):
    def open(self):
        self.provider, self.admin, weir, nginx = free_ports(4)
        ports = {"direct": self.provider, "weir": weir, "nginx": nginx}
        config = self.write("nginx.conf", NGINX.format(
            dir=self.dir, upstream=self.provider, port=ports["nginx"], more=UNBUFFERED))
        nginx = self.start(["nginx", "-c", config, "-p", self.dir], 0, ports["nginx"])
        config = self.write("weir.yaml", WEIR_CONFIG.format(
            dir=self.dir, upstream=self.provider, port=ports["weir"], admin=self.admin,
            hash=KEY_SHA256, log="off"))
        self.weir = self.start([WEIR, "run", "-c", config], 0, ports["weir"])
        self.idle_kib = rss_kib(self.weir.pid)
        self.ports, self.processes = ports, {"weir": self.weir, "nginx": nginx}

    def tool(self, way, *more):
        return subprocess.Popen(
            [str(TOOL), "--provider-port", str(self.provider), "--target-port",
             str(self.ports[way]), "--key", KEY, "--streams", str(self.arguments.streams), *more],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {1}))

    def line(self, tool):
        """The one line of its figures."""
        line = tool.stdout.readline()
        if not line:
            sys.exit(f"bench: bench_streams ended with {tool.wait()}")
        return {name: float(value) for name, value in (pair.split("=") for pair in line.split())}

    def turn(self, way):
        """One way's figures, with the processor time of what is in between."""
        process = self.processes.get(way)
        before = cpu_ns(process.pid) if process else 0
        tool = self.tool(way, "--rate", str(self.arguments.rate), "--measure-ms",
                         str(1000 * self.arguments.seconds))
        figures = self.line(tool)
        tool.stdin.close()
        if process:
            spent = cpu_ns(process.pid) - before
            figures["cpu_us"] = spent / figures["events"] / 1e3
        if tool.wait() != 0:
            sys.exit("bench: bench_streams failed")
        return figures

    def stuck(self):
        """Resident memory while nobody reads and nothing moves any more."""
        tool = self.tool("weir", "--stuck")
        figures = self.line(tool)
        figures["rss_kib"] = rss_kib(self.weir.pid)
        tool.stdin.close()
        tool.wait()
        return figures


def peak_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


ROW = "  {:8}{:>10}   {:30}{:30}{}"


def report(found):
    print(ROW.format("", "events/s", "p50, µs", "p99, µs", "µs of processor an event"))
    for way in WAYS:
        rounds = found[way]
        rate = f"{statistics.median(one['events'] / one['seconds'] for one in rounds):.0f}"
        if way == "direct":
            print(ROW.format(way, rate, *(spread([one[name] for one in rounds], 0)
                                          for name in ("p50_us", "p99_us")), ""))
            continue
        added = ("+ " + spread([one[name] - base[name]
                                for one, base in zip(rounds, found["direct"])], 0)
                 for name in ("p50_us", "p99_us"))
        print(ROW.format(way, rate, *added, spread([one["cpu_us"] for one in rounds], 1)))
    late = statistics.median(one["late_p99_us"] for rounds in found.values() for one in rounds)
    print(f"  the provider wrote its events {late:.0f} µs late (p99, median of all turns): where that "
          "is\n  much, others used this machine, and p99 says little")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=50, help="events a second of each stream")
    parser.add_argument("--seconds", type=int, default=2, help="of each turn")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        sys.exit("bench: needs two cores")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    begun = time.monotonic()
    with ExitStack() as stack:
        bench = Streams(stack, arguments)
        bench.open()
        found = {way: [] for way in WAYS}
        for number in range(arguments.rounds):
            if number > 0 and time.monotonic() - begun > ENOUGH_S:
                break
            for way in WAYS:
                found[way].append(bench.turn(way))
        print(f"{arguments.streams} streams at {arguments.rate} events a second, one core, rounds of "
              f"{arguments.seconds} s: {len(found['direct'])}")
        report(found)
        print("resident memory of Weir:")
        print(f"  idle after its start               {bench.idle_kib / 1024:.1f} MiB")
        print(f"  with {arguments.streams} streams, at most         "
              f"{peak_kib(bench.weir.pid) / 1024:.1f} MiB")
        stuck = bench.stuck()
        mib = stuck["rss_kib"] / 1024
        print(f"  with {arguments.streams} readers that stopped     {mib:.1f} MiB "
              f"({stuck['sent_kib'] / 1024:.0f} MiB were written to it and to the kernel's buffers)")
    print(f"in {time.monotonic() - begun:.0f} s")
    return 1 if mib > STUCK_LIMIT_MIB else 0


if __name__ == "__main__":
    sys.exit(main())
