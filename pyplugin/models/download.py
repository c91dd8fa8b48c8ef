"""Files that others publish on the web: fetched once, checked by their hash before use."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyplugin._native import VERSION
from pyplugin.errors import DownloadError, ModelError
from pyplugin.models.folders import make_folder, read_file
from pyplugin.support.files import replacing

_SECONDS = 60
_STEP = 1 << 18


@dataclass(frozen=True)
class PublishedFile:
    """One file at one address, known by its hash.

    Attributes
    ----------
    url : str
        HTTPS.
    sha256 : str
        In hexadecimal.
    size : int
        In bytes.
    """

    url: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """Last part of the address.

        Examples
        --------
        >>> PublishedFile("https://example.org/a/net.tflite", "00", 1).name
        'net.tflite'
        """
        return self.url.rsplit("/", 1)[-1]

    def read(self, given: Path | None, folder: Path, report: Callable[[str], None]) -> bytes:
        """Return the content: of the given file, of the copy in the folder, or fetched.

        Parameters
        ----------
        given : Path or None
            A file that the user has.
        folder : Path
            Where copies are kept.
        report : callable
            Takes a line of progress.

        Raises
        ------
        ModelError
            The given file is missing.
        DownloadError
            The given file is another one, or it cannot be fetched.
        """
        if given is not None:
            return self._checked(read_file(given, "file", self.size + 1), str(given))
        kept = folder / "downloads" / f"{self.sha256[:12]}-{self.name}"
        if kept.is_file():
            try:
                return self._checked(read_file(kept, "file", self.size + 1), str(kept))
            except ModelError as error:
                report(f"The copy is damaged and is fetched again. ({error})")
        report(f"Fetching {self.url} ({self.size / 1e6:.1f} MB) ...")
        data = self._checked(self._fetched(), self.url)
        make_folder(kept.parent)
        with replacing(kept, error=ModelError) as place:
            place.write_bytes(data)
        return data

    def _checked(self, data: bytes, where: str) -> bytes:
        found = hashlib.sha256(data).hexdigest()
        if len(data) != self.size or found != self.sha256:
            raise DownloadError(
                f"{where} is not {self.name}: it has {len(data)} bytes and the SHA-256 {found}, "
                f"expected {self.size} and {self.sha256}."
            )
        return data

    def _fetched(self) -> bytes:
        agent = {"User-Agent": f"tagnode/{VERSION}"}
        parts, count = [], 0
        try:
            request = urllib.request.Request(self.url, headers=agent)
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
                while count <= self.size and (data := answer.read(_STEP)):
                    parts.append(data)
                    count += len(data)
        except (OSError, ValueError, urllib.error.URLError) as error:
            raise DownloadError(
                f"Cannot fetch {self.url} ({error}). Get it by other means and give it with --from "
                "FILE."
            ) from error
        return b"".join(parts)
