require 'rspec-puppet'

RSpec.configure do |c|
  # The directory above the module, as Puppet looks for modules by their names.
  c.module_path = File.expand_path('../..', __dir__)
  c.manifest = '/dev/null'
  c.default_facts = {
    'networking' => { 'domain' => 'example.com', 'fqdn' => 'factory1.example.com' },
    'os' => { 'family' => 'RedHat', 'name' => 'AlmaLinux', 'release' => { 'major' => '9' } },
  }
end
