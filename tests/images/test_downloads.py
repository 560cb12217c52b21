"""Downloads that break, are continued, or change on the way; a real HTTPS server."""

from __future__ import annotations

import hashlib
import os

from twisted.internet.defer import Deferred

from tests.images.case import CacheCase
from tests.images.https import Served
from vcycle.core.errors import ImageMissing
from vcycle.core.images.needs import Need
from vcycle.core.images.news import Fetched, Lacking

GOOD = bytes(range(256)) * 2000
OTHER = bytes(reversed(range(256))) * 2000
HALF = 62 * 4096
"""About half of both, and whole pages, as parts are kept."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def verify_good(path: str, expression: str) -> str:
    """GOOD alone is signed."""
    with open(path, "rb") as file:
        if file.read() != GOOD:
            raise ImageMissing(f"{path}: not signed")
    return "/CN=signer"


class ResumeTests(CacheCase):
    def ranges(self) -> list[str | None]:
        """What each request asked for."""
        return [asked.headers.get("range") for asked in self.server.asked]

    async def broken(self, **how: object) -> str:
        """The address of an image of which half is here."""
        url = self.put(GOOD, stall=HALF, **how)
        failure = Deferred.fromCoroutine(self.failed(url))
        await self.until(lambda: self.done(url) == HALF)
        # As the daemon's end would, without a chance to tidy up.
        self.server.files["/image.iso"] = Served(status=404)
        self.clock.advance(61)
        await failure
        self.server.asked.clear()
        self.server.files["/image.iso"] = Served(GOOD, **how)  # type: ignore[arg-type]
        return url

    async def test_continued(self) -> None:
        """What broke off is continued where it ended, and costs what was missing."""
        url = await self.broken(etag='"1"')
        self.assertEqual(GOOD, await self.fetched(url))
        self.assertEqual([f"bytes={HALF}-", None], self.ranges())
        self.assertEqual('"1"', self.server.asked[0].headers["if-range"])
        self.assertEqual('"1"', self.server.asked[1].headers["if-none-match"])
        [told] = [news for news in self.news if isinstance(news, Fetched)]
        self.assertEqual(HALF, told.resumed)

    async def test_by_date(self) -> None:
        """A date that is old enough at the answer proves as much."""
        url = await self.broken()
        self.assertEqual(GOOD, await self.fetched(url))
        self.assertEqual([f"bytes={HALF}-", None], self.ranges())

    async def test_after_restart(self) -> None:
        """A new daemon goes on with what the killed one left."""
        url = await self.broken(etag='"1"')
        self.cache = self.start()
        self.assertEqual(GOOD, await self.fetched(url))
        self.assertEqual(f"bytes={HALF}-", self.ranges()[0])

    async def test_after_reboot(self) -> None:
        """What the host wrote before it went down may be lost, and is not relied on."""
        url = await self.broken(etag='"1"')
        self.boot = "another boot"
        self.cache = self.start()
        self.assertEqual(GOOD, await self.fetched(url))
        self.assertEqual([None, None], self.ranges())

    async def test_weak(self) -> None:
        """A weak ETag does not prove that bytes are the same: all is fetched again."""
        url = await self.broken(etag='W/"1"')
        self.assertEqual(GOOD, await self.fetched(url))
        self.assertEqual([None, None], self.ranges())

    async def test_other_meanwhile(self) -> None:
        """What became another file meanwhile is fetched whole: there is no mixture."""
        url = await self.broken(etag='"1"')
        self.put(OTHER, etag='"2"')
        self.assertEqual(OTHER, await self.fetched(url))

    async def test_server_lies(self) -> None:
        """Each row: a 206 that is not exactly what is missing continues nothing."""
        rows: list[dict[str, str]] = [
            {"Content-Range": f"bytes 0-{len(GOOD) - 1}/{len(GOOD)}"},
            {"Content-Range": f"bytes {HALF}-{len(GOOD) - 1}/{len(GOOD) + 1}"},
            {"Content-Range": "bytes x-y/z"},
            {},
        ]
        for number, headers in enumerate(rows):
            etag = f'"{number}"'
            url = await self.broken(etag=etag)
            self.server.files["/image.iso"] = Served(
                GOOD[:HALF], status=206, etag=etag, headers=headers
            )
            self.assertIn("206", await self.failed(url))
            self.put(GOOD, etag=etag)
            self.assertEqual(GOOD, await self.fetched(url))

    async def test_breaks_often(self) -> None:
        """A server that breaks off again and again is continued at once, as far as it gets."""
        url = self.put(GOOD, etag='"1"', cut=len(GOOD) // 5)
        self.assertEqual(GOOD, await self.fetched(url))
        self.assertEqual(6, len(self.server.asked))

    async def test_whole_when_killed(self) -> None:
        """What was whole when the daemon was killed costs one small request."""
        url = self.put(GOOD, etag='"1"')
        download = self.cache.fetching.download(url, ())
        self.assertIsNotNone(await download.fetch(None))
        await download.release()  # as the kernel does for whoever is killed
        self.server.asked.clear()
        self.cache = self.start()
        self.assertEqual(GOOD, await self.fetched(url))
        [asked] = self.server.asked
        self.assertEqual('"1"', asked.headers["if-none-match"])

    async def test_shorter_part(self) -> None:
        """A part whose file lost its end is continued from there."""
        url = await self.broken(etag='"1"')
        [part] = [name for name in self.left() if name.endswith(".part")]
        os.truncate(os.path.join(self.directory, part), 10_000)
        self.assertEqual(GOOD, await self.fetched(url))
        self.assertEqual("bytes=8192-", self.ranges()[0])

    async def test_foreign_part(self) -> None:
        """A part whose note makes no sense is not used."""
        url = await self.broken(etag='"1"')
        [note] = [name for name in self.left() if "/parts/" in name and name.endswith(".json")]
        for text in ("", "[]", "{", '{"url": 1}', '{"length": -1}'):
            with open(os.path.join(self.directory, note), "w") as file:
                file.write(text)
            self.assertEqual(GOOD, await self.fetched(url), text)


class ChangeTests(CacheCase):
    async def test_changes_in_the_middle(self) -> None:
        """A file that is overwritten while it is sent yields the new one whole, no mixture."""
        url = self.server.url("/image.iso")

        def change() -> None:
            served.body, served.etag = OTHER, '"2"'

        served = self.server.files["/image.iso"] = Served(GOOD, etag='"1"', changes=change)
        self.assertEqual(OTHER, await self.fetched(url))

    async def test_changes_with_digest(self) -> None:
        """With a digest that tells a mixture, no more is asked at the end."""
        url = self.server.url("/image.iso")

        def change() -> None:
            served.body, served.etag = OTHER, '"2"'

        served = self.server.files["/image.iso"] = Served(GOOD, etag='"1"', changes=change)
        need = Need(sha256=sha256(OTHER))
        self.assertIn("its SHA-256 is", await self.failed(url, needs=[need]))
        self.assertEqual([], [name for name in self.left() if "/images/" in name])
        self.cache.forgive()
        await self.cache.fetch(url, [need])
        self.assertEqual(OTHER, await self.content(url, sha256=sha256(OTHER)))


class NeedTests(CacheCase):
    async def test_digest(self) -> None:
        """Only the image of the digest is given; another is thrown away and not fetched twice."""
        url = self.put(OTHER, etag='"1"')
        wanted = sha256(GOOD)
        self.assertIn("is being fetched", await self.missing(url, sha256=wanted))
        await self.until(lambda: self.cache.progress(url) is None)
        self.assertIn(f"not {wanted}", await self.missing(url, sha256=wanted))
        self.assertEqual([], [name for name in self.left() if "/images/" in name])
        self.assertIsInstance(self.news[-1], Lacking)
        self.server.asked.clear()
        self.clock.advance(20)
        await self.missing(url, sha256=wanted)
        await self.until(lambda: self.cache.progress(url) is None)
        [asked] = self.server.asked
        self.assertEqual('"1"', asked.headers["if-none-match"])
        self.assertIn(f"not {wanted}", await self.missing(url, sha256=wanted))

    async def test_other_digest(self) -> None:
        """Once another digest is wanted, what was refused is fetched after all."""
        url = self.put(OTHER, etag='"1"')
        await self.failed(url, needs=[Need(sha256=sha256(GOOD))])
        self.clock.advance(20)
        self.cache = self.start()
        await self.missing(url, sha256=sha256(OTHER))
        await self.until(lambda: self.cache.progress(url) is None)
        self.assertEqual(OTHER, await self.content(url, sha256=sha256(OTHER)))

    async def test_pinned(self) -> None:
        """What has the digest cannot get newer: its server is not asked again."""
        url = self.put(GOOD)
        await self.cache.fetch(url, [Need(sha256=sha256(GOOD))])
        self.server.asked.clear()
        self.clock.advance(100_000)
        self.assertEqual(GOOD, await self.content(url, sha256=sha256(GOOD)))
        self.assertEqual([], self.server.asked)

    async def test_two_needs(self) -> None:
        """Two machinetypes that need different versions of one address each have theirs."""
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url, [Need(sha256=sha256(GOOD))])
        self.put(OTHER, etag='"2"')
        await self.cache.fetch(url, [Need()])
        self.assertEqual(GOOD, await self.content(url, sha256=sha256(GOOD)))
        self.assertEqual(OTHER, await self.content(url))

    async def test_without_length(self) -> None:
        """A digest proves that nothing is missing, where the server does not say."""
        url = self.put(GOOD, length=False, chunked=False)
        await self.cache.fetch(url, [Need(sha256=sha256(GOOD))])
        self.assertEqual(GOOD, await self.content(url, sha256=sha256(GOOD)))

    async def test_signature(self) -> None:
        """Only an image with a signature that matches is given, and it is told whose."""
        self.verify = verify_good
        self.cache = self.start()
        url = self.put(OTHER, etag='"1"')
        needs = [Need(signing_dn=".*")]
        self.assertIn("it: not signed", await self.failed(url, needs=needs))
        self.put(GOOD, etag='"2"')
        await self.cache.fetch(url, needs)
        image = await self.image(url, signing_dn=".*")
        self.assertEqual("/CN=signer", image.signed_by)

    async def test_signature_after_restart(self) -> None:
        """A new daemon verifies again what is here, beside the cycle."""
        self.verify = lambda path, expression: "/CN=signer"
        self.cache = self.start()
        url = self.put(GOOD)
        await self.cache.fetch(url, [Need(signing_dn=".*")])
        self.cache = self.start()
        wakes = self.wakes
        self.assertIn("/CN=signer", str(await self.image(url, signing_dn=".*")))
        self.assertGreater(self.wakes, wakes)

    async def test_passed_over(self) -> None:
        """Who is given a former version, as the newest is not signed, is told so, and its age."""
        self.verify = verify_good
        self.cache = self.start()
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url, [Need(signing_dn=".*")])
        fetched_at = self.wall()
        self.assertIsNone((await self.image(url, signing_dn=".*")).problem)
        self.clock.advance(1000)
        self.put(OTHER, etag='"2"')
        await self.cache.fetch(url, [Need()])
        image = await self.image(url, signing_dn=".*")
        self.assertEqual((sha256(GOOD), fetched_at), (image.sha256, image.confirmed_at))
        problem = str(image.problem)
        self.assertTrue(problem.startswith("a newer one was fetched and is not used: "), problem)
        self.assertTrue(problem.endswith(": not signed"), problem)
        newest = await self.image(url)
        self.assertEqual((None, self.wall()), (newest.problem, newest.confirmed_at))
        pinned = await self.image(url, sha256=sha256(GOOD))
        self.assertIsNone(pinned.problem)

    async def test_newest_gone(self) -> None:
        """The same where somebody removed the newest."""
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url)
        self.put(OTHER, etag='"2"')
        await self.cache.fetch(url)
        os.unlink((await self.image(url)).path)
        image = await self.image(url)
        self.assertEqual(sha256(GOOD), image.sha256)
        self.assertIn("is not used: it is not whole here", str(image.problem))

    async def test_dear(self) -> None:
        """What nobody can use, and cannot be asked about, is fetched a hundredth of the time."""

        def verify(path: str, expression: str) -> str:
            self.clock.advance(30)
            raise ImageMissing(f"{path}: not signed")

        self.verify = verify
        self.cache = self.start()
        url = self.put(OTHER, modified=None)
        await self.missing(url, signing_dn=".*")
        await self.until(lambda: self.cache.progress(url) is None)
        self.clock.advance(2900)
        self.server.asked.clear()
        self.assertIn("tried again in 1m", await self.missing(url, signing_dn=".*"))
        self.assertEqual([], self.server.asked)
        self.clock.advance(200)
        await self.missing(url, signing_dn=".*")
        await self.until(lambda: self.cache.progress(url) is None)
        self.assertEqual(1, len(self.server.asked))
        self.cache.forgive()
        await self.missing(url, signing_dn=".*")
        await self.until(lambda: self.cache.progress(url) is None)
        self.assertEqual(2, len(self.server.asked))
