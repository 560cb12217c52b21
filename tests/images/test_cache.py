"""The cache itself: one download for all, back-off, pruning, restarts and crashes."""

from __future__ import annotations

import contextlib
import os
from typing import Callable

from twisted.internet.defer import Deferred, gatherResults

from tests.images.case import CacheCase
from tests.images.https import Served
from vcycle.core.images.news import Fetched, Kept, Lacking, Removed, Trouble
from vcycle.core.images.states import Standing
from vcycle.images.fetching import Bounds
from vcycle.images.shelf import Shelf

GOOD = b"good" * 5000


class OnceTests(CacheCase):
    async def test_never_waits(self) -> None:
        """Who asks is answered at once: that it is being fetched, and how far."""
        url = self.put(GOOD, stall=8192, modified=None)
        self.assertEqual(f"{url} is being fetched", await self.missing(url))
        await self.until(lambda: self.done(url) == 8192)
        self.assertEqual(f"{url} is being fetched: 40 % of 20.0 KB", await self.missing(url))
        [status] = self.cache.status()
        self.assertEqual(Standing.MISSING, status.standing)
        self.clock.advance(61)
        await self.until(lambda: self.cache.progress(url) is None)

    async def test_single_flight(self) -> None:
        """However many ask, there is one download."""
        url = self.put(GOOD, etag='"1"')
        asked = [Deferred.fromCoroutine(self.cache.fetch(url)) for _ in range(20)]
        for _ in range(20):
            await self.missing(url)
        await gatherResults(asked)
        self.assertEqual(2, len(self.server.asked))
        self.assertEqual(1, self.wakes)

    async def test_other_process(self) -> None:
        """What another process fetches is not fetched as well."""
        url = self.put(GOOD, etag='"1"')
        lock = self.cache.fetching.download(url, ()).part_file.take()
        assert lock is not None, "nobody has it"
        self.assertIn("another process is fetching it", await self.failed(url))
        os.close(lock)
        other = self.start()
        await other.fetch(url)
        self.assertEqual(GOOD, await self.content(url))

    async def test_back_off(self) -> None:
        """A server that fails is asked less and less often; the first time soon."""
        url = self.server.url("/gone")
        asked = []
        for second in range(0, 3600, 5):
            await self.missing(url)
            await self.until(lambda: self.cache.progress(url) is None)
            if self.server.asked:
                asked.append(second)
                self.server.asked.clear()
            self.clock.advance(5)
        self.assertEqual([0, 15, 45, 105, 225, 465, 945, 1845, 2745], asked)
        self.assertEqual(1, len(self.news))

    async def test_checked(self) -> None:
        """A good image is asked for anew after image_check_seconds, beside its use."""
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url)
        self.server.asked.clear()
        for _ in range(20):
            await self.image(url)
            await self.until(lambda: self.cache.progress(url) is None)
            self.clock.advance(50)
        self.assertEqual(3, len(self.server.asked))

    async def test_no_validators(self) -> None:
        """What can only be fetched whole again is, seldom enough; the same content is the same."""
        url = self.put(GOOD, modified=None)
        await self.cache.fetch(url)
        former = (await self.image(url)).path
        self.clock.advance(400)
        await self.cache.fetch(url)
        self.assertEqual(former, (await self.image(url)).path)
        self.assertEqual(1, len(self.cache.fetching.shelf.read().entry(url).versions))

    async def test_damaged(self) -> None:
        """A file that lost its end, or is gone, is not used, and fetched again."""
        url = self.put(GOOD, etag='"1"')
        for spoil in (lambda path: os.truncate(path, 5), os.unlink):
            await self.cache.fetch(url)
            path = (await self.image(url)).path
            os.chmod(path, 0o644)
            spoil(path)
            await self.missing(url)
            await self.until(lambda: self.cache.progress(url) is None)
            self.assertEqual(GOOD, await self.content(url))

    async def test_changed_in_use(self) -> None:
        """A file that was found changed is replaced, though it is as long and a machine has it."""
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url)
        path = (await self.image(url)).path
        os.chmod(path, 0o644)
        with open(path, "wb") as file:
            file.write(b"evil" * 5000)
        with open(path, "rb") as held:
            name = os.path.basename(path)
            self.cache.fetching.shelf.forget({name}, {name})
            self.assertEqual(GOOD, await self.fetched(url))
            self.assertEqual(path, (await self.image(url)).path)
            self.assertEqual(b"evil" * 5000, held.read())
        self.assertEqual([path], [each.path for each in os.scandir(os.path.dirname(path))])

    async def test_read_only(self) -> None:
        """A hypervisor's user can read an image, and nobody changes it."""
        url = self.put(GOOD)
        await self.cache.fetch(url)
        self.assertEqual(0o444, os.stat((await self.image(url)).path).st_mode & 0o777)

    async def test_names(self) -> None:
        """Files are called as people know them, whatever stands in the address."""
        for path, begins, ends in [
            ("/x/CentOS%207.qcow2", "CentOS_7-", ".qcow2"),
            ("/..%2f..%2fetc%2fpasswd", "passwd-", ""),
            ("/", "image-", ""),
            ("/" + "x" * 300 + ".iso", "x", ".iso"),
        ]:
            self.server.files[path] = Served(GOOD)
            url = self.server.url(path)
            await self.cache.fetch(url)
            found = await self.image(url)
            self.assertEqual(self.cache.fetching.shelf.images, os.path.dirname(found.path))
            name = os.path.basename(found.path)
            self.assertTrue(name.startswith(begins) and name.endswith(ends), name)

    async def test_status(self) -> None:
        """Who watches sees what is here, how old it is, and what is wrong."""
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url)
        self.server.files.clear()
        self.clock.advance(1000)
        await self.failed(url)
        [status] = self.cache.status()
        self.assertEqual((url, Standing.OLD, 1), (status.url, status.standing, status.versions))
        self.assertEqual(self.wall() - 1000, status.confirmed_at)
        self.assertIn("404", status.problem or "")
        self.assertIsNone(status.wanted_at)
        await self.image(url)
        self.assertEqual([self.wall()], [each.wanted_at for each in self.cache.status()])


class RoomTests(CacheCase):
    async def versions(self, count: int, days: float = 1) -> list[str]:
        """The paths of so many versions of one address, each used for the last time in turn."""
        paths = []
        for number in range(count):
            url = self.put(GOOD + bytes([number]), etag=f'"{number}"')
            await self.cache.fetch(url)
            paths.append((await self.image(url)).path)
            self.clock.advance(days * 86_400)
        await self.cache.tidy()
        return paths

    def here(self, paths: list[str]) -> list[int]:
        return [number for number, path in enumerate(paths) if os.path.exists(path)]

    async def test_versions(self) -> None:
        """The last versions are kept, and those that machines live on."""
        self.assertEqual([2, 3], self.here(await self.versions(4)))
        removed = [news for news in self.news if isinstance(news, Removed)]
        self.assertEqual(2, len(removed))

    async def test_in_use(self) -> None:
        """What a machine lives on stays until that is over."""
        paths: list[str] = []
        self.used = set()
        in_use = self.used
        url = self.put(GOOD + b"first", etag='"first"')
        await self.cache.fetch(url)
        in_use.add((await self.image(url)).path)
        [first] = in_use
        self.clock.advance(86_400)
        paths = await self.versions(4)
        self.assertEqual([2, 3], self.here(paths))
        self.assertTrue(os.path.exists(first))
        in_use.clear()
        await self.cache.tidy()
        self.assertFalse(os.path.exists(first))

    async def test_not_known(self) -> None:
        """As long as nobody knows what is in use, nothing is removed."""
        self.used = None
        self.assertEqual([0, 1, 2, 3], self.here(await self.versions(4)))

    async def test_budget(self) -> None:
        """What was not used for longest makes room before something is fetched."""
        self.bounds = Bounds(waits=self.bounds.waits, budget=50_000, versions=9)
        self.cache = self.start()
        self.assertEqual([2, 3], self.here(await self.versions(4)))

    async def test_over_budget(self) -> None:
        """Where all is in use nothing is fetched, and it is said why."""
        self.bounds = Bounds(waits=self.bounds.waits, budget=30_000)
        self.cache = self.start()
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url)
        self.used = {(await self.image(url)).path}
        self.put(GOOD + b"2", etag='"2"')
        self.assertIn("over image_cache_gb", await self.failed(url))
        self.assertEqual(GOOD, await self.content(url))

    async def test_full_disk(self) -> None:
        """Room on the disk is looked at before the first byte is fetched."""
        self.cache.fetching.free = lambda directory: 1_000_010_000
        self.assertIn("are free; make room", await self.failed(self.put(GOOD)))


class RestartTests(CacheCase):
    async def test_restart(self) -> None:
        """A new daemon has what the former one had, and asks as if there had been no restart."""
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url)
        self.server.asked.clear()
        self.cache = self.start()
        self.clock.advance(200)
        self.assertEqual(GOOD, await self.content(url))
        self.assertEqual([], self.server.asked)

    async def test_index_damaged(self) -> None:
        """An index that makes no sense is kept aside and told of; all is fetched anew."""
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url)
        index = os.path.join(self.cache.fetching.shelf.directory, "index.json")
        with open(index, "w") as file:
            file.write("{}")
        self.cache = self.start()
        await self.missing(url)
        await self.until(lambda: self.cache.progress(url) is None)
        self.assertEqual(GOOD, await self.content(url))
        self.assertTrue(os.path.exists(index + ".damaged"))
        self.assertEqual(1, len([news for news in self.news if isinstance(news, Trouble)]))

    async def test_swept(self) -> None:
        """What a killed process left is removed in time; what a machine lives on is not."""
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url)
        shelf = self.cache.fetching.shelf
        left = ["images/unknown.iso", ".index.json.1.2", "parts/0.part", "images/lived-on.iso"]
        for name in left:
            path = os.path.join(shelf.directory, name)
            with open(path, "w") as file:
                file.write("x")
            os.utime(path, (1, 1))
        self.used = {os.path.join(shelf.directory, left[3])}
        await self.cache.tidy()
        there = [os.path.exists(os.path.join(shelf.directory, name)) for name in left]
        self.assertEqual([False, False, False, True], there)
        self.assertEqual(GOOD, await self.content(url))


class Killed(BaseException):
    """The process ends here."""


class CrashTests(CacheCase):
    def killing(self, at: int) -> tuple[Callable[[str, str], None], list[int]]:
        """A step that kills at one change of the disk, and at all that come after."""
        count = [0]

        def step(what: str, path: str) -> None:
            count[0] += 1
            if count[0] >= at:
                raise Killed

        return step, count

    async def test_killed_anywhere(self) -> None:
        """Whenever the daemon is killed, the next has the former image or the new one."""
        for at in range(1, 9):
            url = self.put(GOOD, etag='"1"')
            self.server.files[f"/{at}"] = self.server.files["/image.iso"]
            url = self.server.url(f"/{at}")
            await self.cache.fetch(url)
            self.server.files[f"/{at}"] = Served(GOOD + b"new", etag='"2"')
            step, _ = self.killing(at)
            shelf = self.cache.fetching.shelf
            self.cache.fetching.shelf = Shelf(shelf.directory, step)
            with contextlib.suppress(Killed):
                await self.cache.fetching.fetch(
                    url, shelf.read().entry(url), (), self.cache.fetching.download(url, ())
                )
            self.cache = self.start()
            self.assertIn(await self.content(url), (GOOD, GOOD + b"new"))
            await self.cache.tidy()
            await self.cache.fetch(url)
            self.assertEqual(GOOD + b"new", await self.content(url))


class ToldTests(CacheCase):
    async def test_told_once(self) -> None:
        """The same trouble is told once; another one, and its end, are told again."""
        url = self.put(GOOD, etag='"1"')
        await self.cache.fetch(url)
        served = self.server.files["/image.iso"]
        for status in (500, 500, 503, 503):
            self.server.files["/image.iso"] = Served(status=status)
            await self.failed(url)
        self.server.files["/image.iso"] = served
        await self.cache.fetch(url)
        self.assertEqual(
            ["Fetched", "Kept", "Kept", "Back"], [type(news).__name__ for news in self.news]
        )
        self.assertIsInstance(self.news[0], Fetched)
        self.assertIsInstance(self.news[1], Kept)

    async def test_lacking(self) -> None:
        """Without a good copy it is said that there is none."""
        await self.failed(self.server.url("/gone"))
        self.assertIsInstance(self.news[0], Lacking)
