#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A double of a long way: relays TCP connections, and everything said over them comes late.

  delay.py MILLISECONDS LISTEN:TO…     each a port on 127.0.0.1; ends with its input

A round trip takes MILLISECONDS. A connection costs one more before the first byte, as its set-up would; loss and
bandwidth are not doubled."""

import asyncio
import sys


async def carry(reader, writer, delay):
    """Half a round trip later, whatever is said in the meantime."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def deliver():
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def listen():
        data = True
        while data:
            data = await reader.read(65536)
            queue.put_nowait((loop.time() + delay, data))

    await asyncio.gather(deliver(), listen())


async def relay(reader, writer, port, delay):
    try:
        await asyncio.sleep(2 * delay)
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(carry(reader, other_writer, delay), carry(other_reader, writer, delay), return_exceptions=True)
    writer.close()
    other_writer.close()


async def main():
    delay = int(sys.argv[1]) / 2000
    for pair in sys.argv[2:]:
        listen, to = (int(port) for port in pair.split(":"))
        await asyncio.start_server(lambda r, w, to=to: relay(r, w, to, delay), "127.0.0.1", listen, backlog=1024)
    print(flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
