#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Weir beside nginx as a plain reverse proxy: the same request, the same upstream, one core each way.

Both proxies live throughout, pinned to core 0; the upstream (the simulated provider) and the load
(wrk) to core 1. Bursts alternate, each of Weir's is divided by its neighbours of nginx, and the
median and range of the rounds are printed: the machine may be shared and noisy, ratios are not.
Processor time is the kernel's own (/proc/PID/task/*/schedstat), in nanoseconds."""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEIR = ROOT / "build" / "release" / "weir"
KEY = "weir_bench"
KEY_SHA256 = "248777e387cf8da4e76ee08c1c83a903f8d7a7ef76c02c4c367e8f898700e3d5"

NGINX = """
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    client_body_buffer_size 64k;
    keepalive_requests 100000000;
    upstream sim {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://sim;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            {more}
        }}
    }}
}}
"""

WEIR_CONFIG = """
listen: 127.0.0.1:{port}
admin: {{listen: 127.0.0.1:{admin}}}
workers: 1
state_dir: {dir}/state
log: {{file: {log}}}
providers:
  sim: {{kind: openai, base_url: "http://127.0.0.1:{upstream}/v1", api_key: none}}
models:
  bench:
    targets: [{{provider: sim, model: "sim:out=64"}}]
    price: {{input: 0.15, cached_input: 0.075, output: 0.60}}
    context_window: 128000
    max_output_tokens: 16384
tenants:
  acme:
    limits: {{requests_per_minute: 100000000, concurrent: 100000}}
    budgets: [{{name: month, window: month, usd: 1000000}}]
  acme/search:
    models: [bench]
    limits: {{requests_per_minute: 100000000, concurrent: 100000}}
    budgets: [{{name: day, window: day, usd: 1000000}}]
    keys: [{{id: bench, sha256: {hash}, limits: {{requests_per_minute: 100000000}}}}]
"""

WRK_SCRIPT = """
wrk.method = "POST"
wrk.body = [==[{body}]==]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
"""


def free_ports(count):
    """Each another: all are held until the last is known."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


PROSE = ("A weir is a low dam across a river: it measures the flow, holds it to a level, and spills "
         "what is too much into a side channel. The keeper reads the gauge twice a day, writes the "
         "figure into the book, and opens the third gate when the water stands above the mark that "
         "the miller and the town agreed upon in 1911. In a dry summer nothing spills for weeks; in "
         "March, when the snow goes, all five gates stand open and the meadows below are a lake. "
         "What does the keeper do when the gauge is broken, and whom does he ask? ")


def chat_body(model, size=1024):
    """English, since its tokens are counted: one letter repeated would be the worst case."""
    body = {"model": model, "messages": [{"role": "user", "content": ""}], "max_tokens": 64}
    room = size - len(json.dumps(body))
    body["messages"][0]["content"] = (PROSE * (room // len(PROSE) + 1))[:room]
    return json.dumps(body)


def wait_for_port(port, process):
    while True:
        if process.poll() is not None:
            sys.exit(f"bench: {process.args[0]} did not start")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.1).close()
            return
        except OSError:
            pass


def tree(pid):
    """A process and its children."""
    found = [pid]
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return found
    for child in listed:
        found += tree(int(child))
    return found


def cpu_ns(pid):
    total = 0
    for member in tree(pid):
        for task in Path(f"/proc/{member}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total


def rss_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


class Bench:
    def __init__(self, stack, arguments):
        self.dir = Path(tempfile.mkdtemp(prefix="weir-bench-"))
        stack.callback(shutil.rmtree, self.dir, True)
        self.stack = stack
        self.arguments = arguments

    def start(self, command, core, port):
        # A mask, not taskset: the child is the process itself.
        process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=self.dir,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.stack.callback(process.wait)
        self.stack.callback(process.send_signal, signal.SIGTERM)
        wait_for_port(port, process)
        return process

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def open(self):
        self.upstream, self.weir_port, self.nginx_port, self.admin_port = free_ports(4)
        self.start([WEIR, "sim", "--listen", f"127.0.0.1:{self.upstream}"], 1, self.upstream)
        config = self.write("nginx.conf", NGINX.format(
            dir=self.dir, upstream=self.upstream, port=self.nginx_port, more=""))
        self.nginx = self.start(["nginx", "-c", config, "-p", self.dir], 0, self.nginx_port)
        config = self.write("weir.yaml", WEIR_CONFIG.format(
            dir=self.dir, upstream=self.upstream, port=self.weir_port, admin=self.admin_port,
            hash=KEY_SHA256, log=self.arguments.log))
        self.weir = self.start([WEIR, "run", "-c", config], 0, self.weir_port)
        self.idle_kib = rss_kib(self.weir.pid)
        self.scripts = {}
        for name, model in (("weir", "bench"), ("nginx", "sim:out=64")):
            body = chat_body(model)
            self.scripts[name] = self.write(f"{name}.lua", WRK_SCRIPT.format(body=body, key=KEY))

    def wrk(self, name, port, connections, seconds):
        """(requests, p50 in µs) of one burst; anything but 200 is fatal."""
        command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                   "--latency", "-s", str(self.scripts[name]),
                   f"http://127.0.0.1:{port}/v1/chat/completions"]
        output = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True).stdout
        if "Non-2xx" in output or "Socket errors" in output:
            sys.exit(f"bench: {name} failed requests:\n{output}")
        requests = int(re.search(r"(\d+) requests in", output).group(1))
        p50, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", output).groups()
        return requests, float(p50) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]

    def burst(self, name):
        process, port = ((self.weir, self.weir_port) if name == "weir" else
                         (self.nginx, self.nginx_port))
        before = cpu_ns(process.pid)
        requests, _ = self.wrk(name, port, self.arguments.connections, self.arguments.seconds)
        return (cpu_ns(process.pid) - before) / requests / 1e3


def spread(values, digits=2):
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} to {max(values):.{digits}f})")


def bench_cpu(bench):
    for name in ("nginx", "weir"):
        bench.burst(name)  # warm
    nginx = [bench.burst("nginx")]
    weir, ratios = [], []
    for _ in range(bench.arguments.rounds):
        weir.append(bench.burst("weir"))
        nginx.append(bench.burst("nginx"))
        ratios.append(weir[-1] / ((nginx[-2] + nginx[-1]) / 2))
    print(f"1 KiB chat request, 64-token answer, {bench.arguments.connections} connections, "
          f"{bench.arguments.rounds} rounds of {bench.arguments.seconds} s:")
    print(f"  nginx, plain reverse proxy        {spread(nginx, 1)} µs of processor a request")
    print(f"  Weir, keys limits budgets metrics {spread(weir, 1)} µs of processor a request")
    print(f"  ratio                             {spread(ratios)} × nginx")
    return statistics.median(ratios)


def bench_latency(bench):
    ports = {"direct": bench.upstream, "nginx": bench.nginx_port, "weir": bench.weir_port}
    found = {name: [] for name in ports}
    for _ in range(max(4, bench.arguments.rounds // 2)):
        for name, port in ports.items():
            script = "weir" if name == "weir" else "nginx"
            found[name].append(bench.wrk(script, port, 1, bench.arguments.seconds)[1])
    added = {name: [mine - base for mine, base in zip(found[name], found["direct"])]
             for name in ("nginx", "weir")}
    print("added latency at 1 connection, p50:")
    for name in ("nginx", "weir"):
        print(f"  {name:33} {spread(added[name], 0)} µs")


def bench_memory(bench):
    print("resident memory:")
    print(f"  Weir, idle after its start        {bench.idle_kib / 1024:.1f} MiB")
    print(f"  Weir, after the load              {rss_kib(bench.weir.pid) / 1024:.1f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--log", default="off", help="Weir's access log: off, or a file")
    parser.add_argument("--only", choices=["cpu", "latency", "memory"])
    parser.add_argument("--fail-above", type=float, help="exit 1 when the ratio is higher")
    arguments = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        sys.exit("bench: needs two cores")
    with ExitStack() as stack:
        bench = Bench(stack, arguments)
        bench.open()
        ratio = bench_cpu(bench) if arguments.only in (None, "cpu") else 0
        if arguments.only in (None, "latency"):
            bench_latency(bench)
        if arguments.only in (None, "memory"):
            bench_memory(bench)
    if arguments.fail_above and ratio > arguments.fail_above:
        print(f"bench: {ratio:.2f} is above {arguments.fail_above}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
