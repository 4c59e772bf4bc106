CREATE TABLE public.installation (
  singleton boolean DEFAULT true NOT NULL,
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  CONSTRAINT installation_pkey PRIMARY KEY (singleton),
  CONSTRAINT installation_singleton_check CHECK (singleton)
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

CREATE TABLE public.refresh_tokens (
  hash text NOT NULL,
  session_id uuid NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  used_at timestamp(3) with time zone,
  CONSTRAINT refresh_tokens_pkey PRIMARY KEY (hash)
);

CREATE TABLE public.sessions (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  expires_at timestamp(3) with time zone NOT NULL,
  revoked_at timestamp(3) with time zone,
  CONSTRAINT sessions_pkey PRIMARY KEY (id)
);

CREATE TABLE public.signing_keys (
  kid text NOT NULL,
  audience text NOT NULL,
  public_jwk jsonb NOT NULL,
  sealed_private_key text NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
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
  CONSTRAINT tenants_pkey PRIMARY KEY (id),
  CONSTRAINT tenants_database_name_unique UNIQUE (database_name),
  CONSTRAINT tenants_status_check CHECK ((status = ANY (ARRAY['provisioning'::text, 'active'::text, 'failed'::text, 'suspended'::text])))
);

CREATE TABLE public.users (
  id uuid NOT NULL,
  email text NOT NULL,
  password_hash text NOT NULL,
  full_name text,
  is_active boolean DEFAULT true NOT NULL,
  created_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  updated_at timestamp(3) with time zone DEFAULT now() NOT NULL,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_email_key UNIQUE (email)
);

ALTER TABLE public.organizations ADD CONSTRAINT organizations_id_tenants_id_fk FOREIGN KEY (id) REFERENCES public.tenants(id);

ALTER TABLE public.organizations ADD CONSTRAINT organizations_owner_id_users_id_fk FOREIGN KEY (owner_id) REFERENCES public.users(id);

ALTER TABLE public.refresh_tokens ADD CONSTRAINT refresh_tokens_session_id_sessions_id_fk FOREIGN KEY (session_id) REFERENCES public.sessions(id) ON DELETE CASCADE;

ALTER TABLE public.sessions ADD CONSTRAINT sessions_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

CREATE INDEX organizations_owner_id_idx ON public.organizations USING btree (owner_id);

CREATE INDEX refresh_tokens_session_id_idx ON public.refresh_tokens USING btree (session_id);

CREATE INDEX sessions_user_id_idx ON public.sessions USING btree (user_id);

CREATE INDEX tenants_unfinished_idx ON public.tenants USING btree (claimed_until) WHERE (status = 'provisioning'::text);
