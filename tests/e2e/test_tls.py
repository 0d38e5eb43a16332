# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""HTTPS: an answer, a certificate renewed while a connection goes on, certificates of clients."""

import http.client
import json
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

from harness import DEADLINE_S, KEY, Answer, Gateway, Sim, Skip, chat, until
from test_operators import CONFIG


class Authority:
    """Issues certificates with the `openssl` command into a folder of its own."""

    def __init__(self):
        if shutil.which("openssl") is None:
            raise Skip("no openssl command")
        self.folder = Path(tempfile.mkdtemp(prefix="weir-e2e-ca-"))
        self.openssl("req", "-x509", *self.new_key("ca"), "-subj", "/CN=authority", "-days", "2",
                     "-out", "ca.pem")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, timeout=DEADLINE_S,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def new_key(name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                f"{name}.key")

    def issue(self, name):
        """NAME.pem and NAME.key."""
        self.openssl("req", *self.new_key(name), "-subj", f"/CN={name}", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "2", "-out", f"{name}.pem")

    def install(self, name, folder):
        """As key.pem and cert.pem, one after the other, each replaced by rename."""
        for kind, target in (("key", "key.pem"), ("pem", "cert.pem")):
            aside = folder / f"{target}.new"
            shutil.copyfile(self.folder / f"{name}.{kind}", aside)
            aside.rename(folder / target)


class SecureGateway(Gateway):
    """Its clients speak TLS; its certificate lies beside its configuration."""

    def __init__(self, sim, authority, more=""):
        self.authority = authority
        self.more = more
        authority.issue("one")
        super().__init__(CONFIG, sim)

    def text(self, yaml):
        if not (self.dir / "cert.pem").exists():
            self.authority.install("one", self.dir)
        plain = f"listen: 127.0.0.1:{self.port}\n"
        entry = (f"listen: {{address: 127.0.0.1:{self.port}, "
                 f"tls: {{cert: cert.pem, key: key.pem{self.more}}}}}\n")
        text = super().text(yaml)
        assert plain in text
        return text.replace(plain, entry)

    def connect(self, client=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.authority.folder / "ca.pem")
        if client is not None:
            context.load_cert_chain(self.authority.folder / f"{client}.pem",
                                    self.authority.folder / f"{client}.key")
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context,
                                                 timeout=DEADLINE_S)
        connection.connect()
        return connection

    def certificate(self):
        """The name in that of a new connection."""
        connection = self.connect()
        subject = connection.sock.getpeercert()["subject"]
        connection.close()
        return dict(part[0] for part in subject)["commonName"]


def ask(connection, **more):
    connection.request("POST", "/v1/chat/completions", json.dumps(chat(**more)),
                       {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
    return Answer(connection.getresponse())


def test_answers_over_tls_whole_and_streamed():
    with Sim() as sim, SecureGateway(sim, Authority()) as gateway:
        assert "https://127.0.0.1" in gateway.process.seen.decode()
        connection = gateway.connect()
        assert connection.sock.version() == "TLSv1.3"
        assert ask(connection).json()["usage"]["completion_tokens"] == 8
        assert ask(connection, stream=True).events()[-1] == "[DONE]"
        connection.close()
        plain = gateway.post(chat())
        assert plain.status == 400 and plain.json()["error"]["code"] == "malformed_http"


def test_a_certificate_is_renewed_while_a_connection_goes_on():
    authority = Authority()
    with Sim() as sim, SecureGateway(sim, authority) as gateway:
        connection = gateway.connect()
        assert ask(connection).status == 200
        assert gateway.certificate() == "one"
        authority.issue("two")
        authority.install("two", gateway.dir)  # nothing else changes, and nobody asks
        until("the new certificate", lambda: gateway.certificate() == "two")
        local = connection.sock.getsockname()
        assert ask(connection).status == 200
        assert connection.sock.getsockname() == local  # the same one, not a new one
        connection.close()
        # A file that cannot be used changes nothing.
        (gateway.dir / "cert.pem").write_text("no certificate")
        until("the failed reload",
              lambda: gateway.metrics().value("weir_config_last_reload_successful") == 0)
        assert gateway.certificate() == "two"


def test_clients_show_certificates():
    authority, other = Authority(), Authority()
    authority.issue("client")
    other.issue("stranger")
    for kind in ("pem", "key"):
        shutil.copyfile(other.folder / f"stranger.{kind}", authority.folder / f"stranger.{kind}")
    more = f", client_ca: {authority.folder}/ca.pem"
    with Sim() as sim, SecureGateway(sim, authority, more) as gateway:
        assert ask(gateway.connect("client")).status == 200
        for name in (None, "stranger"):
            try:  # with TLS 1.3 a client learns of it when it first reads
                status = ask(gateway.connect(name)).status
            except (ssl.SSLError, ConnectionError):
                continue
            raise AssertionError(f"{name} got {status}")
        until("two refusals", lambda: gateway.metrics().total("weir_http_refused_total",
                                                              reason="malformed_http") == 2)
