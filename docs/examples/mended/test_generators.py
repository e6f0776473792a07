"""Suspended work is closed, and a task cancelled and awaited."""

import asyncio
import threading

import pytest

JOBS = []


class Upload:
    def __init__(self, chunks):
        self.chunks = chunks


def send(upload):
    for chunk in upload.chunks:
        yield f"sent {chunk}"


def start(upload):
    job = send(upload)
    JOBS.append(job)
    return next(job)


def abandon_all():
    while JOBS:
        JOBS.pop().close()


async def expire(upload):
    await asyncio.sleep(3600)
    upload.chunks.clear()


async def run(upload):
    expiry = asyncio.create_task(expire(upload), name="expiry")
    try:
        return "".join(upload.chunks)
    finally:
        expiry.cancel()
        await asyncio.wait([expiry])


@pytest.fixture(scope="module")
def loop():
    """Run an event loop in a thread of its own, as a service does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="service")
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_abandoned_upload_is_freed(assert_collected):
    upload = Upload(["a", "b"])
    assert_collected(upload)

    assert start(upload) == "sent a"

    abandon_all()


def test_finished_upload_is_freed(assert_collected, loop):
    upload = Upload(["a", "b"])
    assert_collected(upload)

    assert asyncio.run_coroutine_threadsafe(run(upload), loop).result() == "ab"
