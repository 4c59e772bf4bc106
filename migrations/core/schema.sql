CREATE TABLE public.audit_log (
  id uuid NOT NULL,
  occurred_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  action text NOT NULL,
  actor_kind text NOT NULL,
  actor_id uuid,
  acted_by uuid,
  target_kind text,
  target_id text,
  outcome text NOT NULL,
  network text,
  request_id text,
  details jsonb DEFAULT '{}'::jsonb NOT NULL,
  CONSTRAINT audit_log_pkey PRIMARY KEY (id)
);

CREATE TABLE public.fleet_run_tenants (
  run_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  wave integer NOT NULL,
  "position" integer NOT NULL,
  status text DEFAULT 'pending'::text NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  versions text[] DEFAULT '{}'::text[] NOT NULL,
  duration_ms integer,
  failure jsonb,
  started_at timestamp(3) with time zone,
  finished_at timestamp(3) with time zone,
  CONSTRAINT fleet_run_tenants_pkey PRIMARY KEY (run_id, tenant_id)
);

CREATE TABLE public.fleet_runs (
  id uuid NOT NULL,
  kind text NOT NULL,
  status text NOT NULL,
  action jsonb NOT NULL,
  settings jsonb NOT NULL,
  up_to_date integer NOT NULL,
  reason text,
  holder text,
  lease_token uuid,
  leased_until timestamp(3) with time zone,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  finished_at timestamp(3) with time zone,
  CONSTRAINT fleet_runs_pkey PRIMARY KEY (id)
);

CREATE TABLE public.impersonations (
  id uuid NOT NULL,
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  admin_id uuid NOT NULL,
  core_session_id uuid NOT NULL,
  reason text NOT NULL,
  is_read_only boolean NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  expires_at timestamp(3) with time zone NOT NULL,
  ended_at timestamp(3) with time zone,
  ended_by text,
  CONSTRAINT impersonations_pkey PRIMARY KEY (id),
  CONSTRAINT impersonations_end_check CHECK (((ended_at IS NULL) = (ended_by IS NULL)))
);

CREATE TABLE public.installation (
  singleton boolean DEFAULT true NOT NULL,
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  CONSTRAINT installation_pkey PRIMARY KEY (singleton),
  CONSTRAINT installation_singleton_check CHECK (singleton)
);

CREATE TABLE public.mail_recipients (
  key text NOT NULL,
  sent_at timestamp(3) with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
  last_sent_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT mail_recipients_pkey PRIMARY KEY (key)
);

CREATE TABLE public.membership_changes (
  id uuid NOT NULL,
  core_user_id uuid NOT NULL,
  organization_id uuid NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT membership_changes_pkey PRIMARY KEY (id, core_user_id)
);

CREATE TABLE public.memberships (
  core_user_id uuid NOT NULL,
  organization_id uuid NOT NULL,
  role text NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT memberships_pkey PRIMARY KEY (core_user_id, organization_id)
);

CREATE TABLE public.one_time_tokens (
  user_id uuid NOT NULL,
  purpose text NOT NULL,
  hash text NOT NULL,
  email text NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  expires_at timestamp(3) with time zone NOT NULL,
  used_at timestamp(3) with time zone,
  CONSTRAINT one_time_tokens_pkey PRIMARY KEY (user_id, purpose),
  CONSTRAINT one_time_tokens_hash_key UNIQUE (hash)
);

CREATE TABLE public.organization_domains (
  id uuid NOT NULL,
  organization_id uuid NOT NULL,
  domain text NOT NULL,
  token text NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  verified_at timestamp(3) with time zone,
  CONSTRAINT organization_domains_pkey PRIMARY KEY (id)
);

CREATE TABLE public.organization_requests (
  user_id uuid NOT NULL,
  key text NOT NULL,
  request_hash text NOT NULL,
  organization_id uuid NOT NULL,
  response jsonb,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT organization_requests_pkey PRIMARY KEY (user_id, key)
);

CREATE TABLE public.organizations (
  id uuid NOT NULL,
  name text NOT NULL,
  slug text NOT NULL,
  owner_id uuid NOT NULL,
  is_active boolean DEFAULT true NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT organizations_pkey PRIMARY KEY (id),
  CONSTRAINT organizations_slug_key UNIQUE (slug)
);

CREATE TABLE public.passkey_challenges (
  hash text NOT NULL,
  expires_at timestamp(3) with time zone NOT NULL,
  CONSTRAINT passkey_challenges_pkey PRIMARY KEY (hash)
);

CREATE TABLE public.passkeys (
  id uuid NOT NULL,
  credential_id text NOT NULL,
  public_key text NOT NULL,
  counter bigint NOT NULL,
  transports text[] NOT NULL,
  is_backup_eligible boolean NOT NULL,
  is_backed_up boolean NOT NULL,
  name text NOT NULL,
  last_used_at timestamp(3) with time zone,
  CONSTRAINT passkeys_pkey PRIMARY KEY (id),
  CONSTRAINT passkeys_credential_id_key UNIQUE (credential_id)
);

CREATE TABLE public.proof_tries (
  user_id uuid NOT NULL,
  tries integer NOT NULL,
  window_ends_at timestamp(3) with time zone NOT NULL,
  CONSTRAINT proof_tries_pkey PRIMARY KEY (user_id)
);

CREATE TABLE public.recovery_codes (
  hash text NOT NULL,
  user_id uuid NOT NULL,
  used_at timestamp(3) with time zone,
  CONSTRAINT recovery_codes_pkey PRIMARY KEY (hash)
);

CREATE TABLE public.refresh_tokens (
  hash text NOT NULL,
  session_id uuid NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  used_at timestamp(3) with time zone,
  CONSTRAINT refresh_tokens_pkey PRIMARY KEY (hash)
);

CREATE TABLE public.second_factor_challenges (
  hash text NOT NULL,
  user_id uuid NOT NULL,
  password_fingerprint text NOT NULL,
  tries integer DEFAULT 0 NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  expires_at timestamp(3) with time zone NOT NULL,
  used_at timestamp(3) with time zone,
  CONSTRAINT second_factor_challenges_pkey PRIMARY KEY (hash)
);

CREATE TABLE public.second_factors (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  kind text NOT NULL,
  sealed_secret text,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  confirmed_at timestamp(3) with time zone,
  last_step integer,
  CONSTRAINT second_factors_pkey PRIMARY KEY (id),
  CONSTRAINT second_factors_kind_check CHECK ((kind = ANY (ARRAY['totp'::text, 'passkey'::text]))),
  CONSTRAINT second_factors_secret_check CHECK (((kind = 'totp'::text) = (sealed_secret IS NOT NULL)))
);

CREATE TABLE public.servers (
  id uuid NOT NULL,
  name text NOT NULL,
  sealed_url text,
  region text,
  capacity integer,
  is_draining boolean DEFAULT false NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT servers_pkey PRIMARY KEY (id),
  CONSTRAINT servers_name_key UNIQUE (name)
);

CREATE TABLE public.sessions (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  expires_at timestamp(3) with time zone NOT NULL,
  revoked_at timestamp(3) with time zone,
  last_used_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  device text DEFAULT 'Unknown device'::text NOT NULL,
  address text,
  amr text[] DEFAULT '{pwd}'::text[] NOT NULL,
  authenticated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  second_factor_at timestamp(3) with time zone,
  CONSTRAINT sessions_pkey PRIMARY KEY (id)
);

CREATE TABLE public.signing_keys (
  kid text NOT NULL,
  audience text NOT NULL,
  public_jwk jsonb NOT NULL,
  sealed_private_key text NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  signs_from timestamp(3) with time zone DEFAULT now() NOT NULL,
  signs_until timestamp(3) with time zone,
  verifies_until timestamp(3) with time zone,
  revoked_at timestamp(3) with time zone,
  CONSTRAINT signing_keys_pkey PRIMARY KEY (kid)
);

CREATE TABLE public.tenants (
  id uuid NOT NULL,
  database_name text NOT NULL,
  status text NOT NULL,
  schema_version text,
  migrations_applied integer DEFAULT 0 NOT NULL,
  provisioning_step text,
  provisioning_attempts integer DEFAULT 0 NOT NULL,
  last_error text,
  is_unannounced boolean DEFAULT false NOT NULL,
  claim_token uuid,
  claimed_until timestamp(3) with time zone,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  server_id uuid NOT NULL,
  epoch integer DEFAULT 0 NOT NULL,
  sealed_password text,
  sealed_previous_password text,
  credentials_version integer DEFAULT 0 NOT NULL,
  is_created_event_due boolean DEFAULT false NOT NULL,
  schema_checksum text,
  migration_failures integer DEFAULT 0 NOT NULL,
  migration_failure jsonb,
  schema_drift jsonb,
  schema_checked_at timestamp(3) with time zone,
  is_held_back boolean DEFAULT false NOT NULL,
  CONSTRAINT tenants_pkey PRIMARY KEY (id),
  CONSTRAINT tenants_database_name_unique UNIQUE (database_name),
  CONSTRAINT tenants_status_check CHECK ((status = ANY (ARRAY['preparing'::text, 'spare'::text, 'provisioning'::text, 'active'::text, 'failed'::text, 'suspended'::text])))
);

CREATE TABLE public.throttles (
  key text NOT NULL,
  count integer NOT NULL,
  blocked_until timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  last_attempt uuid,
  CONSTRAINT throttles_pkey PRIMARY KEY (key)
);

CREATE TABLE public.users (
  id uuid NOT NULL,
  email text NOT NULL,
  password_hash text NOT NULL,
  full_name text,
  is_active boolean DEFAULT true NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  is_admin boolean DEFAULT false NOT NULL,
  email_verified_at timestamp(3) with time zone,
  password_changed_at timestamp(3) with time zone,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_email_key UNIQUE (email)
);

ALTER TABLE public.fleet_run_tenants ADD CONSTRAINT fleet_run_tenants_run_id_fleet_runs_id_fk FOREIGN KEY (run_id) REFERENCES public.fleet_runs(id) ON DELETE CASCADE;

ALTER TABLE public.fleet_run_tenants ADD CONSTRAINT fleet_run_tenants_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE public.membership_changes ADD CONSTRAINT membership_changes_core_user_id_users_id_fk FOREIGN KEY (core_user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.membership_changes ADD CONSTRAINT membership_changes_organization_id_organizations_id_fk FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE public.memberships ADD CONSTRAINT memberships_core_user_id_users_id_fk FOREIGN KEY (core_user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.memberships ADD CONSTRAINT memberships_organization_id_organizations_id_fk FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE public.one_time_tokens ADD CONSTRAINT one_time_tokens_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.organization_domains ADD CONSTRAINT organization_domains_organization_id_organizations_id_fk FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE public.organization_requests ADD CONSTRAINT organization_requests_organization_id_organizations_id_fk FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE public.organization_requests ADD CONSTRAINT organization_requests_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.organizations ADD CONSTRAINT organizations_id_tenants_id_fk FOREIGN KEY (id) REFERENCES public.tenants(id);

ALTER TABLE public.organizations ADD CONSTRAINT organizations_owner_id_users_id_fk FOREIGN KEY (owner_id) REFERENCES public.users(id);

ALTER TABLE public.passkeys ADD CONSTRAINT passkeys_id_second_factors_id_fk FOREIGN KEY (id) REFERENCES public.second_factors(id) ON DELETE CASCADE;

ALTER TABLE public.proof_tries ADD CONSTRAINT proof_tries_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.recovery_codes ADD CONSTRAINT recovery_codes_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.refresh_tokens ADD CONSTRAINT refresh_tokens_session_id_sessions_id_fk FOREIGN KEY (session_id) REFERENCES public.sessions(id) ON DELETE CASCADE;

ALTER TABLE public.second_factor_challenges ADD CONSTRAINT second_factor_challenges_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.second_factors ADD CONSTRAINT second_factors_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.sessions ADD CONSTRAINT sessions_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.tenants ADD CONSTRAINT tenants_server_id_servers_id_fk FOREIGN KEY (server_id) REFERENCES public.servers(id);

CREATE OR REPLACE FUNCTION public.advance_tenant_epoch()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  NEW.epoch := OLD.epoch + 1;
  RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION public.notify_signing_keys_changed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_notify('tenantry_signing_keys', '');
  RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION public.notify_tenant_changed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM pg_notify('tenantry_tenants', OLD.id || ' ' || OLD.epoch + 1);
  ELSIF TG_OP = 'INSERT' OR NEW.epoch <> OLD.epoch THEN
    PERFORM pg_notify('tenantry_tenants', NEW.id || ' ' || NEW.epoch);
  END IF;
  RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION public.refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('tenantry.audit_retention', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$function$;

CREATE INDEX audit_log_action_idx ON public.audit_log USING btree (action text_pattern_ops, id);

CREATE INDEX audit_log_actor_id_idx ON public.audit_log USING btree (actor_id, id);

CREATE INDEX audit_log_target_id_idx ON public.audit_log USING btree (target_id, id);

CREATE INDEX fleet_run_tenants_tenant_id_idx ON public.fleet_run_tenants USING btree (tenant_id);

CREATE INDEX fleet_runs_created_at_idx ON public.fleet_runs USING btree (created_at);

CREATE INDEX impersonations_live_idx ON public.impersonations USING btree (expires_at) WHERE (ended_at IS NULL);

CREATE INDEX mail_recipients_last_sent_at_idx ON public.mail_recipients USING btree (last_sent_at);

CREATE INDEX membership_changes_core_user_id_idx ON public.membership_changes USING btree (core_user_id);

CREATE INDEX membership_changes_created_at_idx ON public.membership_changes USING btree (created_at);

CREATE INDEX memberships_organization_id_idx ON public.memberships USING btree (organization_id);

CREATE UNIQUE INDEX organization_domains_claim_key ON public.organization_domains USING btree (organization_id, domain);

CREATE UNIQUE INDEX organization_domains_verified_key ON public.organization_domains USING btree (domain) WHERE (verified_at IS NOT NULL);

CREATE INDEX organization_requests_created_at_idx ON public.organization_requests USING btree (created_at);

CREATE INDEX organizations_owner_id_idx ON public.organizations USING btree (owner_id);

CREATE INDEX passkey_challenges_expires_at_idx ON public.passkey_challenges USING btree (expires_at);

CREATE INDEX recovery_codes_user_id_idx ON public.recovery_codes USING btree (user_id);

CREATE INDEX refresh_tokens_session_id_idx ON public.refresh_tokens USING btree (session_id);

CREATE INDEX second_factor_challenges_user_id_idx ON public.second_factor_challenges USING btree (user_id);

CREATE UNIQUE INDEX second_factors_totp_key ON public.second_factors USING btree (user_id) WHERE (kind = 'totp'::text);

CREATE INDEX second_factors_user_id_idx ON public.second_factors USING btree (user_id);

CREATE INDEX sessions_user_id_idx ON public.sessions USING btree (user_id);

CREATE INDEX tenants_created_event_due_idx ON public.tenants USING btree (id) WHERE is_created_event_due;

CREATE INDEX tenants_server_id_idx ON public.tenants USING btree (server_id);

CREATE INDEX tenants_spare_idx ON public.tenants USING btree (server_id) WHERE (status = 'spare'::text);

CREATE INDEX tenants_unfinished_idx ON public.tenants USING btree (claimed_until) WHERE (status = ANY (ARRAY['preparing'::text, 'provisioning'::text]));

CREATE INDEX throttles_expires_at_idx ON public.throttles USING btree (expires_at);

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_change();

CREATE TRIGGER signing_keys_notify AFTER INSERT OR DELETE OR UPDATE ON public.signing_keys FOR EACH STATEMENT EXECUTE FUNCTION public.notify_signing_keys_changed();

CREATE TRIGGER tenants_epoch BEFORE UPDATE ON public.tenants FOR EACH ROW WHEN (((((((old.status IS DISTINCT FROM new.status) OR (old.server_id IS DISTINCT FROM new.server_id)) OR (old.database_name IS DISTINCT FROM new.database_name)) OR (old.schema_version IS DISTINCT FROM new.schema_version)) OR (old.migrations_applied IS DISTINCT FROM new.migrations_applied)) OR (old.credentials_version IS DISTINCT FROM new.credentials_version))) EXECUTE FUNCTION public.advance_tenant_epoch();

CREATE TRIGGER tenants_notify AFTER INSERT OR DELETE OR UPDATE ON public.tenants FOR EACH ROW EXECUTE FUNCTION public.notify_tenant_changed();
