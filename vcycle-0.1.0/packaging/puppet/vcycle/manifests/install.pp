# @summary Installs the packages.
# @api private
class vcycle::install {
  if $vcycle::manage_package {
    package { 'vcycle':
      ensure => $vcycle::package_ensure,
    }
    if $vcycle::nagios_nrpe {
      package { 'nagios-plugins-vcycle':
        ensure => $vcycle::package_ensure,
      }
    }
  }
}
