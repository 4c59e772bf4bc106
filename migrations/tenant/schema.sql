CREATE TABLE public.api_keys (
  id uuid NOT NULL,
  name text NOT NULL,
  secret_hash text NOT NULL,
  scopes text[] NOT NULL,
  created_by uuid NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  expires_at timestamp(3) with time zone NOT NULL,
  last_used_at timestamp(3) with time zone,
  last_used_from text,
  revoked_at timestamp(3) with time zone,
  revoked_by uuid,
  CONSTRAINT api_keys_pkey PRIMARY KEY (id)
);

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

CREATE TABLE public.exchanged_sessions (
  session_id uuid NOT NULL,
  core_session_id uuid NOT NULL,
  CONSTRAINT exchanged_sessions_pkey PRIMARY KEY (session_id)
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

CREATE TABLE public.invitations (
  id uuid NOT NULL,
  email text NOT NULL,
  role text NOT NULL,
  token_hash text NOT NULL,
  invited_by uuid,
  expires_at timestamp(3) with time zone NOT NULL,
  accepted_at timestamp(3) with time zone,
  revoked_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT invitations_pkey PRIMARY KEY (id),
  CONSTRAINT invitations_token_hash_key UNIQUE (token_hash),
  CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'member'::text])))
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

CREATE TABLE public.organization_policy (
  singleton boolean DEFAULT true NOT NULL,
  registration text DEFAULT 'open'::text NOT NULL,
  allowed_email_domains text[] DEFAULT '{}'::text[] NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  allow_impersonation boolean DEFAULT true NOT NULL,
  sso_only boolean DEFAULT false NOT NULL,
  CONSTRAINT organization_policy_pkey PRIMARY KEY (singleton),
  CONSTRAINT organization_policy_registration_check CHECK ((registration = ANY (ARRAY['open'::text, 'invite'::text, 'closed'::text]))),
  CONSTRAINT organization_policy_singleton_check CHECK (singleton)
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

CREATE TABLE public.scim_group_members (
  group_id uuid NOT NULL,
  user_id uuid NOT NULL,
  CONSTRAINT scim_group_members_pkey PRIMARY KEY (group_id, user_id)
);

CREATE TABLE public.scim_groups (
  id uuid NOT NULL,
  display_name text NOT NULL,
  display_name_key text NOT NULL,
  external_id text,
  version integer DEFAULT 1 NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT scim_groups_pkey PRIMARY KEY (id),
  CONSTRAINT scim_groups_display_name_key_key UNIQUE (display_name_key)
);

CREATE TABLE public.scim_users (
  user_id uuid NOT NULL,
  user_name text NOT NULL,
  user_name_key text NOT NULL,
  external_id text,
  attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT scim_users_pkey PRIMARY KEY (user_id),
  CONSTRAINT scim_users_user_name_key_key UNIQUE (user_name_key),
  CONSTRAINT scim_users_attributes_check CHECK ((octet_length((attributes)::text) <= 65536))
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

CREATE TABLE public.second_factor_policy (
  singleton boolean DEFAULT true NOT NULL,
  is_required boolean NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT second_factor_policy_pkey PRIMARY KEY (singleton),
  CONSTRAINT second_factor_policy_singleton_check CHECK (singleton)
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

CREATE TABLE public.sso_attempts (
  state_hash text NOT NULL,
  attempt_hash text NOT NULL,
  connection_revision uuid NOT NULL,
  user_id uuid,
  return_url text,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  expires_at timestamp(3) with time zone NOT NULL,
  answered_at timestamp(3) with time zone,
  code_hash text,
  claims jsonb,
  CONSTRAINT sso_attempts_pkey PRIMARY KEY (state_hash),
  CONSTRAINT sso_attempts_attempt_hash_key UNIQUE (attempt_hash)
);

CREATE TABLE public.sso_connections (
  id uuid NOT NULL,
  singleton boolean DEFAULT true NOT NULL,
  revision uuid NOT NULL,
  issuer text NOT NULL,
  client_id text NOT NULL,
  sealed_secret text,
  scopes text[] NOT NULL,
  default_role text NOT NULL,
  is_enabled boolean NOT NULL,
  is_mfa_trusted boolean NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT sso_connections_pkey PRIMARY KEY (id),
  CONSTRAINT sso_connections_singleton_key UNIQUE (singleton),
  CONSTRAINT sso_connections_default_role_check CHECK ((default_role = ANY (ARRAY['admin'::text, 'member'::text]))),
  CONSTRAINT sso_connections_singleton_check CHECK (singleton)
);

CREATE TABLE public.sso_identities (
  issuer text NOT NULL,
  subject text NOT NULL,
  user_id uuid NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT sso_identities_pkey PRIMARY KEY (issuer, subject)
);

CREATE TABLE public.tenant_identity (
  singleton boolean DEFAULT true NOT NULL,
  installation_id uuid NOT NULL,
  organization_id uuid,
  CONSTRAINT tenant_identity_pkey PRIMARY KEY (singleton),
  CONSTRAINT tenant_identity_singleton_check CHECK (singleton)
);

CREATE TABLE public.users (
  id uuid NOT NULL,
  core_user_id uuid,
  email text NOT NULL,
  password_hash text,
  full_name text,
  phone text,
  avatar_url text,
  is_owner boolean DEFAULT false NOT NULL,
  is_active boolean DEFAULT true NOT NULL,
  role text DEFAULT 'member'::text NOT NULL,
  metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  email_verified_at timestamp(3) with time zone,
  password_changed_at timestamp(3) with time zone,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_core_user_id_key UNIQUE (core_user_id),
  CONSTRAINT users_email_key UNIQUE (email),
  CONSTRAINT users_credential_check CHECK (((core_user_id IS NULL) OR (password_hash IS NULL))),
  CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text])))
);

ALTER TABLE public.api_keys ADD CONSTRAINT api_keys_created_by_users_id_fk FOREIGN KEY (created_by) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.api_keys ADD CONSTRAINT api_keys_revoked_by_users_id_fk FOREIGN KEY (revoked_by) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE public.exchanged_sessions ADD CONSTRAINT exchanged_sessions_session_id_sessions_id_fk FOREIGN KEY (session_id) REFERENCES public.sessions(id) ON DELETE CASCADE;

ALTER TABLE public.invitations ADD CONSTRAINT invitations_invited_by_users_id_fk FOREIGN KEY (invited_by) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE public.one_time_tokens ADD CONSTRAINT one_time_tokens_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.passkeys ADD CONSTRAINT passkeys_id_second_factors_id_fk FOREIGN KEY (id) REFERENCES public.second_factors(id) ON DELETE CASCADE;

ALTER TABLE public.proof_tries ADD CONSTRAINT proof_tries_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.recovery_codes ADD CONSTRAINT recovery_codes_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.refresh_tokens ADD CONSTRAINT refresh_tokens_session_id_sessions_id_fk FOREIGN KEY (session_id) REFERENCES public.sessions(id) ON DELETE CASCADE;

ALTER TABLE public.scim_group_members ADD CONSTRAINT scim_group_members_group_id_scim_groups_id_fk FOREIGN KEY (group_id) REFERENCES public.scim_groups(id) ON DELETE CASCADE;

ALTER TABLE public.scim_group_members ADD CONSTRAINT scim_group_members_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.scim_users ADD CONSTRAINT scim_users_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.second_factor_challenges ADD CONSTRAINT second_factor_challenges_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.second_factors ADD CONSTRAINT second_factors_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.sessions ADD CONSTRAINT sessions_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.sso_attempts ADD CONSTRAINT sso_attempts_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.sso_identities ADD CONSTRAINT sso_identities_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

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

CREATE INDEX api_keys_created_by_idx ON public.api_keys USING btree (created_by);

CREATE INDEX api_keys_revoked_by_idx ON public.api_keys USING btree (revoked_by);

CREATE INDEX audit_log_action_idx ON public.audit_log USING btree (action text_pattern_ops, id);

CREATE INDEX audit_log_actor_id_idx ON public.audit_log USING btree (actor_id, id);

CREATE INDEX audit_log_target_id_idx ON public.audit_log USING btree (target_id, id);

CREATE INDEX impersonations_live_idx ON public.impersonations USING btree (expires_at) WHERE (ended_at IS NULL);

CREATE INDEX invitations_invited_by_idx ON public.invitations USING btree (invited_by);

CREATE UNIQUE INDEX invitations_open_email_key ON public.invitations USING btree (email) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));

CREATE INDEX passkey_challenges_expires_at_idx ON public.passkey_challenges USING btree (expires_at);

CREATE INDEX recovery_codes_user_id_idx ON public.recovery_codes USING btree (user_id);

CREATE INDEX refresh_tokens_session_id_idx ON public.refresh_tokens USING btree (session_id);

CREATE INDEX scim_group_members_user_id_idx ON public.scim_group_members USING btree (user_id);

CREATE INDEX scim_groups_external_id_idx ON public.scim_groups USING btree (external_id);

CREATE INDEX scim_users_external_id_idx ON public.scim_users USING btree (external_id);

CREATE INDEX second_factor_challenges_user_id_idx ON public.second_factor_challenges USING btree (user_id);

CREATE UNIQUE INDEX second_factors_totp_key ON public.second_factors USING btree (user_id) WHERE (kind = 'totp'::text);

CREATE INDEX second_factors_user_id_idx ON public.second_factors USING btree (user_id);

CREATE INDEX sessions_user_id_idx ON public.sessions USING btree (user_id);

CREATE INDEX sso_attempts_expires_at_idx ON public.sso_attempts USING btree (expires_at);

CREATE INDEX sso_attempts_user_id_idx ON public.sso_attempts USING btree (user_id);

CREATE INDEX sso_identities_user_id_idx ON public.sso_identities USING btree (user_id);

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_change();
