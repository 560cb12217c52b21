# @summary Installs, configures and runs Vcycle on a factory.
#
# @param space           Name of the space that this factory belongs to.
# @param settings        Options of the [settings] section.
# @param spaces          Options of [space NAME] sections, by name.
# @param machinetypes    Options of [machinetype NAME] sections, by name; or by "SPACE NAME", for one of $spaces.
# @param pipes           Options of [vacuum_pipe NAME] sections, by name; or by "SPACE NAME", for one of $spaces.
# @param files           Files of machinetypes, as "NAME/files/FILE" or "NAME/hostcert.pem": sources.
# @param secrets         Files with secrets, readable by the daemon alone: name below $root/vcycle.secrets, content.
# @param package_ensure  Passed to the package.
# @param manage_package  Whether to install the packages.
# @param manage_service  Whether to keep vcycled running.
# @param nagios_nrpe     Whether to install the Nagios check and its NRPE command.
# @param nozeroconf      Whether to write NOZEROCONF=yes, so that 169.254.0.0/16 stays free.
# @param root            Where configuration goes; only tests change it.
# @param state           The daemon's state directory; only tests change it.
# @param owner           Who owns the files of machinetypes; only tests change it.
class vcycle (
  String[1]                                        $space          = "vcycle01.${facts['networking']['domain']}",
  Hash[Pattern[/\A[a-z0-9_]+\z/], Scalar]          $settings       = {},
  Hash[String[1], Hash[String[1], Scalar]]         $spaces         = {},
  Hash[Pattern[/\A([A-Za-z0-9.-]+ )?[a-z0-9-]+\z/], Hash] $machinetypes = {},
  Hash[Pattern[/\A([A-Za-z0-9.-]+ )?[a-z0-9-]+\z/], Hash] $pipes        = {},
  Hash[Pattern[/\A[a-z0-9-]+(\/[A-Za-z0-9_][A-Za-z0-9_.+-]*)+\z/], String[1]] $files          = {},
  Hash[Pattern[/\A[a-z0-9._-]+\z/], Sensitive[String[1]]] $secrets = {},
  String[1]                                        $package_ensure = 'installed',
  Boolean                                          $manage_package = true,
  Boolean                                          $manage_service = true,
  Boolean                                          $nagios_nrpe    = false,
  Boolean                                          $nozeroconf     = false,
  Pattern[/\A\//]                                  $root           = '/etc',
  Pattern[/\A\//]                                  $state          = '/var/lib/vcycle',
  String[1]                                        $owner          = 'vcycle',
) {
  contain vcycle::install
  contain vcycle::config
  contain vcycle::service

  Class['vcycle::install']
  -> Class['vcycle::config']
  ~> Class['vcycle::service']
}
