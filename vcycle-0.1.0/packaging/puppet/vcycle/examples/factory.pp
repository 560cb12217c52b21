# One factory of a space of two, with one machinetype and one vacuum pipe.
class { 'vcycle':
  space        => 'vcycle01.example.com',
  settings     => {
    'factories'                     => 'factory1.example.com factory2.example.com',
    'total_machines'                => 16,
    'user_data_option_cvmfs_proxy'  => 'http://squid.example.com:3128',
    'vacquery_secret_file'          => '/etc/vcycle.secrets/vacquery',
  },
  machinetypes => {
    'example' => {
      'target_share' => 1.0,
      'root_image'   => 'https://repo.example.com/images/example.iso',
      'user_data'    => 'user_data',
    },
  },
  pipes        => {
    'exvo' => {
      'vacuum_pipe_url' => 'https://repo.example.com/exvo.pipe',
      'target_share'    => 2.0,
    },
  },
  files        => {
    'example/files/user_data' => 'puppet:///modules/site/example/user_data',
    'example/hostcert.pem'    => 'puppet:///modules/site/example/hostcert.pem',
    'example/hostkey.pem'     => 'puppet:///modules/site/example/hostkey.pem',
  },
  secrets      => {
    'vacquery' => Sensitive('put it into Hiera, with eyaml'),
  },
  nagios_nrpe  => true,
}
