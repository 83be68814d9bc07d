# Opens for mailaudit what Rails has sealed with `encrypts` (ActiveRecord::Encryption, Rails 7 and newer). It runs
# in the product's own image, with the product's own configuration and keys, and needs no database:
#
#   bin/rails runner rails.rb                        speaks on standard input and output:  keyset: exec:bin/rails runner rails.rb
#   bin/rails runner rails.rb /run/opener/opener.sock   listens on a socket:              keyset: unix:/run/opener/opener.sock
#
# On standard output nothing may come before the answers: where the application logs there while it boots, use the socket.
#
# An attribute with a key of its own (`encrypts :password, key: ...`) is named behind that, as Credential#password;
# only this asks the database for the table's columns.
#
# Each question and each answer is one line of JSON, the secrets in base64:
#
#   {"account_id": "4711", "secret": "eyJwIjoi..."}     {"account_id": "4711", "secret": "b3BlbmVk"}
#                                                        {"account_id": "4711", "error": "..."}

require "json"
require "socket"

# Outside of Rails, as in a test: the keys of `bin/rails db:encryption:init` by the environment, a list with commas.
unless defined?(Rails)
  require "active_record"
  ActiveRecord::Encryption.configure(
    primary_key: ENV.fetch("PRIMARY_KEY").split(","), deterministic_key: ENV["DETERMINISTIC_KEY"], key_derivation_salt: ENV.fetch("KEY_DERIVATION_SALT")
  )
end

# Every way in which this application's columns may be sealed: keys of now and before, deterministic or not.
# Rails tries the keys of one scheme by itself.
class Schemes
  def initialize(encryption = ActiveRecord::Encryption)
    @encryptor = encryption.encryptor
    @providers = [encryption.key_provider]
    if encryption.config.has_deterministic_key?
      @providers << encryption::DeterministicKeyProvider.new(encryption.config.deterministic_key)
    end
    @previous = encryption.config.previous_schemes
  end

  def open(sealed)
    attempts = @providers.map { |provider| -> { @encryptor.decrypt(sealed, key_provider: provider) } }
    attempts += @previous.map { |scheme| -> { scheme.with_context { ActiveRecord::Encryption.encryptor.decrypt(sealed, key_provider: scheme.key_provider) } } }
    attempts.each_with_index do |attempt, i|
      return attempt.call
    rescue ActiveRecord::Encryption::Errors::Base
      raise if i == attempts.size - 1
    end
  end
end

# One attribute of a model, by all that its declaration says.
class Attribute
  def initialize(name)
    model, attribute = name.split("#", 2)
    @type = model.constantize.type_for_attribute(attribute)
  end

  def open(sealed) = @type.deserialize(sealed)
end

# An error is told by its class: its text may hold what it is about.
def answer(line, opener)
  question = JSON.parse(line)
  id = question.fetch("account_id")
  secret = opener.open(question.fetch("secret").unpack1("m0").force_encoding(Encoding::UTF_8))
  { account_id: id, secret: [secret.to_s].pack("m0") }
rescue StandardError => e
  raise unless id

  { account_id: id, error: e.class.name }
end

def serve(input, output, opener)
  output.sync = true
  input.each_line { |line| output.puts(JSON.generate(answer(line, opener))) }
end

def listen(path, opener)
  File.delete(path) if File.socket?(path) # of a life before this one
  File.umask(0o117) # for the pod's user and group alone
  Socket.unix_server_loop(path) do |connection, _|
    # Several commands may ask at once, each over a connection of its own.
    Thread.new do
      serve(connection, connection, opener)
    rescue StandardError => e
      warn "a connection ended: #{e.class}"
    ensure
      connection.close
    end
  end
end

name, socket = ARGV.partition { |argument| argument.include?("#") }.map(&:first)
opener = name ? Attribute.new(name) : Schemes.new
if socket
  listen(socket, opener)
else
  # Whatever else writes to standard output must not come between the answers.
  answers = $stdout.dup
  $stdout.reopen($stderr)
  serve($stdin, answers, opener)
end
