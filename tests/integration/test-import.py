#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Accounts that other programs really made: certbot, lego and dehydrated register at Pebble, and from the key
that they wrote certherd finds their account; from keys that libwebsockets wrote (lib/libwebsockets/README.md) too.

  test-import.py CERTHERD"""

import base64
import fcntl
import glob
import json
import os
import subprocess
import sys
import tempfile

import acme.client
import acme.messages
import josepy
from cryptography.hazmat.primitives.asymmetric import rsa

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import issuing  # noqa: E402
import tap  # noqa: E402
from agent import Gio, GLib  # noqa: E402

LIBWEBSOCKETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "libwebsockets")
F_ADD_SEALS, ALL_SEALS = 1033, 0xF


def widen(number):
    """A number with a zero byte before it, and padded."""
    raw = base64.urlsafe_b64decode(number + "=" * (-len(number) % 4))
    return base64.urlsafe_b64encode(b"\0" + raw).decode()


def read_rsa(text):
    """Of a JWK that may have less than certbot wants: with two factors, the rest can be worked out."""
    n, e, d, p, q = (int.from_bytes(base64.urlsafe_b64decode(json.loads(text)[name] + "=="), "big") for name in "nedpq")
    numbers = rsa.RSAPrivateNumbers(p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q),
                                    rsa.RSAPublicNumbers(e, n))
    return josepy.JWKRSA(key=numbers.private_key())


class Import(issuing.Case):
    program = [sys.argv.pop(1)]

    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory(prefix="certherd-import-")

    def tearDown(self):
        super().tearDown()
        self.folder.cleanup()

    def file(self, pattern):
        found, = glob.glob(os.path.join(self.folder.name, pattern), recursive=True)
        with open(found) as file:
            return file.read()

    def take(self, text):
        """A new agent takes the key over; the URL of the account that it found."""
        self.start(terms="")
        path = self.client.agent("GetIssuer", "(s)", "default")
        fd = os.memfd_create("key", os.MFD_ALLOW_SEALING)
        os.write(fd, text.encode())
        fcntl.fcntl(fd, F_ADD_SEALS, ALL_SEALS)
        reply = self.client.call_raw(path, "org.certherd.Issuer1", "ImportAccount", GLib.Variant("(ha{sv})", (0, {})),
                                     Gio.UnixFDList.new_from_array([fd]))
        state = self.client.finished(reply[0].unpack()[0])
        self.assertEqual(state["State"], "done", state["ErrorMessage"])
        values = self.client.get(path, "Issuer1")
        self.assertEqual(values["Status"], "valid")
        self.client.close()
        self.agent.clean()
        self.agent = None
        return values["AccountUrl"]

    def test_certbot(self):
        "certbot's private_key.json, and the same key as JWK of other dialects: compact, and padded"
        folders = [f"--{kind}-dir={self.folder.name}/{kind}" for kind in ("config", "work", "logs")]
        subprocess.run(["certbot", "register", "--non-interactive", "--agree-tos", "--register-unsafely-without-email",
                        "--server", self.pebble["DIRECTORY_URL"], *folders], check=True, capture_output=True,
                       env={**os.environ, "REQUESTS_CA_BUNDLE": self.pebble["TLS_CA"]})
        url = json.loads(self.file("config/accounts/**/regr.json"))["uri"]
        text = self.file("config/accounts/**/private_key.json")
        key = json.loads(text)
        wide = {name: value if name == "kty" else widen(value) for name, value in key.items()}
        for written in (text, json.dumps(key, separators=(",", ":")), json.dumps(wide, separators=(",", ":"))):
            self.assertEqual(self.take(written), url)

    def test_libwebsockets(self):
        "the JWK at auth-path of lws-acme-client, as libwebsockets writes it with OpenSSL and with Mbed TLS"
        for name in ("openssl.jwk", "mbedtls.jwk"):
            with self.subTest(name), open(os.path.join(LIBWEBSOCKETS, name)) as file:
                text = file.read()
                net = acme.client.ClientNetwork(read_rsa(text), verify_ssl=self.pebble["TLS_CA"])
                directory = acme.client.ClientV2.get_directory(self.pebble["DIRECTORY_URL"], net)
                wish = acme.messages.NewRegistration.from_data(terms_of_service_agreed=True)
                made = acme.client.ClientV2(directory, net).new_account(wish)
                self.assertEqual(self.take(text), made.uri)

    def test_lego(self):
        "lego's PEM"
        # It registers, and gives up at the order, which this Pebble refuses.
        subprocess.run(["lego", "--server", self.pebble["DIRECTORY_URL"], "--path", self.folder.name, "--accept-tos",
                        "--email", "a@example.org", "--domains", "blocked.example", "--http", "--http.port",
                        f"127.0.0.1:{self.pebble['HTTP01_PORT']}", "run"], capture_output=True, timeout=120,
                       env={**os.environ, "LEGO_CA_CERTIFICATES": self.pebble["TLS_CA"]})
        url = json.loads(self.file("accounts/**/account.json"))["registration"]["uri"]
        self.assertEqual(self.take(self.file("accounts/**/*.key")), url)

    def test_dehydrated(self):
        "dehydrated's account_key.pem, of RSA"
        config = os.path.join(self.folder.name, "config")
        with open(config, "w") as file:
            file.write(f'CA="{self.pebble["DIRECTORY_URL"]}"\nBASEDIR="{self.folder.name}"\n')
        # The second time it finds the account, and writes its URL down.
        for _ in range(2):
            subprocess.run(["dehydrated", "--config", config, "--register", "--accept-terms"], check=True,
                           capture_output=True, env={**os.environ, "CURL_CA_BUNDLE": self.pebble["TLS_CA"]})
        url = json.loads(self.file("accounts/**/account_id.json"))["url"]
        self.assertEqual(self.take(self.file("accounts/**/account_key.pem")), url)


tap.main()
