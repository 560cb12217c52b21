# @summary Runs the daemon.
# @api private
class vcycle::service {
  if $vcycle::manage_service {
    # It reads a changed configuration by itself within a cycle, and at once when told to.
    service { 'vcycled':
      ensure  => running,
      enable  => true,
      restart => '/usr/bin/systemctl reload-or-restart vcycled',
    }
  }
}
