#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real HTTP/2 server before an ACME CA: nginx, which ends each connection after so many requests with
a GOAWAY.

  front.py run DIR --upstream HOST:PORT --identity FOLDER --requests N

starts it, prints KEY=VALUE lines and an empty one, and ends with its input. FOLDER has tls.pem and
tls.key."""

import argparse
import os
import random
import socket
import subprocess
import sys
import time

CONFIGURATION = """daemon off;
{user}
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 128; }}
http {{
  log_format short "$server_protocol $connection $status $request_method $request_uri";
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


def start(options):
    """The server's process and its address."""
    directory = os.path.realpath(options.directory)
    port = next(port for port in random.sample(range(20000, 32000), 2000) if is_free(port))
    address = f"127.0.0.1:{port}"
    path = os.path.join(directory, "nginx.conf")
    with open(path, "w") as file:
        file.write(CONFIGURATION.format(directory=directory, address=address, requests=options.requests,
                                        identity=options.identity, upstream=options.upstream,
                                        user="user root;" if os.getuid() == 0 else ""))
    process = subprocess.Popen(["nginx", "-c", path, "-e", os.path.join(directory, "error.log")],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process, address
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
    process, address = start(options)
    try:
        print(f"URL=https://{address}\nACCESS_LOG={os.path.realpath(options.directory)}/access.log\n", flush=True)
        sys.stdin.read()
    finally:
        process.terminate()
        process.wait()
        for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
            try:
                os.rmdir(os.path.join(options.directory, name))
            except OSError:
                pass


main()
