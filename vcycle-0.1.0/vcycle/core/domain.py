"""A machine as libvirt's domain XML."""

from __future__ import annotations

from xml.etree import ElementTree

from attrs import frozen

from vcycle.core.machine import Boot, Disk, Record, Shared, Spec
from vcycle.core.mark import fit, mark_element

METADATA_URL = "http://169.254.169.254"
URL_MARK = "##metadata_url##"

_Element = ElementTree.Element
_add = ElementTree.SubElement


@frozen(kw_only=True)
class Platform:
    """
    What a hypervisor offers its machines.

    ``domain_type`` is "kvm", "qemu" (emulation) or "test". ``arch`` None is the
    hypervisor's own. ``network`` is a libvirt network that filters addresses; None is user
    networking. ``cpu_mode`` is one of libvirt's modes; None the hypervisor's default.
    """

    domain_type: str
    arch: str | None
    network: str | None
    cpu_mode: str | None


def domain_xml(spec: Spec, platform: Platform) -> str:
    """
    A transient domain that exists as long as its machine runs.

    :raises ValueError: a text of it is unfit for XML, or the machine lacks an address where
        the platform's network filters addresses.
    """
    record = spec.record
    root = _Element("domain", type=platform.domain_type)
    _add(root, "name").text = _named(record.name)
    _add(root, "uuid").text = fit(record.uuid, "uuid")
    _add(root, "metadata").append(mark_element(spec.mark))
    _add(root, "memory", unit="MiB").text = str(record.memory_mb)
    _add(root, "vcpu").text = str(record.processors)
    if any(shared.how == "virtiofs" for shared in spec.shared):
        # The process that serves the files reads and writes the machine's own memory.
        backing = _add(root, "memoryBacking")
        _add(backing, "source", type="memfd")
        _add(backing, "access", mode="shared")
    hint = _hint(spec, platform)
    if hint is not None:
        seed = f"ds=nocloud-net;s={fit(hint, 'metadata URL').rstrip('/')}/"
        system = _add(_add(root, "sysinfo", type="smbios"), "system")
        _add(system, "entry", name="serial").text = seed
    _os(_add(root, "os"), spec, platform, hint is not None)
    features = _add(root, "features")
    for feature in ("acpi", "apic", "pae"):
        _add(features, feature)
    if platform.cpu_mode is not None:
        _add(root, "cpu", mode=platform.cpu_mode)
    _add(root, "clock", offset="utc")
    for event in ("on_poweroff", "on_reboot", "on_crash"):
        _add(root, event).text = "destroy"
    sleep = _add(root, "pm")
    _add(sleep, "suspend-to-mem", enabled="no")
    _add(sleep, "suspend-to-disk", enabled="no")
    devices = _add(root, "devices")
    for disk in spec.disks:
        _disk(devices, disk)
    for shared in spec.shared:
        _filesystem(devices, shared)
    _add(devices, "controller", type="usb", model="none")
    _interface(devices, record, platform)
    serial = _add(devices, "serial", type="file")
    _add(serial, "source", path=fit(spec.console, "console file"))
    _add(serial, "target", port="0")
    _add(devices, "memballoon", model="none")
    random = _add(devices, "rng", model="virtio")
    _add(random, "backend", model="random").text = "/dev/urandom"
    return ElementTree.tostring(root, encoding="unicode")


def _named(name: str) -> str:
    if not name.strip() or "/" in name:
        raise ValueError(f"machine name {name[:100]!r}: it must not be blank, nor hold a slash")
    return fit(name, "machine name")


def _hint(spec: Spec, platform: Platform) -> str | None:
    """
    What the firmware tells cloud-init, in the serial number, of where its metadata is.

    At the well-known address cloud-init looks by itself only on clouds that it knows by their
    firmware's names, and switches itself off elsewhere.
    """
    if not spec.hinted:
        return None
    has_firmware_tables = platform.arch in ("x86_64", "aarch64")
    return spec.metadata_url or (METADATA_URL if has_firmware_tables else None)


def _os(parent: _Element, spec: Spec, platform: Platform, hinted: bool) -> None:
    kind = _add(parent, "type")
    kind.text = "hvm"
    if platform.arch is not None:
        kind.set("arch", platform.arch)
        if platform.arch == "x86_64":
            kind.set("machine", "pc")
    if spec.boot is None:
        for device in ("cdrom", "hd"):
            _add(parent, "boot", dev=device)
        if platform.arch == "x86_64":
            # So that the console's file says when there was nothing to boot.
            _add(parent, "bios", useserial="yes")
    else:
        _kernel(parent, spec.boot, spec.metadata_url or METADATA_URL)
    if hinted:
        _add(parent, "smbios", mode="sysinfo")


def _kernel(parent: _Element, boot: Boot, metadata_url: str) -> None:
    _add(parent, "kernel").text = fit(boot.kernel, "kernel")
    if boot.initrd is not None:
        _add(parent, "initrd").text = fit(boot.initrd, "initrd")
    arguments = boot.arguments.replace(URL_MARK, metadata_url)
    _add(parent, "cmdline").text = fit(arguments, "kernel arguments")


def _disk(parent: _Element, disk: Disk) -> None:
    if disk.pool is not None:
        raise ValueError(f"the volume {disk.path} of {disk.pool} has no path yet")
    block = disk.path.startswith("/dev/")
    element = _add(parent, "disk", type="block" if block else "file")
    element.set("device", "cdrom" if disk.cdrom else "disk")
    # All that a machine writes dies with it: nothing needs to reach the platters.
    driver = _add(element, "driver", name="qemu", type=fit(disk.kind, "disk format"))
    driver.set("cache", "unsafe")
    driver.set("error_policy", "report")
    if not disk.cdrom:
        driver.set("discard", "unmap")
    _add(element, "source").set("dev" if block else "file", fit(disk.path, "disk"))
    bus = "virtio" if "vd" in disk.device else "ide"
    _add(element, "target", dev=fit(disk.device, "disk device"), bus=bus)
    if disk.cdrom:
        _add(element, "readonly")


def _filesystem(parent: _Element, shared: Shared) -> None:
    virtiofs = shared.how == "virtiofs"
    # Mapped, a machine's root is nobody in particular on the host.
    mode = "passthrough" if virtiofs else "mapped"
    element = _add(parent, "filesystem", type="mount", accessmode=mode)
    if virtiofs:
        _add(element, "driver", type="virtiofs")
    elif shared.how != "9p":
        raise ValueError(f"{shared.path}: a hypervisor does not share by {shared.how}")
    _add(element, "source", dir=fit(shared.path, "shared directory"))
    _add(element, "target", dir=fit(shared.tag, "tag"))
    if not shared.writable:
        _add(element, "readonly")


def _interface(parent: _Element, record: Record, platform: Platform) -> None:
    element = _add(parent, "interface", type="user" if platform.network is None else "network")
    if record.mac is not None:
        _add(element, "mac", address=fit(record.mac, "MAC address"))
    if platform.network is not None:
        _add(element, "source", network=fit(platform.network, "network name"))
    _add(element, "model", type="virtio")
    _add(element, "rom", enabled="no")
    if platform.network is not None:
        if record.address is None or record.mac is None:
            raise ValueError(f"{record.name} has no address in the network {platform.network}")
        # The parameter binds the machine to its address; learned, it could be a neighbour's.
        guard = _add(element, "filterref", filter="clean-traffic")
        _add(guard, "parameter", name="IP", value=fit(record.address, "address"))
        _add(guard, "parameter", name="CTRL_IP_LEARNING", value="none")
    if platform.arch == "x86_64":
        # Images know their interface by this slot's name, as they did with Vac.
        place = {"type": "pci", "domain": "0x0000", "bus": "0x00", "slot": "0x03"}
        _add(element, "address", {**place, "function": "0x0"})
