"""The options as text: two lines each, read into Options by vcycle.core.config.options."""

from __future__ import annotations

# name, sections, kind, default; "-" is no default, and what is in parentheses says what
# happens then. A name that ends with "*" is a prefix. The second line is the meaning.
ACTIVE = """\
vcycle_space settings space (needed, unless there is a [space NAME])
    Name of the space that [machinetype NAME] sections without a space's name belong to.
state_dir settings path /var/lib/vcycle
    Directory of the machines' records, their files, and the machinetypes' files.
vacquery_port settings port 995
    UDP port on which other factories ask what runs here; with 0 nobody is answered.
vacquery_interface settings address (all)
    IP address on which those questions are answered.
query_allow settings,space networks 127.0.0.0/8 ::1/128
    Networks that are answered beside the factories of the space.
query_rate settings,space positive 2000
    Most datagrams a second towards each address of those networks, but for this host's loopback.
vacquery_secret_file settings,space path (none)
    File with a secret that all factories of the space share: messages are signed with it.
vacquery_require_secret settings,space truefalse false
    Answer and believe only what is signed with that secret.
monitor_port settings port 9979
    TCP port of the metrics and the dashboard; 0 opens none.
monitor_interface settings address 127.0.0.1
    IP address on which metrics and dashboard are served.
log_directory settings path /var/log
    Directory of vcycled-factory and vcycled-responder where the log does not go to the journal.
journal_days settings days 7
    How long what cycles saw and decided is kept, for vcycle replay; 0 or less keeps nothing.
journal_mb settings memory 200
    Most that is kept of it.
ca_directory settings path (/etc/grid-security/certificates where it is there)
    Certificate authorities beside the system's own, with their CRLs: for HTTPS and signed images.
allow_http settings truefalse false
    Fetch also what is named by an address that begins with http://, which nothing protects.
https_proxy settings proxy (the environment's https_proxy)
    HTTP proxy through which images, templates and pipes are fetched.
no_proxy settings line (the environment's no_proxy)
    Hosts and domains that are reached without it, with commas between them.
image_check_seconds settings lifetime 300
    How often a server is asked, while machines are wanted, whether an image has changed.
image_stall_seconds settings lifetime 60
    A download that gets nothing for so long is broken off, and resumed later.
image_total_seconds settings lifetime 21600
    Longest time that one download may take.
image_max_gb settings gigabytes 50
    Largest image that is fetched.
image_cache_gb settings gigabytes 200
    Disk space of all images together; the least recently used go first, never one in use.
image_versions settings positive 2
    Versions of each image that are kept.
factory_name settings,space host (the host's FQDN)
    Name of this factory, with a domain: machines are named after it, factory1-00.example.com.
factories settings,space hosts (none)
    All factories of the space, this one included; '.' is this one, a bare name gets its domain.
udp_timeout_seconds settings,space wait 10.0
    Longest time that a cycle waits for the answers of other factories.
vacmon_hostport settings,space receivers (none)
    Receivers of status messages, HOST:PORT with blanks between them.
libvirt_uri settings,space libvirt qemu:///system
    Where machines are made; spaces on one URI share its processors and memory.
guest_network settings,space network 169.254.0.0/16
    Network of the machines; choose another where 169.254.0.0/16 is the host's own.
guest_http_port settings,space port 80
    TCP port of the metadata service that machines see; 0 lets the system choose one.
forward_dev settings,space interface (as routed)
    Network interface through which the machines' traffic leaves the host.
fix_networking settings,space truefalse true
    Allow Vcycle to set the machines' network right when it is found damaged.
cycle_seconds settings,space interval 60
    Time from one cycle's start to the next.
creations_per_cycle settings,space positive 100
    Most machines that one cycle starts.
total_machines settings,space count (no limit)
    Most machines at one time.
total_processors settings,space count (all that the hypervisor has)
    Processors that machines may use.
total_mb settings,space memory (all that the hypervisor has)
    Memory that machines may use.
mb_per_processor settings,space memory 2048
    Memory of a machine, for each of its processors.
hs06_per_processor settings,space hs06 (not known, counted as 1.0)
    Benchmark of one processor, for accounting and shares.
hepscore23_per_processor settings,space hs06 (not known)
    HEPscore23 of one processor, for accounting.
processors_per_superslot settings,space positive 1
    Processors that become free together; also the size of the largest machine.
overload_per_processor settings,space ratio 1.25
    Load for each processor above which no machine is started.
disk_gb_per_processor settings,space,machinetype gigabytes (40, or its share of volume_group)
    Blank disk of a machine, for each processor; 0 is as if not set, and with vm-direct no disk.
volume_group settings,space volumegroup (none: disks are files)
    LVM volume group, or libvirt storage pool, in which blank disks are made.
sharing settings,space sharing auto
    How shared_dirs reach machines: virtiofs, 9p, nfs, or auto (virtiofs or 9p, what works).
shutdown_time settings,space moment (none)
    All machines end by then, and none is started that could not.
draining settings,space yesno no
    Start no machines; those that run go on.
gocdb_sitename settings,space site (the space's name without its first label)
    Site name in accounting records and status messages.
description settings,space line (none)
    Free text about the factory.
root_public_key settings,space,machinetype path (/root/.ssh/id_rsa.pub where it is there)
    ssh public key offered to machines.
user_data_option_* settings,space,machinetype text -
    Text that replaces ##user_data_option_XXX## in user_data.
user_data_file_* settings,space,machinetype file -
    File whose content replaces ##user_data_option_XXX## in user_data.
machinefeatures_option_* settings,space text -
    Additional key XXX of the machine features.
target_share machinetype,vacuum_pipe share 0
    Wanted share of the factory, on any scale; 0 starts none. Of a pipe: the sum for all of it.
machinegroup machinetype group (accounting_fqan, else the machinetype's name)
    Machinetypes of one group are added up where shares are compared.
machine_model machinetype model cernvm3
    How machines boot: cernvm3, cernvm4, vm-raw or vm-direct.
root_image machinetype file (needed, except with vm-direct)
    Image that machines boot from.
root_image_sha256 machinetype sha256 (none)
    SHA-256 that root_image must have, 64 hexadecimal digits.
image_signing_dn machinetype expression (none: the signature is not looked at)
    Regular expression that the whole DN of root_image's CernVM signature must match.
kernel machinetype file (needed with vm-direct)
    Linux kernel that vm-direct machines boot.
initrd machinetype file (none)
    Initial RAM disk of vm-direct machines.
kernel_arguments machinetype arguments (none)
    Arguments of that kernel.
root_device machinetype device vda
    Device name of the root disk.
scratch_device machinetype device vdb
    Device name of the scratch disk.
user_data machinetype file (none)
    Template of the machines' user_data.
user_data_delivery machinetype delivery metadata
    How user_data gets to machines: metadata, nocloud or configdrive (a CD-ROM); or several of them.
user_data_proxy machinetype truefalse false
    Make a limited X.509 proxy for each machine from x509cert.pem and x509key.pem.
legacy_proxy machinetype truefalse false
    Make that proxy in the older Globus form, not that of RFC 3820.
cvmfs_proxy_machinetype machinetype squids (none)
    Machinetype, or NAME:PORT, whose machines are put before user_data_option_cvmfs_proxy.
shared_dirs machinetype shares (none)
    Directories shared with machines, TAG:/DIRECTORY or TAG:/DIRECTORY:rw, blanks between them.
min_processors machinetype positive 1
    Fewest processors of a machine.
max_processors machinetype positive (min_processors)
    Most processors of a machine.
max_wallclock_seconds machinetype lifetime 86400
    Longest life of a machine.
min_wallclock_seconds machinetype seconds (max_wallclock_seconds)
    Shortest life that is worth starting a machine for.
backoff_seconds machinetype seconds 10
    How long no machine is started after one has aborted.
fizzle_seconds machinetype seconds 600
    A machine that ends younger than this, and says nothing, has aborted.
heartbeat_file machinetype heartbeat (none)
    Job output that a machine must keep writing once it is older than fizzle_seconds.
heartbeat_seconds machinetype seconds 0
    Greatest age of that file; 0 means that it only must be there.
accounting_fqan machinetype fqan (none)
    FQAN or VO in accounting records.
machines_dir_days machinetype days 3.0
    How long the files of an ended machine are kept; 0 or less for ever.
vacuum_pipe_url vacuum_pipe url (needed)
    Address of the document that describes the pipe's machinetypes.
cache_seconds vacuum_pipe seconds (as the document says, else 3600)
    How long the document is used before it is fetched again.
"""

IDLE: tuple[str, ...] = ()
"""Options that are read and judged, and that nothing in this version acts on."""

# name, sections, status, then the successor, or why, or what is not there.
FORMER = """\
root_disk machinetype synonym root_image
cernvm_signing_dn machinetype alias image_signing_dn
vac_space settings alias vcycle_space
cpu_total settings,space alias total_processors
processors_limit,max_processors space alias total_processors
mb_per_cpu settings,space alias mb_per_processor
hs06_per_cpu settings,space alias hs06_per_processor
cpu_per_machine,vcpu_per_machine settings,space alias processors_per_superslot
overload_per_cpu settings,space alias overload_per_processor
disk_gb_per_cpu,scratch_gb settings,space,machinetype alias disk_gb_per_processor
vm_model machinetype alias machine_model
rootpublickey machinetype alias root_public_key
cpu_per_machine,processors_per_machine machinetype alias min_processors
machineoutputs_days machinetype alias machines_dir_days
mb_per_machine settings ignored set mb_per_processor instead
domain_type settings ignored the hypervisor is asked what it can do
delete_old_files settings ignored set machines_dir_days in [machinetype NAME] instead
log_machineoutputs,log_joboutputs machinetype ignored job outputs are kept with their machine
joboutputs_days machinetype ignored set machines_dir_days instead
remote_joboutputs_url machinetype ignored job outputs stay on the factory
remote_joboutputs_cert,remote_joboutputs_key machinetype ignored job outputs stay on the factory
user_data_proxy_cert machinetype ignored x509cert.pem in the machinetype's directory was used
user_data_proxy_key machinetype ignored x509key.pem in the machinetype's directory was used
mb_per_processor,mb_per_cpu machinetype ignored set mb_per_processor in [settings] or [space NAME]
hs06_per_processor machinetype ignored set hs06_per_processor in [settings] or [space NAME]
singularity_user settings unsupported containers
cvmfs_repositories machinetype unsupported containers
tmp_binds machinetype unsupported containers
container_command machinetype unsupported containers
project_id,client_email,private_key space unsupported the cloud plug-in google
subscription,certificate,location,pfx space unsupported the cloud plug-in azure
key,network space unsupported the cloud plug-in dbce
proxy space unsupported the cloud plug-in occi
tenancy_name space later
gocdb_cert_file,gocdb_key_file settings later
version_logger settings later 0
flavor_names,flavor_name space,machinetype later
processors_limit machinetype later
max_starting_processors machinetype later
https_x509dn,x509dn machinetype later
api,api_version space later
volume_gb_per_processor space later 0
https_host space later
https_port space later 443
cleanup_hours space later 72
url,project_name,glance_api,domain_name,region,zones space later
security_groups,network_uuid space later
username,password,password_base64,cred_id,cred_secret space later
access_key,secret_key,version,service space later
names factories moved
"""
