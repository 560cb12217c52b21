# @summary Writes the configuration, the files of machinetypes and the files with secrets.
# @api private
class vcycle::config {
  # Fragments that nobody manages any more would go on having their say.
  file { "${vcycle::root}/vcycle.d":
    ensure  => directory,
    recurse => true,
    purge   => true,
    mode    => '0755',
  }
  file { "${vcycle::root}/vcycle.d/10-puppet.conf":
    ensure  => file,
    mode    => '0644',
    content => epp('vcycle/vcycle.conf.epp', {
        'space'        => $vcycle::space,
        'settings'     => $vcycle::settings,
        'spaces'       => $vcycle::spaces,
        'machinetypes' => $vcycle::machinetypes,
        'pipes'        => $vcycle::pipes,
    }),
  }
  # The package's example, which names a space of its own.
  file { "${vcycle::root}/vcycle.conf":
    ensure  => file,
    mode    => '0644',
    content => "# Managed by Puppet: see ${vcycle::root}/vcycle.d/10-puppet.conf.\n",
  }

  file { "${vcycle::root}/vcycle.secrets":
    ensure  => directory,
    owner   => $vcycle::owner,
    mode    => '0700',
    recurse => true,
    purge   => true,
  }
  $vcycle::secrets.each |$name, $content| {
    file { "${vcycle::root}/vcycle.secrets/${name}":
      ensure    => file,
      owner     => $vcycle::owner,
      mode      => '0600',
      content   => $content,
      show_diff => false,
    }
  }

  file { "${vcycle::state}/machinetypes":
    ensure => directory,
    owner  => $vcycle::owner,
    mode   => '0755',
  }
  $directories = $vcycle::files.keys.map |$path| {
    $parts = split($path, '/')
    Integer[1, $parts.length - 1].map |$depth| { join($parts[0, $depth], '/') }
  }
  unique(flatten($directories)).each |$directory| {
    file { "${vcycle::state}/machinetypes/${directory}":
      ensure => directory,
      owner  => $vcycle::owner,
      mode   => '0755',
    }
  }
  $vcycle::files.each |$path, $source| {
    file { "${vcycle::state}/machinetypes/${path}":
      ensure    => file,
      owner     => $vcycle::owner,
      # Keys lie beside templates, and nobody else has to read either.
      mode      => '0600',
      source    => $source,
      show_diff => false,
    }
  }

  if $vcycle::nagios_nrpe {
    file { "${vcycle::root}/nrpe.d":
      ensure => directory,
      mode   => '0755',
    }
    file { "${vcycle::root}/nrpe.d/vcycle.cfg":
      ensure  => file,
      mode    => '0644',
      content => "command[check_vcycled]=/usr/sbin/check-vcycled 600\n",
    }
  }

  if $vcycle::nozeroconf {
    file { "${vcycle::root}/sysconfig":
      ensure => directory,
      mode   => '0755',
    }
    file { "${vcycle::root}/sysconfig/network":
      ensure  => file,
      mode    => '0644',
      content => "# Managed by Puppet.\nNETWORKING=yes\nNOZEROCONF=yes\n",
    }
  }
}
