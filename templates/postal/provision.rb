# mailctl-postal/1
REQUEST = "{{request}}"

# Spoken through `rails runner -`: REQUEST (JSON in base64) asks one thing, and one line `mailctl-postal:{json}` answers it.
# Everything is looked for before it is made, so that asking again changes nothing.
require "json"

class MailctlPostal
  Refused = Class.new(StandardError)

  def initialize(request)
    @ask = request.fetch("ask")
    @wanted = request.fetch("wanted", {})
    @changed = []
  end

  def answer
    case @ask
    when "look" then look
    when "apply" then apply
    when "check-dns" then check_dns
    when "remove-domain" then remove_domain
    when "create-credential" then create_credential
    when "retire-credential" then retire_credential
    when "set-webhook-url" then change_webhook_url
    when "count-webhooks" then count_webhooks
    else raise Refused, "it does not know how to #{@ask}"
    end
  end

  private

  def organization
    @organization ||= Organization.present.find_by(permalink: @wanted.fetch("organization").fetch("permalink"))
  end

  def server
    return if organization.nil?

    @server ||= organization.servers.present.find_by(permalink: @wanted.fetch("server").fetch("permalink"))
  end

  def server!
    server || raise(Refused, "there is no such mail server")
  end

  def look
    {
      administrators: User.where(admin: true).count,
      organization: organization && { name: organization.name, time_zone: organization.time_zone },
      server: server && server_state,
      credentials: server ? server.credentials.order(:id).map { |credential| credential_state(credential) } : [],
      domains: domains.map { |domain| domain_state(domain) },
      webhooks: server ? server.webhooks.order(:id).map { |hook| webhook_state(hook) } : [],
      endpoints: server ? server.http_endpoints.order(:id).map { |endpoint| endpoint_state(endpoint) } : [],
      routes: server ? server.routes.order(:id).map { |route| route_state(route) } : [],
    }
  end

  def domains
    server ? server.domains.order(:name) : []
  end

  SERVER_FIELDS = %w[
    name mode send_limit privacy_mode
    raw_message_retention_days raw_message_retention_size message_retention_days
  ].freeze

  def server_state
    SERVER_FIELDS.to_h { |field| [field, server.public_send(field)] }.merge(
      id: server.id,
      token: server.token,
      database: server.message_db.database_name,
      provisioned: server.message_db.provisioner.exists?,
      suspended: server.suspended? ? true : false
    )
  end

  def credential_state(credential)
    { id: credential.id, type: credential.type, name: credential.name, key: credential.key,
      hold: credential.hold ? true : false, last_used_at: credential.last_used_at&.utc&.iso8601 }
  end

  def domain_state(domain)
    track = domain.track_domains.find_by(server_id: server.id)
    {
      name: domain.name,
      verified: domain.verified?,
      verification: domain.dns_verification_string,
      dkim_name: "#{domain.dkim_record_name}.#{domain.name}",
      dkim: domain.dkim_record,
      checked_at: domain.dns_checked_at&.utc&.iso8601,
      dns: %w[spf dkim mx return_path].to_h do |part|
        [part, { status: domain.public_send("#{part}_status"), error: domain.public_send("#{part}_error") }]
      end,
      tracking: track && { name: track.name, ssl: track.ssl_enabled? ? true : false,
                           status: track.dns_status, error: track.dns_error },
    }
  end

  def webhook_state(hook)
    { id: hook.id, name: hook.name, url: hook.url, all_events: hook.all_events ? true : false,
      enabled: hook.enabled ? true : false }
  end

  def endpoint_state(endpoint)
    { name: endpoint.name, url: endpoint.url, encoding: endpoint.encoding, format: endpoint.format,
      timeout: endpoint.timeout, include_attachments: endpoint.include_attachments ? true : false }
  end

  def route_state(route)
    endpoint = route.endpoint
    { name: route.name, domain: route.domain&.name, mode: route.mode, spam_mode: route.spam_mode,
      endpoint: endpoint.is_a?(HTTPEndpoint) ? endpoint.name : nil, address: route.forward_address }
  end

  def apply
    ActiveRecord::Base.transaction do
      ensure_organization(ensure_administrator)
    end
    ensure_server
    ActiveRecord::Base.transaction do
      ensure_server_settings
      @wanted.fetch("credentials").each { |wanted| ensure_credential(wanted) }
      @wanted.fetch("domains").each { |wanted| ensure_domain(wanted) }
      ensure_webhook
      endpoint = ensure_endpoint
      @wanted.fetch("routes").each { |wanted| ensure_route(wanted, endpoint) }
    end
    look.merge(changed: @changed)
  end

  def changed(what)
    @changed << what
  end

  # The first administrator owns the organisation. Nobody is its member: Postal writes to members first and tells a webhook of
  # a send limit only after that mail went out.
  def ensure_administrator
    wanted = @wanted.fetch("administrator")
    existing = User.find_by(email_address: wanted.fetch("email")) || User.where(admin: true).order(:id).first
    return existing if existing
    raise Refused, "there is no administrator, and no password for one was sent" if wanted["password"].nil?

    changed "administrator #{wanted.fetch('email')}"
    User.create!(first_name: wanted.fetch("first_name"), last_name: wanted.fetch("last_name"),
                 email_address: wanted.fetch("email"), password: wanted.fetch("password"),
                 admin: true, email_verified_at: Time.now)
  end

  def ensure_organization(owner)
    wanted = @wanted.fetch("organization")
    if organization.nil?
      @organization = Organization.create!(name: wanted.fetch("name"), permalink: wanted.fetch("permalink"),
                                           time_zone: wanted.fetch("time_zone"), owner: owner)
      changed "organisation #{wanted.fetch('permalink')}"
    else
      change(organization, "organisation #{wanted.fetch('permalink')}", wanted.slice("name", "time_zone"))
    end
  end

  # Provisioning a server drops a database of its name first. So the row is made without it, and the database only where none is.
  # Not in a transaction: CREATE DATABASE would commit it.
  def ensure_server
    make_server if server.nil?
    provisioner = server.message_db.provisioner
    return if provisioner.exists?

    provisioner.provision
    changed "message database #{server.message_db.database_name}"
  end

  def make_server
    wanted = @wanted.fetch("server")
    made = organization.servers.build(name: wanted.fetch("name"), permalink: wanted.fetch("permalink"),
                                      mode: wanted.fetch("mode"))
    made.provision_database = false
    made.save!
    database = made.message_db.database_name
    if made.message_db.provisioner.exists?
      made.destroy!
      raise Refused, "the database #{database} is there, without the mail server it belongs to: restore Postal's main " \
                     "database, or move it away"
    end
    made.message_db.provisioner.provision
    @server = Server.find(made.id)
    changed "mail server #{@server.permalink} with database #{database}"
  end

  def ensure_server_settings
    change(server, "mail server #{server.permalink}", @wanted.fetch("server").slice(*SERVER_FIELDS))
  end

  def ensure_credential(wanted)
    existing = server.credentials.find_by(type: wanted.fetch("type"), name: wanted.fetch("name"))
    return if existing

    server.credentials.create!(type: wanted.fetch("type"), name: wanted.fetch("name"))
    changed "#{wanted.fetch('type')} credential #{wanted.fetch('name')}"
  end

  def ensure_domain(wanted)
    name = wanted.fetch("name")
    domain = server.domains.find_by(name: name)
    if domain.nil?
      domain = server.domains.create!(name: name, verification_method: "DNS", outgoing: true, incoming: true)
      changed "domain #{name}"
    end
    changed "domain #{name} vouched for" if domain.mark_as_verified
    ensure_tracking(domain, wanted["tracking"])
  end

  def ensure_tracking(domain, wanted)
    return if wanted.nil?

    existing = domain.track_domains.find_by(server_id: server.id)
    label = "tracking domain #{wanted.fetch('name')}.#{domain.name}"
    if existing
      # Under a new name nothing is known of the DNS.
      renewed = existing.name == wanted.fetch("name") ? {} : { "dns_status" => "Missing" }
      change(existing, label, { "name" => wanted.fetch("name"), "ssl_enabled" => wanted.fetch("ssl") }.merge(renewed))
    else
      # With a status Postal does not ask the DNS now, which may take long; it is asked afterwards.
      TrackDomain.create!(server: server, domain: domain, name: wanted.fetch("name"), ssl_enabled: wanted.fetch("ssl"),
                          track_clicks: true, track_loads: true, dns_status: "Missing")
      changed label
    end
  end

  def ensure_webhook
    wanted = @wanted.fetch("webhook")
    existing = server.webhooks.find_by(name: wanted.fetch("name"))
    values = { "url" => wanted.fetch("url"), "all_events" => true, "enabled" => true }
    return change(existing, "webhook #{existing.name}", values) if existing

    server.webhooks.create!(values.merge("name" => wanted.fetch("name")))
    changed "webhook #{wanted.fetch('name')}"
  end

  def ensure_endpoint
    wanted = @wanted.fetch("endpoint")
    existing = server.http_endpoints.find_by(name: wanted.fetch("name"))
    values = { "url" => wanted.fetch("url"), "encoding" => "BodyAsJSON", "format" => "RawMessage",
               "timeout" => wanted.fetch("timeout"), "include_attachments" => true }
    if existing
      change(existing, "endpoint #{existing.name}", values)
      return existing
    end
    changed "endpoint #{wanted.fetch('name')}"
    server.http_endpoints.create!(values.merge("name" => wanted.fetch("name")))
  end

  def ensure_route(wanted, endpoint)
    domain = server.domains.find_by!(name: wanted.fetch("domain"))
    label = "route #{wanted.fetch('name')}@#{domain.name}"
    existing = server.routes.find_by(domain_id: domain.id, name: wanted.fetch("name"))
    values = { "endpoint" => endpoint, "mode" => "Endpoint", "spam_mode" => "Mark" }
    return change(existing, label, values) if existing

    server.routes.create!(values.merge("name" => wanted.fetch("name"), "domain" => domain))
    changed label
  end

  def change(record, label, values)
    record.assign_attributes(values)
    return unless record.changed?

    changed "#{label}: #{record.changed.join(', ')}"
    record.save!
  end

  # Asks the DNS at once what Postal's worker would ask within the hour; what cannot be asked stays as it was.
  def check_dns
    names = @wanted.fetch("names")
    problems = domains.select { |domain| names.include?(domain.name) }.flat_map do |domain|
      [domain, *domain.track_domains.where(server_id: server.id)].filter_map do |record|
        record.check_dns
        nil
      rescue StandardError => e
        "#{domain.name}: #{e.class}"
      end
    end
    look.merge(problems: problems)
  end

  def remove_domain
    domain = server!.domains.find_by(name: @wanted.fetch("name"))
    domain&.destroy!
    look.merge(changed: domain ? ["domain #{domain.name}"] : [])
  end

  def create_credential
    credential_state(server!.credentials.create!(type: @wanted.fetch("type"), name: @wanted.fetch("name")))
  end

  # In one transaction: between the two there is no credential of that name, and `apply` would make another one.
  def retire_credential
    successor = server!.credentials.find_by(id: @wanted.fetch("successor").fetch("id"))
    raise Refused, "the credential that follows is not there any more" if successor.nil?

    ActiveRecord::Base.transaction do
      server!.credentials.where(id: @wanted.fetch("ids")).where.not(id: successor.id).each do |old|
        old.destroy!
        changed "credential #{old.id}: destroyed"
      end
      change(successor, "credential #{successor.id}", { "name" => @wanted.fetch("successor").fetch("name") })
    end
    { changed: @changed }
  end

  def change_webhook_url
    hook = server!.webhooks.find_by!(name: @wanted.fetch("webhook").fetch("name"))
    endpoint = server!.http_endpoints.find_by(name: @wanted.fetch("endpoint").fetch("name"))
    ActiveRecord::Base.transaction do
      change(hook, "webhook #{hook.name}", { "url" => @wanted.fetch("webhook").fetch("url") })
      change(endpoint, "endpoint #{endpoint.name}", { "url" => @wanted.fetch("endpoint").fetch("url") }) if endpoint
    end
    { changed: @changed }
  end

  def count_webhooks
    { queued: server!.webhook_requests.pluck(:url).count { |url| url.include?(@wanted.fetch("text")) } }
  end
end

mailctl_answer =
  begin
    MailctlPostal.new(JSON.parse(REQUEST.unpack1("m"))).answer
  rescue MailctlPostal::Refused => e
    { refused: e.message }
  rescue ActiveRecord::RecordNotFound => e
    { refused: "Postal has no such #{e.model || 'record'} any more" }
  rescue ActiveRecord::RecordInvalid => e
    { invalid: { record: e.record.class.name, problems: e.record.errors.to_hash } }
  rescue ActiveRecord::ActiveRecordError, Mysql2::Error => e
    { failed: "#{e.class}: #{e.message.lines.first.to_s.strip[0, 300]}" }
  end
$stdout.puts "mailctl-postal:#{JSON.generate(mailctl_answer)}"
