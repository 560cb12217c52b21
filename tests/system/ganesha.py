"""A user-space NFS server, for kernels that have none."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

from tests.system.waiting import until

PORT = 2049
CONFIGURATION = """\
NFS_CORE_PARAM {{ NFS_Port = {port}; Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false;
    mount_path_pseudo = true; }}
NFSV4 {{ Grace_Period = 0; Graceless = true; Minor_Versions = 1,2; RecoveryBackend = fs;
    RecoveryRoot = {place}/recovery; Only_Numeric_Owners = true; Allow_Numeric_Owners = true; }}
EXPORT {{ Export_Id = 1; Path = {path}; Pseudo = {path}; Access_Type = {access};
    Squash = Root_Squash; SecType = sys; Transports = TCP; FSAL {{ Name = VFS; }} }}
LOG {{ Default_Log_Level = INFO; }}
"""


class Ganesha:
    """Serves one directory by NFS 4.2."""

    def __init__(self, place: Path, path: Path, writable: bool) -> None:
        place.mkdir()
        (place / "recovery").mkdir()
        self._place = place
        access = "RW" if writable else "RO"
        text = CONFIGURATION.format(port=PORT, place=place, path=path, access=access)
        (place / "ganesha.conf").write_text(text, "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """There when it listens."""
        program = shutil.which("ganesha.nfsd", path="/usr/bin:/usr/sbin")
        if program is None:
            raise AssertionError("no ganesha.nfsd here; tests/run installs it")
        with (self._place / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [program, "-F", "-f", str(self._place / "ganesha.conf")]
                + ["-L", str(self._place / "log"), "-p", str(self._place / "pid")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until("ganesha listens", self._listens, 30.0, self.told)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10.0)

    def told(self) -> str:
        """The end of its log."""
        log = self._place / "log"
        lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
        return "\n".join([f"--- {log} ---", *lines[-20:]])

    def _listens(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"ganesha ended\n{self.told()}")
        try:
            socket.create_connection(("127.0.0.1", PORT), 1.0).close()
        except OSError:
            return False
        return True
