# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""What operators do: start, check, watch, reload, stop."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path

from harness import (DEADLINE_S, KEY, Gateway, Process, Settings, Sim, chat, free_ports,
                     request, until)

ROOT = Path(__file__).resolve().parent.parent.parent

CONFIG = """
providers:
  sim: {kind: openai, base_url: "{sim}", api_key: none}
models:
  small:
    targets: [{provider: sim, model: "sim:out=8"}]
    price: {input: 0.15, output: 0.60}
  slow:
    targets: [{provider: sim, model: "sim:out=20,ttft=50ms,gap=50ms"}]
    price: {input: 0.15, output: 0.60}
tenants:
  acme:
    limits: {requests_per_minute: 600, concurrent: 50}
    budgets: [{name: total, window: total, usd: 1.00}]
    keys: [{id: k, sha256: {hash}}]
"""


def run_weir(*arguments):
    return subprocess.run([Settings.weir, *arguments], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=DEADLINE_S, cwd=tempfile.gettempdir())


def test_quick_start_answers_the_curl_of_its_banner():
    with tempfile.TemporaryDirectory() as folder:
        text = (ROOT / "config" / "quickstart.yaml").read_text()
        port, admin = free_ports(2)
        path = Path(folder) / "weir.yaml"
        path.write_text(text.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
                        .replace("127.0.0.1:9090", f"127.0.0.1:{admin}"))
        gateway = Process([Settings.weir, "run"], cwd=folder)  # ./weir.yaml is found
        banner = gateway.wait_for(r"(?s)base URL +(\S+)\n.*?metrics +(\S+)\n.*(curl -i .*?\}')\n")
        answer = subprocess.run(banner.group(3), shell=True, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, timeout=DEADLINE_S).stdout
        assert answer.startswith("HTTP/1.1 200 OK"), answer
        for field in ("x-weir-cost-usd: 0.0000", "x-weir-input-tokens: ",
                      "x-weir-output-tokens: 64", "x-weir-budget: name=demo-day;window=day;limit=1.00",
                      "x-ratelimit-remaining-requests: 599"):
            assert field in answer, f"no {field} in {answer}"
        assert banner.group(2) == f"http://127.0.0.1:{admin}/metrics"
        until("its record", lambda: 'weir_requests_total{tenant="demo"' in request(
            admin, "GET", "/metrics").text())
        token = (Path(folder) / "state" / "admin.token").read_text().strip()
        assert os.stat(Path(folder) / "state" / "admin.token").st_mode & 0o777 == 0o600
        reload = request(admin, "POST", "/admin/reload", None, {"Authorization": f"Bearer {token}"})
        assert reload.status == 200, reload.text()
        assert gateway.stop() == 0, gateway.errors()


def test_shipped_configurations_are_good():
    for name, environment in (("quickstart.yaml", {}), ("openai.yaml", {"OPENAI_API_KEY": "x"})):
        checked = subprocess.run([Settings.weir, "check", "-c", ROOT / "config" / name], text=True,
                                 env={**os.environ, **environment}, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, timeout=DEADLINE_S)
        assert checked.returncode == 0, checked.stdout
        assert "memory" in checked.stdout, checked.stdout  # it says where spend lives


def test_the_readmes_configuration_is_good():
    readme = (ROOT / "README.md").read_text()
    sample = re.search(r"```yaml\n(.*?)```", readme, re.S).group(1)
    assert len(sample.strip().splitlines()) <= 25
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(sample)
        file.flush()
        checked = subprocess.run([Settings.weir, "check", "-c", file.name], text=True,
                                 env={**os.environ, "OPENAI_API_KEY": "x"},
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 timeout=DEADLINE_S)
        assert checked.returncode == 0, checked.stdout


def test_check_reports_every_mistake_with_its_place():
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("providers: {sim: {kind: simulated}}\n"
                   "tenats: {}\n"
                   "models:\n"
                   "  small: {targets: [{provider: nowhere, model: x}], price: {input: -1}}\n"
                   "cache: {exact: {ttl: 1h}}\n")
        file.flush()
        checked = run_weir("check", "-c", file.name)
        assert checked.returncode == 1
        lines = checked.stderr.splitlines()
        assert all(re.match(rf"{re.escape(file.name)}:\d+:\d+: ", line) for line in lines), lines
        assert any(":2:1: " in line and "did you mean 'tenants'" in line for line in lines), lines
        assert any("'nowhere'" in line for line in lines), lines
        assert any("not supported by this version" in line for line in lines), lines
        assert len(lines) >= 4, lines


def test_a_bad_configuration_does_not_start():
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("models: [\n")
        file.flush()
        started = run_weir("run", "-c", file.name)
        assert started.returncode == 1
        assert re.match(rf"{re.escape(file.name)}:\d+:\d+: ", started.stderr), started.stderr


def test_commands_called_wrongly_exit_2():
    for arguments in ([], ["fly"], ["run", "--nope", "x"], ["check", "-c"], ["keys"],
                      ["keys", "new"], ["sim", "--listen"]):
        called = run_weir(*arguments)
        assert called.returncode == 2 and called.stderr, (arguments, called)
    assert run_weir("--help").returncode == 0
    assert run_weir("--version").stdout.startswith("weir ")


def test_a_new_key_lets_in():
    made = run_weir("keys", "new", "--tenant", "acme", "--id", "fresh")
    assert made.returncode == 0
    key = re.search(r"^weir_\S{43}$", made.stdout, re.M).group(0)
    line = re.search(r"- (\{id: fresh, sha256: [0-9a-f]{64}\})", made.stdout).group(1)
    with Sim() as sim, Gateway(CONFIG.replace("keys: [", f"keys: [{line}, "), sim) as gateway:
        assert gateway.post(chat(), {"Authorization": f"Bearer {key}"}).status == 200
        assert gateway.post(chat(), {"Authorization": f"Bearer {key[:-1]}"}).status == 401


def test_an_address_in_use_is_said_clearly():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weir.yaml"
            path.write_text(f"listen: 127.0.0.1:{taken.getsockname()[1]}\nadmin: off\n"
                            "providers: {sim: {kind: simulated}}\n"
                            "models: {m: {targets: [{provider: sim, model: sim}]}}\n"
                            "tenants: {t: {}}\n")
            started = subprocess.run([Settings.weir, "run"], cwd=folder, text=True,
                                     stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                                     timeout=DEADLINE_S)
            assert started.returncode == 1
            assert "cannot listen on 127.0.0.1" in started.stderr, started.stderr


# ---- the admin listener ----

def test_health_and_metrics():
    with Sim() as sim, Gateway(CONFIG, sim) as gateway:
        assert gateway.admin_request("GET", "/healthz", None).text() == "ok\n"
        assert gateway.admin_request("GET", "/readyz", None).text() == "ready\n"
        gateway.post(chat())
        gateway.post(chat(model="nobody"))
        until("two records", lambda: gateway.metrics().total("weir_requests_total") == 2)
        scrape = request(gateway.admin, "GET", "/metrics")
        assert scrape.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        metrics = gateway.metrics()
        assert metrics.value("weir_requests_total", status="200") == 1
        assert metrics.value("weir_rejections_total", reason="model_not_found") == 1
        assert "nobody" not in scrape.text()  # names from clients are no labels
        assert metrics.value("weir_build_info") == 1
        assert metrics.value("process_resident_memory_bytes") > 1 << 20
        assert metrics.value("process_open_fds") > 3
        openmetrics = request(gateway.admin, "GET", "/metrics", None,
                              {"Accept": "application/openmetrics-text; version=1.0.0"})
        assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
        assert openmetrics.text().endswith("# EOF\n")
        assert "# TYPE weir_requests counter" in openmetrics.text()


def test_admin_wants_its_token_and_its_host():
    with Sim() as sim, Gateway(CONFIG, sim) as gateway:
        assert gateway.admin_request("POST", "/admin/reload", None).status == 401
        assert gateway.admin_request("POST", "/admin/reload", KEY).status == 401
        assert gateway.admin_request("GET", "/admin/reload").status == 405
        assert gateway.admin_request("GET", "/admin/nothing").status == 404
        rebound = request(gateway.admin, "GET", "/metrics", None, {"Host": "evil.example"})
        assert rebound.status == 403, rebound.text()
        assert request(gateway.port, "GET", "/metrics").status == 404  # not on the clients' side


def test_the_access_log_has_a_line_for_each_exchange():
    with Sim() as sim, Gateway(CONFIG, sim, workers=1) as gateway:  # one worker: in order
        gateway.post(chat(), {"x-weir-user": 'mallory"\\', "x-weir-session": "s1"})
        gateway.post(chat(), {"Authorization": "Bearer nobody"})
        lines = until("two lines", lambda: len(gateway.access_log()) == 2 and gateway.access_log())
        assert lines[0]["user"] == 'mallory"\\' and lines[0]["session"] == "s1"
        assert lines[0]["status"] == 200 and lines[0]["cost_usd"] > 0
        assert lines[0]["usage_source"] == "reported" and lines[0]["tenant"] == "acme"
        assert lines[1]["status"] == 401 and lines[1]["outcome"] == "key_invalid"
        log = (gateway.dir / "access.log").read_text()
        assert KEY not in log and "nobody" not in log


# ---- reload ----

def reloaded(gateway, before):
    until("the reload", lambda: gateway.reload_count() > before)


def test_reload_by_signal_file_and_request_keeps_state():
    config = CONFIG.replace("per_minute: 600", "per_minute: 6")  # refills too slowly to see
    lower = config.replace("usd: 1.00", "usd: 0.50")
    with Sim() as sim, Gateway(config, sim) as gateway:
        assert gateway.post(chat()).status == 200
        spent = until("the settlement", lambda: gateway.metrics().value(
            "weir_budget_spent_usd", budget="acme/total"))
        before = gateway.reload_count()
        gateway.process.signal(signal.SIGHUP)
        reloaded(gateway, before)
        before = gateway.reload_count()
        gateway.write(lower)  # the directory is watched
        reloaded(gateway, before)
        metrics = gateway.metrics()
        assert metrics.value("weir_budget_limit_usd", budget="acme/total") == Decimal("0.5")
        assert metrics.value("weir_budget_spent_usd", budget="acme/total") == spent
        assert gateway.admin_request("POST", "/admin/reload").status == 200
        assert gateway.post(chat()).headers["x-ratelimit-remaining-requests"] == "4"


def test_a_bad_reload_changes_nothing_and_says_why():
    with Sim() as sim, Gateway(CONFIG, sim) as gateway:
        gateway.write(CONFIG.replace("window: total", "window: fortnight"))
        until("the failed reload",
              lambda: gateway.metrics().value("weir_config_last_reload_successful") == 0)
        answer = gateway.admin_request("POST", "/admin/reload")
        assert answer.status == 400 and re.search(r"weir\.yaml:\d+:\d+: .*fortnight", answer.text())
        assert gateway.post(chat()).status == 200
        gateway.write(CONFIG)
        until("the good reload",
              lambda: gateway.metrics().value("weir_config_last_reload_successful") == 1)


def test_a_file_of_tomorrow_is_loaded_once():
    """Clocks of file servers differ: a time ahead of ours is no change that goes on."""
    with Sim() as sim, Gateway(CONFIG, sim) as gateway:
        before = gateway.reload_count()
        tomorrow = time.time() + 86400
        os.utime(gateway.path, (tomorrow, tomorrow))
        reloaded(gateway, before)
        gateway.write(CONFIG.replace("usd: 1.00", "usd: 2.00"))  # seen, so nothing is pending
        until("the change", lambda: gateway.metrics().value(
            "weir_budget_limit_usd", budget="acme/total") == 2)
        os.utime(gateway.path, (tomorrow, tomorrow))
        loads = set()
        end = time.monotonic() + 1
        while time.monotonic() < end:
            loads.add(gateway.reload_count())
        assert len(loads) <= 2, f"loaded {len(loads)} times in a second"


def test_a_stream_keeps_the_price_it_began_with():
    dearer = CONFIG.replace("output: 0.60", "output: 60")
    with Sim() as sim, Gateway(CONFIG, sim) as gateway:
        connection, response = open_stream(gateway)
        before = gateway.reload_count()
        gateway.write(dearer)
        reloaded(gateway, before)
        assert response.read().endswith(b"data: [DONE]\n\n")
        connection.close()
        spent = until("the settlement", lambda: gateway.metrics().total("weir_cost_usd_total"))
        assert spent < 0.0001, spent


# ---- the end ----

def open_stream(gateway, model="slow"):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=DEADLINE_S)
    connection.request("POST", "/v1/chat/completions", json.dumps(chat(model, stream=True)),
                       {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.status == 200
    response.readline()  # the first event is here, the rest is not
    return connection, response


def test_sigterm_lets_streams_finish():
    with Sim() as sim:
        gateway = Gateway(CONFIG, sim)
        connection, response = open_stream(gateway)
        gateway.process.signal(signal.SIGTERM)
        until("not ready", lambda: not_ready(gateway))
        assert response.read().endswith(b"data: [DONE]\n\n")
        connection.close()
        assert gateway.process.wait() == 0, gateway.process.errors()


def not_ready(gateway):
    try:
        return gateway.admin_request("GET", "/readyz", None).status == 503
    except OSError:
        return True


def test_when_the_drain_time_is_over_a_stream_is_told():
    with Sim() as sim:
        gateway = Gateway(CONFIG, sim, extra="drain: 200ms\n")
        connection, response = open_stream(gateway)
        gateway.process.signal(signal.SIGTERM)
        try:
            rest = response.read()
        except http.client.IncompleteRead as cut:
            rest = cut.partial
        assert b'data: {"error":' in rest and b"draining" in rest, rest
        assert b"[DONE]" not in rest
        connection.close()
        assert gateway.process.wait() == 0, gateway.process.errors()


def test_a_second_signal_ends_it_at_once():
    with Sim() as sim:
        gateway = Gateway(CONFIG, sim)
        connection, _ = open_stream(gateway)
        gateway.process.signal(signal.SIGTERM)
        until("not ready", lambda: not_ready(gateway))
        begun = time.monotonic()
        gateway.process.signal(signal.SIGTERM)
        assert gateway.process.wait() == 0, gateway.process.errors()
        assert time.monotonic() - begun < 5
        connection.close()


def test_reloads_under_load_fail_nothing():
    """A small one; the long one is a soak's."""
    failures, count, stop = [], [0], threading.Event()
    with Sim() as sim, Gateway(CONFIG.replace("per_minute: 600", "per_minute: 6000000"),
                               sim) as gateway:
        def load():
            while not stop.is_set():
                answer = gateway.post(chat())
                count[0] += 1
                if answer.status != 200:
                    failures.append(answer.text())

        gateway.post(chat())  # the first one waits for its vocabulary
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for round_number in range(30):
            good = round_number % 2 == 0
            text = gateway.text(CONFIG.replace("per_minute: 600", "per_minute: 6000000"))
            gateway.path.write_text(text if good else "models: [")
            answer = gateway.admin_request("POST", "/admin/reload")
            assert answer.status == (200 if good else 400), answer.text()
        stop.set()
        for thread in threads:
            thread.join()
        assert not failures, failures[:3]
        assert count[0] > 30
        return f"{count[0]} requests through 30 reloads, half of them invalid"
