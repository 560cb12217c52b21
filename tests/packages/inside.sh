#!/bin/bash
# Run by systemd inside the booted system: what an administrator does with the packages, from the
# installation to the end. What each step shows goes into a file of its own below /out.
cd /out
exec > log 2>&1 9> trace
BASH_XTRACEFD=9
set -x
named_so() { find /etc /usr /var /root /opt -xdev -path /var/log/libvirt -prune -o -path '*vcycle*' -print 2> /dev/null; }
rpm() { command rpm --force-debian --nodeps "$@"; }
note() { cat > "/out/$1"; }
pid() { systemctl show -P MainPID vcycled; }
wait_for() { for _ in $(seq 150); do "$@" > /dev/null 2>&1 && return 0; sleep 0.2; done; return 1; }
turned() { [ "$(stat -c %Y /var/lib/vcycle/status.json)" -gt "$1" ]; }
nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }

hostname factory1.example.com
echo '127.0.0.1 factory1.example.com factory1 localhost' > /etc/hosts
named_so > before

rpm -ivh /rpms/1/*.rpm; note install <<< $?
rpm -V vcycle vcycle-command nagios-plugins-vcycle > verify 2>&1
systemd-analyze verify /usr/lib/systemd/system/vcycled.service > unit 2>&1; echo "exit $?" >> unit
systemd-analyze security --offline=true vcycled.service > security 2>&1
stat -c '%U %G %a %n' /var/lib/vcycle /etc/vcycle.conf /var/log/vcycled-factory > owners
cache=/usr/lib64/vcycle/twisted/plugins/dropin.cache
cached() { stat -c '%U %a %i' "$cache" && grep -ac vcycle_plugin "$cache"; }
cached > cache-installed 2>&1

# The five lines, and a hypervisor that is always there.
sed -i 's/^vcycle_space = .*/vcycle_space = test.example.com/' /etc/vcycle.conf
cat > /etc/vcycle.d/test.conf << 'END'
[settings]
libvirt_uri = test:///default
cycle_seconds = 2
overload_per_processor = 1000
total_mb = 100000
mb_per_processor = 64
END
cat > /etc/vcycle.d/example.conf << 'END'
[machinetype example]
target_share = 1
machine_model = vm-direct
kernel = /etc/hostname
fizzle_seconds = 5
END
vcycle check > check 2>&1; echo "exit $?" >> check

systemctl daemon-reload
systemctl start vcycled; note start <<< $?
systemctl show vcycled -p Type -p ActiveState -p StatusText -p WatchdogUSec -p User > shown
wait_for test -e /var/lib/vcycle/status.json
began=$(date +%s); wait_for turned "$began"
nobody vcycle scan > scan 2>&1; echo "exit $?" >> scan
vcycle explain > explain 2>&1
nobody check-vcycled 600 > nagios 2>&1; echo "exit $?" >> nagios
nobody vcycle status > status 2>&1; echo "exit $?" >> status

sed -i 's/^total_machines = .*/total_machines = 2/' /etc/vcycle.conf
systemctl reload vcycled; note reload <<< $?
sleep 3

printf '[Service]\nWatchdogSec=4s\n' > /etc/systemd/system/vcycled.service.d.conf
mkdir -p /etc/systemd/system/vcycled.service.d
mv /etc/systemd/system/vcycled.service.d.conf /etc/systemd/system/vcycled.service.d/fast.conf
systemctl daemon-reload; systemctl restart vcycled
kill -STOP "$(pid)"
restarted() { [ "$(systemctl show -P NRestarts vcycled)" -ge 1 ] && systemctl is-active vcycled; }
wait_for restarted
systemctl show vcycled -p NRestarts -p ActiveState > watchdog
rm -r /etc/systemd/system/vcycled.service.d; systemctl daemon-reload; systemctl restart vcycled

# A secret that systemd hands to the daemon alone.
head -c 32 /dev/urandom | base64 > /etc/vcycle.secret; chmod 600 /etc/vcycle.secret
mkdir -p /etc/systemd/system/vcycled.service.d
printf '[Service]\nLoadCredential=vacquery:/etc/vcycle.secret\n' > /etc/systemd/system/vcycled.service.d/secret.conf
printf '[settings]\nvacquery_secret_file = /run/credentials/vcycled.service/vacquery\nvacquery_require_secret = true\n' > /etc/vcycle.d/secret.conf
systemctl daemon-reload; systemctl restart vcycled
heard() { vcycle scan --secret-file /etc/vcycle.secret; }
wait_for heard; heard > secret 2>&1; echo "exit $?" >> secret
nobody vcycle scan > stranger 2>&1; echo "exit $?" >> stranger
rm -r /etc/systemd/system/vcycled.service.d /etc/vcycle.d/secret.conf /etc/vcycle.secret
systemctl daemon-reload; systemctl restart vcycled

# Logs of the file kind are moved by logrotate while the daemon runs; of the two one is empty.
mkdir -p /etc/systemd/system/vcycled.service.d
printf '[Service]\nEnvironment=VCYCLE_LOG=files\n' > /etc/systemd/system/vcycled.service.d/files.conf
systemctl daemon-reload; systemctl restart vcycled
log=/var/log/vcycled-factory
wait_for grep -q ' runs; state in ' $log
logrotate --force --state /out/logrotate.state /etc/logrotate.d/vcycle > logrotate 2>&1
echo "exit $?" >> logrotate
sed -i 's/^total_machines = .*/total_machines = 3/' /etc/vcycle.conf
systemctl reload vcycled
wait_for grep -q total_machines $log
stat -c '%U %G %a %n' $log $log.1 > rotated
cat $log > log-now; cat $log.1 > log-before
rm -r /etc/systemd/system/vcycled.service.d; systemctl daemon-reload; systemctl restart vcycled

echo "# an administrator's own line" >> /etc/vcycle.conf
before=$(pid)
rpm -Uvh /rpms/2/*.rpm; note upgrade <<< $?
cached > cache-upgraded 2>&1
sleep 2
{ echo "before $before"; echo "after $(pid)"; systemctl is-active vcycled; } > upgraded
tail -n 1 /etc/vcycle.conf > edited
ls /etc/vcycle.conf* > configurations
wait_for nobody vcycle scan
rpm -V vcycle > verify-edited 2>&1

main=$(pid)
rpm -e nagios-plugins-vcycle vcycle vcycle-command; note erase <<< $?
cached > cache-erased 2>&1
{ systemctl is-active vcycled; kill -0 "$main" && echo "still there"; } > gone 2>&1
named_so > left
journalctl --sync
journalctl -u vcycled -o cat --no-pager > journal
journalctl -u vcycled -p warning -o cat --no-pager > warnings
touch /out/done
systemctl poweroff --no-block
