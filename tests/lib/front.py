#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real HTTP/2 server before an ACME CA: nginx, which ends each connection after so many requests with
a GOAWAY.

  front.py run DIR --upstream HOST:PORT --identity FOLDER --requests N

starts it, prints KEY=VALUE lines and an empty one, and ends with its input. FOLDER has tls.pem and
tls.key. A line "cut" of input kills the server with all that is under way, and starts another one; "down" and
"up" do one of the two, and are answered with an empty line when it is done."""

import argparse
import os
import random
import socket
import subprocess
import sys
import time

CONFIGURATION = """daemon off;
master_process off;
{user}
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 128; }}
http {{
  log_format short "$server_protocol $pid.$connection $status $request_method $request_uri";
  access_log {directory}/access.log short;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  keepalive_requests {requests};
  server {{
    listen {address} ssl http2;
    ssl_certificate {identity}/tls.pem;
    ssl_certificate_key {identity}/tls.key;
    location / {{
      proxy_pass https://{upstream};
      proxy_set_header Host $http_host;
    }}
  }}
}}
"""


def is_free(port):
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def configure(options):
    """The server's configuration and address."""
    directory = os.path.realpath(options.directory)
    port = next(port for port in random.sample(range(20000, 32000), 2000) if is_free(port))
    path = os.path.join(directory, "nginx.conf")
    with open(path, "w") as file:
        file.write(CONFIGURATION.format(directory=directory, address=f"127.0.0.1:{port}", requests=options.requests,
                                        identity=options.identity, upstream=options.upstream,
                                        user="user root;" if os.getuid() == 0 else ""))
    return path, port


def start(path, port):
    """The server's process, when it answers."""
    process = subprocess.Popen(["nginx", "-c", path, "-e", os.path.join(os.path.dirname(path), "error.log")],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process
        except OSError:
            time.sleep(0.02)
    raise SystemExit("front.py: nginx did not start")


def main():
    parser = argparse.ArgumentParser(description="HTTP/2 before an ACME CA, for tests")
    parser.add_argument("command", choices=["run"])
    parser.add_argument("directory")
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--identity", required=True)
    parser.add_argument("--requests", type=int, default=1000)
    options = parser.parse_args()
    path, port = configure(options)
    process = start(path, port)
    try:
        print(f"URL=https://127.0.0.1:{port}\nACCESS_LOG={os.path.dirname(path)}/access.log\n", flush=True)
        for line in sys.stdin:
            if line in ("down\n", "cut\n"):
                process.kill()
                process.wait()
            if line in ("up\n", "cut\n") and process.poll() is not None:
                process = start(path, port)
            if line != "cut\n":
                print(flush=True)
    finally:
        process.terminate()
        process.wait()
        for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
            try:
                os.rmdir(os.path.join(options.directory, name))
            except OSError:
                pass


main()
