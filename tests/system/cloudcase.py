"""Machines from an ordinary cloud image: what they are given, and what they say that they got."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.system.case import SPACE, SystemCase, section
from tests.system.cloudimage import cloud_image
from vcycle.core.machine import Outcome, Record

# A guest under emulation beside others on few processors: cloud-init is Python, and boots slowly.
LIVES = 400.0
# Says how cloud-init came to it, and ends as every machine should.
TELLS = """\
#!/bin/sh
put() {
    cat > /run/put
    curl --silent --show-error --fail --retry 5 --upload-file /run/put \\
        "##user_data_joboutputs_url##/$1"
}
echo '##user_data_uuid## ##user_data_machine_hostname##' | put who
hostname | put hostname
put datasource < /var/lib/cloud/instance/datasource
put key < /root/.ssh/authorized_keys
curl --silent --fail '##user_data_machinefeatures_url##/total_cpu' | put features
curl --silent '##user_data_joboutputs_url##/../latest/user-data' | put served
cut -d ' ' -f 1 /proc/uptime | put uptime
echo '200 Success' | put shutdown_message
poweroff
"""


class CloudCase(SystemCase):
    """A daemon with one machine of the image at a time."""

    def cloud(self, name: str, delivery: str, **options: object) -> str:
        """A [machinetype] section of machines of the image."""
        user_data = self.place / "user_data"
        user_data.write_text(TELLS, "utf-8")
        key = self.place / "key.pub"
        key.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample admin@example.com\n", "utf-8")
        return section(
            f"machinetype {SPACE} {name}",
            {
                "target_share": 1,
                "machine_model": "vm-raw",
                "root_image": self.image(),
                "root_public_key": key,
                "user_data": user_data,
                "user_data_delivery": delivery,
                "max_wallclock_seconds": 3600,
                "fizzle_seconds": 30,
                **options,
            },
        )

    def image(self) -> Path:
        """The image, where QEMU can read it whichever account it runs as."""
        made = cloud_image()
        image = self.place / made.name
        if not image.exists():
            subprocess.run(["cp", "--sparse=always", str(made), str(image)], check=True)
            image.chmod(0o644)
        return image

    def lives(self, name: str, delivery: str, **options: object) -> Record:
        """The first machine to have ended that got its user_data so."""
        self.configure(
            self.space(total_machines=1, mb_per_processor=512),
            self.cloud(name, delivery, **options),
        )
        self.daemon.start()
        record: Record = self.daemon.until(
            "a machine is over", lambda: next(iter(self.daemon.ended(name)), None), LIVES
        )
        self.assertIs(Outcome.COMPLETED, record.outcome, self.daemon.told())
        self.assertEqual("200 Success", record.message)
        self.assertEqual(f"{record.uuid} {record.name}", self.said(record, "who"))
        self.assertEqual(record.name.partition(".")[0], self.said(record, "hostname"))
        self.assertEqual("1", self.said(record, "features"))
        self.assertIn("AAAAIExample", self.said(record, "key"))
        print(f"\n{delivery}: {self.said(record, 'uptime')} s after the kernel began,")
        print(f"  {self.said(record, 'datasource')}")
        directory = self.daemon.directory(record)
        left = [path.name for path in directory.iterdir()]
        self.assertFalse({"seed.iso", "root.qcow2"} & set(left), left)
        return record

    def said(self, record: Record, name: str) -> str:
        """What the machine told, without its newline."""
        return (self.daemon.output(record, name) or "").strip()


del SystemCase
