# SPDX-License-Identifier: LGPL-2.1-or-later
"""A line to a TCP server that can be cut: bytes pass unchanged, and while it is cut nobody gets through."""

import random
import socket
import threading


def listen():
    """A socket on a free port below the ephemeral range."""
    for port in random.sample(range(20000, 32000), 2000):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
            continue
        listener.listen()
        return listener
    raise SystemExit("relay.py: no free port below 32768")


class Relay:
    def __init__(self, port):
        self.target = ("127.0.0.1", int(port))
        self.listener = listen()
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.open = set()
        self.is_cut = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            with self.lock:
                if self.is_cut:
                    near.close()
                    continue
                far = socket.create_connection(self.target)
                self.open |= {near, far}
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        self.close(source, sink)

    def close(self, *sockets):
        with self.lock:
            for one in self.open.intersection(sockets):
                self.open.discard(one)
                try:
                    one.shutdown(socket.SHUT_RDWR)  # wakes who reads from it
                except OSError:
                    pass  # the other side was first
                one.close()

    def cut(self):
        with self.lock:
            self.is_cut = True
            ends = list(self.open)
        self.close(*ends)

    def mend(self):
        with self.lock:
            self.is_cut = False

    def stop(self):
        self.cut()
        self.listener.close()
