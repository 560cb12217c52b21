"""An ordinary cloud image, which knows nothing of us, runs its user_data."""

from __future__ import annotations

from tests.system.cloudcase import CloudCase


class CloudImageTests(CloudCase):
    def test_nocloud(self) -> None:
        """
        cloud-init finds its user_data on a CD-ROM, and runs it; its features are served, its
        user_data is not, and the CD-ROM is gone with the machine.
        """
        record = self.lives("cloud", "nocloud")
        self.assertIn("DataSourceNoCloud", self.said(record, "datasource"))
        self.assertIn("/dev/sr0", self.said(record, "datasource"))
        self.assertEqual("Not Found", self.said(record, "served"))


del CloudCase
