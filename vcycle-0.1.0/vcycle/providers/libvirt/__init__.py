"""Machines through libvirt, on the local hypervisor or a remote one."""
