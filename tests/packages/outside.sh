#!/bin/sh
# outside.sh PLACE INSIDE: boot systemd on an overlay of this machine, in namespaces that the
# caller made; PLACE has the packages in rpms/, and gets what INSIDE showed in out/.
set -eu
place=$1 inside=$2
mount --make-rprivate /
ip link set lo up
# An overlay's upper directory cannot be on an overlay itself.
mkdir -p "$place/overlay"
mount -t tmpfs tmpfs "$place/overlay"
mkdir "$place/overlay/up" "$place/overlay/work" "$place/overlay/root"
root=$place/overlay/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/overlay/up,workdir=$place/overlay/work" "$root"
# Nothing of this machine's own is to be started.
rm -f "$root"/etc/systemd/system/*.wants/* "$root/etc/machine-id"
: > "$root/etc/machine-id"
rm -rf "$root/var/lib/vcycle" "$root"/etc/vcycle* "$root/run/vcycle"
for unit in tmp.mount systemd-networkd.service systemd-resolved.service libvirtd.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
cat > "$root/etc/systemd/system/vcycle-test.service" << 'END'
[Unit]
After=basic.target dbus.service
Wants=dbus.service
[Service]
Type=oneshot
ExecStart=/bin/bash /inside.sh
END
cp "$inside" "$root/inside.sh"
cp -R "$place/rpms" "$root/rpms"
exec timeout -s KILL 240 systemd-nspawn -q -D "$root" --bind="$place/out:/out" \
    --register=no --keep-unit --hostname=factory1 --boot systemd.unit=vcycle-test.service \
    systemd.log_target=journal < /dev/null
