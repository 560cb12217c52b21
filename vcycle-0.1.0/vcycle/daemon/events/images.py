"""Lines about images and templates that are fetched."""

from __future__ import annotations

from vcycle.core.images.news import Back, Fetched, Kept, Lacking, News, Removed, Trouble
from vcycle.core.images.states import amount
from vcycle.core.moments import span
from vcycle.daemon.events.line import Operator

_log = Operator()


def images(news: News) -> None:
    """What happened in the cache of images."""
    if isinstance(news, Fetched):
        image_fetched(news)
    elif isinstance(news, Kept):
        image_kept(news)
    elif isinstance(news, Lacking):
        image_lacking(news)
    elif isinstance(news, Back):
        image_back(news)
    elif isinstance(news, Removed):
        image_removed(news)
    else:
        image_trouble(news)


def image_fetched(news: Fetched) -> None:
    """A new version of an image is here; machines are made of it from now on."""
    signed = "" if news.signed_by is None else f", signed by {news.signed_by}"
    resumed = f", {amount(news.resumed)} of it from before" if news.resumed else ""
    _log.info(
        "Image {url}: {amount} fetched in {span}{resumed}, SHA-256 {sha256}{signed}: {path}",
        event="image-fetched",
        url=news.url,
        amount=amount(news.size),
        span=span(news.seconds),
        resumed=resumed,
        sha256=news.sha256,
        signed=signed,
        path=news.path,
    )


def image_kept(news: Kept) -> None:
    """A server cannot be asked, or has nothing good: the good copy that is here is used."""
    _log.warn(
        "Image {url}: the copy confirmed {span} ago is used: {reason}",
        event="image-kept",
        url=news.url,
        span=span(news.age),
        reason=news.reason,
    )


def image_lacking(news: Lacking) -> None:
    """There is no good copy, so no machines are made of it until there is."""
    _log.error(
        "Image {url}: there is no good copy: {reason}; it is tried again",
        event="image-lacking",
        url=news.url,
        reason=news.reason,
    )


def image_back(news: Back) -> None:
    """A server that could not be asked, or had nothing good, does and has again."""
    _log.info("Image {url}: its server is right again", event="image-back", url=news.url)


def image_removed(news: Removed) -> None:
    """A version that is not in use had to go."""
    _log.info(
        "Image removed from the cache, {amount}, as {why}: {path}",
        event="image-removed",
        amount=amount(news.size),
        why=news.why,
        path=news.path,
    )


def image_trouble(news: Trouble) -> None:
    """Something is wrong with the cache itself."""
    _log.error("Cache of images: {text}", event="image-trouble", text=news.text)
