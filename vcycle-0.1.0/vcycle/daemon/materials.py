"""What a machinetype's machines are made of, gathered and checked before one is planned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import Factory, frozen

from vcycle.core.config.model import Machinetype, Space
from vcycle.core.errors import ImageMissing
from vcycle.core.moments import span
from vcycle.interfaces import IImages, Image, RunInThread, Wanted

MARGIN_SECONDS = 600.0
"""More than a cycle takes from gathering materials to using them."""


@frozen(kw_only=True)
class Materials:
    """
    Paths on the hypervisor's host, and contents; None is "has none". ``stale`` are the images
    whose servers could not be asked whether they have changed.
    """

    image: str | None = None
    kernel: str | None = None
    initrd: str | None = None
    template: bytes | None = None
    files: Mapping[str, bytes] = Factory(dict)
    public_key: str | None = None
    stale: tuple[Image, ...] = ()

    def remark(self, now: float) -> str | None:
        """What is to be told of them at ``now`` (Unix seconds); None if there is nothing."""
        texts = []
        for image in self.stale:
            age = (
                "an unknown time" if image.confirmed_at is None else span(now - image.confirmed_at)
            )
            texts.append(f"the copy of {image.url} confirmed {age} ago is used: {image.problem}")
        return "; ".join(texts) or None


async def gather(
    machinetype: Machinetype, images: IImages, directory: str, in_thread: RunInThread
) -> Materials:
    """
    Everything that the machinetype names.

    :raises ImageMissing: something is not there; the text says what, and the cure.
    """

    stale: list[Image] = []

    async def path(
        reference: str | None, sha256: str | None = None, signing_dn: str | None = None
    ) -> str | None:
        if reference is None:
            return None
        image = await images.image(
            Wanted(reference=reference, directory=directory, sha256=sha256, signing_dn=signing_dn)
        )
        if image.problem is not None:
            stale.append(image)
        return image.path

    user_data = machinetype.user_data
    return Materials(
        image=await path(
            machinetype.root_image, machinetype.root_image_sha256, machinetype.image_signing_dn
        ),
        kernel=await path(machinetype.kernel),
        initrd=await path(machinetype.initrd),
        template=None if user_data is None else await images.text(user_data, directory),
        files={
            # What a pipe's document names is in "files" alone: keys are for whoever configures.
            name: await images.text(reference, directory, own=machinetype.pipe is None)
            for name, reference in machinetype.user_data_files.items()
        },
        public_key=await _public_key(machinetype, images, directory, in_thread),
        stale=tuple(stale),
    )


def longest_life(machinetype: Machinetype, space: Space, now: float) -> float:
    """
    When a machine that is made in this cycle may end at the latest, in Unix seconds.

    What it is made with has to last so long. The margin is for what a cycle itself takes, so
    that nothing is planned with what has become too short when it is performed.
    """
    latest = now + MARGIN_SECONDS + machinetype.max_wallclock_seconds
    return latest if space.shutdown_time is None else min(latest, space.shutdown_time)


DEFAULT_KEY = "/root/.ssh/id_rsa.pub"


async def _public_key(
    machinetype: Machinetype, images: IImages, directory: str, in_thread: RunInThread
) -> str | None:
    """The key that is configured has to be there; the default one need not."""
    reference = machinetype.root_public_key
    if reference is None:
        if not await in_thread(lambda: _readable(DEFAULT_KEY)):
            return None
        reference = DEFAULT_KEY
    text = await images.text(reference, directory)
    try:
        return text.decode("ascii")
    except UnicodeDecodeError as error:
        raise ImageMissing(f"root_public_key {reference}: not an ssh public key") from error


def _readable(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:
        return False
