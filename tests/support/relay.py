#!/usr/bin/env python3
"""A TCP relay whose link can be made slow, lossy, silent or broken, since no kernel of the tests does that for us.

As a class for tests in Python (Relay runs in a thread of its own), as a program for the others:
    relay.py ADDRESS PORT        prints the port it listens on at 127.0.0.1, then obeys lines on standard input (the names of the
                                 methods below, with a figure where they take one) and says "ok" to each; it ends with its input
"""
import asyncio
import collections
import random
import sys
import threading
import time

HELD = 256 * 1024  # bytes under way in one direction; beyond them the sender has to wait, as on a real link


class Link:
    """One connection through the relay: both ends, and what went either way."""

    def __init__(self, number):
        self.number = number
        self.opened = time.monotonic()
        self.closed = None
        self.writers = []
        self.up = self.down = 0  # bytes toward the server, toward the client


class Relay:
    def __init__(self, address, port, listen="127.0.0.1"):
        self.target = (address, int(port))
        self.listen = listen
        self.port = 0
        self.delay_s = 0.0
        self.loss_p = 0.0
        self.links = []
        self.triggers = []
        self.ready = threading.Event()
        self.random = random.Random(7)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.ready.wait(10)

    # -- what tests say, from any thread

    def delay(self, milliseconds):
        """Each direction takes that much longer, for what is sent from now on."""
        self.delay_s = float(milliseconds) / 1000

    def loss(self, percent):
        """So many of a hundred pieces are lost once: they and what follows wait for their repetition, 0.2 to 1.5 s."""
        self.loss_p = float(percent) / 100

    def stall(self):
        """Nothing passes any more, and nobody is told; new connections are taken and lead nowhere."""
        self._call(self._going.clear)

    def cut(self):
        """Every connection is reset at both ends, new ones are refused."""
        self._call(self._cut)

    def drop(self):
        """Every connection is reset at both ends, new ones are welcome."""
        self._call(self._abort)

    def resume(self):
        """Passes on what it held back, and listens again on the same port."""
        self._call(self._resume)

    def on(self, text, action):
        """Before the first piece that holds the text is passed on in either direction, action() is called, once, in the relay's
        thread: it may call the methods of this relay and of others."""
        self.triggers.append((text.encode(), action))

    def close(self):
        self._call(self._cut)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def open_links(self):
        return [link for link in self.links if link.closed is None]

    # -- the loop's side

    def _run(self):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self._going = asyncio.Event()
        self._going.set()
        self.server = None
        self.loop.run_until_complete(self._resume_listening())
        self.ready.set()
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0.05))
        self.loop.close()

    def _call(self, function):
        """Done when it returns, so that a test may rely on the order."""
        if threading.current_thread() is self.thread:
            result = function()
            if asyncio.iscoroutine(result):
                self.loop.create_task(result)
            return
        done = threading.Event()

        async def call():
            result = function()
            if asyncio.iscoroutine(result):
                await result
            done.set()

        asyncio.run_coroutine_threadsafe(call(), self.loop)
        if not done.wait(5):
            raise RuntimeError("the relay does not answer")

    def _abort(self):
        for link in self.open_links():
            for writer in link.writers:
                writer.transport.abort()

    def _cut(self):
        if self.server:
            self.server.close()
            self.server = None
        self._abort()
        self._going.set()

    async def _resume(self):
        self._going.set()
        await self._resume_listening()

    async def _resume_listening(self):
        if not self.server:
            self.server = await asyncio.start_server(self._accept, self.listen, self.port)
            self.port = self.server.sockets[0].getsockname()[1]

    async def _accept(self, reader, writer):
        link = Link(len(self.links))
        link.writers.append(writer)
        self.links.append(link)
        try:
            await self._going.wait()
            if self.delay_s:
                await asyncio.sleep(2 * self.delay_s)  # the handshake's two ways
            there, back = await asyncio.open_connection(*self.target)
            link.writers.append(back)
            await asyncio.gather(self._pump(link, reader, back, True), self._pump(link, there, writer, False))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            link.closed = time.monotonic()
            for each in link.writers:
                each.transport.abort()

    async def _pump(self, link, reader, writer, up):
        """Reads at once, passes on when it is due."""
        queue = collections.deque()
        held = 0
        ended = False
        news = asyncio.Event()
        room = asyncio.Event()

        async def read():
            nonlocal held, ended
            try:
                while True:
                    while held > HELD:
                        room.clear()
                        await room.wait()
                    data = await reader.read(32768)
                    if not data:
                        break
                    held += len(data)
                    queue.append((time.monotonic() + self.delay_s, data))
                    news.set()
            finally:
                ended = True
                news.set()

        task = asyncio.ensure_future(read())
        try:
            while True:
                while not queue:
                    if ended:
                        await task  # what went wrong there goes wrong here
                        writer.write_eof()
                        return
                    news.clear()
                    await news.wait()
                due, data = queue.popleft()
                if self.loss_p and self.random.random() < self.loss_p:
                    due += self.random.uniform(0.2, 1.5)
                wait = due - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                self._look_for(data)
                await self._going.wait()
                writer.write(data)
                await writer.drain()
                held -= len(data)
                room.set()
                if up:
                    link.up += len(data)
                else:
                    link.down += len(data)
        finally:
            task.cancel()

    def _look_for(self, data):
        for trigger in list(self.triggers):
            if trigger[0] in data:
                self.triggers.remove(trigger)
                trigger[1]()


def main():
    relay = Relay(sys.argv[1], sys.argv[2])
    print(relay.port, flush=True)
    for line in sys.stdin:
        words = line.split()
        if not words:
            continue
        if words[0] == "links":
            print(len(relay.links), len(relay.open_links()), flush=True)
        elif words[0] in ("delay", "loss", "stall", "cut", "drop", "resume"):
            getattr(relay, words[0])(*words[1:])
            print("ok", flush=True)
        else:
            print("what?", flush=True)
    relay.close()


if __name__ == "__main__":
    main()
