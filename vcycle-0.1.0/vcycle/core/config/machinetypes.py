"""A machinetype from the layers of what is said of it."""

from __future__ import annotations

from vcycle.core.config.model import Machinetype
from vcycle.core.config.sheet import Layers
from vcycle.core.machine import Model

DISK_GB = 40.0
_PLAIN_MACHINETYPE = (
    *("root_image_sha256", "image_signing_dn", "user_data_delivery", "user_data_proxy"),
    *("legacy_proxy", "cvmfs_proxy_machinetype"),
)
"""Options whose values are taken as they were read."""


def machinetype_of(space: str, name: str, layers: Layers, above: Layers) -> Machinetype:
    """What the layers say of a machinetype; ``above`` are those that are not its own."""
    options, files = layers.user_data()
    fewest: int = layers.get("min_processors")
    longest: int = layers.get("max_wallclock_seconds")
    shortest: int | None = layers.get("min_wallclock_seconds")
    fqan: str | None = layers.get("accounting_fqan")
    model: Model = layers.get("machine_model")
    return Machinetype(
        space=space,
        name=name,
        target_share=layers.get("target_share"),
        machinegroup=layers.get("machinegroup") or fqan or name,
        machine_model=model,
        root_image=layers.get("root_image"),
        kernel=layers.get("kernel"),
        initrd=layers.get("initrd"),
        kernel_arguments=layers.get("kernel_arguments") or "",
        root_device=layers.get("root_device"),
        scratch_device=layers.get("scratch_device"),
        user_data=layers.get("user_data"),
        user_data_options=options,
        user_data_files=files,
        min_processors=fewest,
        max_processors=layers.get("max_processors") or fewest,
        max_wallclock_seconds=longest,
        min_wallclock_seconds=longest if shortest is None else shortest,
        backoff_seconds=layers.get("backoff_seconds"),
        fizzle_seconds=layers.get("fizzle_seconds"),
        heartbeat_file=layers.get("heartbeat_file"),
        heartbeat_seconds=layers.get("heartbeat_seconds"),
        accounting_fqan=fqan,
        disk_gb_per_processor=_disk(model, layers, above),
        machines_dir_days=layers.get("machines_dir_days"),
        root_public_key=layers.get("root_public_key"),
        shared_dirs=layers.get("shared_dirs") or (),
        **{name: layers.get(name) for name in _PLAIN_MACHINETYPE},
    )


def _disk(model: Model, layers: Layers, above: Layers) -> float | None:
    """A machinetype may have less than its space, never more; 0 is as if it were not set."""
    own: float | None = layers.get("disk_gb_per_processor") or None
    most: float | None = above.get("disk_gb_per_processor") or None
    if own is None:
        # Of a volume group each machine gets its share, which is known only there.
        computed = model is Model.VM_DIRECT or above.get("volume_group") is not None
        return most or (None if computed else DISK_GB)
    return own if most is None else min(own, most)
