require 'spec_helper'

describe 'vcycle' do
  conf = '/etc/vcycle.d/10-puppet.conf'

  context 'with nothing said' do
    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_package('vcycle').that_comes_before("File[#{conf}]") }
    it { is_expected.not_to contain_package('nagios-plugins-vcycle') }
    it { is_expected.to contain_service('vcycled').with_ensure('running').with_enable(true) }
    it do
      is_expected.to contain_file(conf)
        .with_content(/^vcycle_space = vcycle01\.example\.com$/)
        .that_notifies('Service[vcycled]')
    end
    it { is_expected.not_to contain_file('/etc/nrpe.d/vcycle.cfg') }
    it { is_expected.not_to contain_file('/etc/sysconfig/network') }
  end

  context 'with a whole factory' do
    let(:params) do
      {
        'space' => 'vcycle02.example.com',
        'settings' => { 'total_machines' => 4, 'draining' => true },
        'spaces' => { 'other.example.com' => { 'total_machines' => 1 } },
        'machinetypes' => {
          'b' => { 'target_share' => 2.5 },
          'a' => { 'target_share' => 1 },
          'other.example.com c' => { 'target_share' => 3 },
        },
        'pipes' => {
          'exvo' => { 'vacuum_pipe_url' => 'https://repo.example.com/exvo.pipe' },
          'other.example.com exvo' => { 'vacuum_pipe_url' => 'https://repo.example.com/other.pipe' },
        },
        'files' => { 'a/files/user_data' => '/srv/user_data', 'a/hostkey.pem' => '/srv/hostkey.pem' },
        'secrets' => { 'vacquery' => sensitive('hidden') },
        'nagios_nrpe' => true,
        'nozeroconf' => true,
      }
    end

    it { is_expected.to compile.with_all_deps }
    it do
      is_expected.to contain_file(conf).with_content(<<~TEXT)
        # Managed by Puppet.
        [settings]
        vcycle_space = vcycle02.example.com
        draining = true
        total_machines = 4

        [space other.example.com]
        total_machines = 1

        [machinetype a]
        target_share = 1

        [machinetype b]
        target_share = 2.5

        [machinetype other.example.com c]
        target_share = 3

        [vacuum_pipe exvo]
        vacuum_pipe_url = https://repo.example.com/exvo.pipe

        [vacuum_pipe other.example.com exvo]
        vacuum_pipe_url = https://repo.example.com/other.pipe
      TEXT
    end
    it { is_expected.to contain_file('/etc/vcycle.secrets/vacquery').with_mode('0600') }
    it { is_expected.to contain_file('/var/lib/vcycle/machinetypes/a/files').with_ensure('directory') }
    it do
      is_expected.to contain_file('/var/lib/vcycle/machinetypes/a/hostkey.pem')
        .with_owner('vcycle').with_mode('0600')
    end
    it { is_expected.to contain_package('nagios-plugins-vcycle') }
    it { is_expected.to contain_file('/etc/nrpe.d/vcycle.cfg') }
    it { is_expected.to contain_file('/etc/sysconfig/network').with_content(/^NOZEROCONF=yes$/) }
  end

  context 'with what is not allowed' do
    [
      { 'machinetypes' => { 'No_Such' => {} } },
      { 'machinetypes' => { "other.example.com\nc" => {} } },
      { 'machinetypes' => { 'other.example.com c d' => {} } },
      { 'pipes' => { 'other.example.com c]' => {} } },
      { 'files' => { 'a/../../shadow' => '/srv/x' } },
      { 'settings' => { 'x]' => 1 } },
    ].each do |params|
      context params.keys.first do
        let(:params) { params }

        it { is_expected.to compile.and_raise_error(/expects/) }
      end
    end
  end

  context 'when nothing is to be managed' do
    let(:params) { { 'manage_package' => false, 'manage_service' => false } }

    it { is_expected.not_to contain_package('vcycle') }
    it { is_expected.not_to contain_service('vcycled') }
  end
end
