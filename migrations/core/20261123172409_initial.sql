-- migrate:up
CREATE TABLE "installation" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"id" uuid DEFAULT gen_random_uuid() NOT NULL,
	CONSTRAINT "installation_singleton_check" CHECK ("installation"."singleton")
);

CREATE TABLE "tenants" (
	"id" uuid PRIMARY KEY NOT NULL,
	"database_name" text NOT NULL,
	"status" text NOT NULL,
	"schema_version" text,
	"migrations_applied" integer DEFAULT 0 NOT NULL,
	"provisioning_step" text,
	"provisioning_attempts" integer DEFAULT 0 NOT NULL,
	"last_error" text,
	"is_unannounced" boolean DEFAULT false NOT NULL,
	"claim_token" uuid,
	"claimed_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tenants_database_name_unique" UNIQUE("database_name"),
	CONSTRAINT "tenants_status_check" CHECK ("tenants"."status" in ('provisioning', 'active', 'failed', 'suspended'))
);

CREATE TABLE "users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"password_hash" text NOT NULL,
	"full_name" text,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_email_key" UNIQUE("email")
);

CREATE TABLE "organizations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"slug" text NOT NULL,
	"owner_id" uuid NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "organizations_slug_key" UNIQUE("slug")
);

CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"revoked_at" timestamp (3) with time zone
);

CREATE TABLE "refresh_tokens" (
	"hash" text PRIMARY KEY NOT NULL,
	"session_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"used_at" timestamp (3) with time zone
);

CREATE TABLE "signing_keys" (
	"kid" text PRIMARY KEY NOT NULL,
	"audience" text NOT NULL,
	"public_jwk" jsonb NOT NULL,
	"sealed_private_key" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);

CREATE INDEX "tenants_unfinished_idx" ON "tenants" USING btree ("claimed_until") WHERE "tenants"."status" = 'provisioning';

CREATE INDEX "organizations_owner_id_idx" ON "organizations" USING btree ("owner_id");

CREATE INDEX "sessions_user_id_idx" ON "sessions" USING btree ("user_id");

CREATE INDEX "refresh_tokens_session_id_idx" ON "refresh_tokens" USING btree ("session_id");

ALTER TABLE "organizations" ADD CONSTRAINT "organizations_id_tenants_id_fk" FOREIGN KEY ("id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;

ALTER TABLE "organizations" ADD CONSTRAINT "organizations_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;

ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;

-- migrate:down
DROP TABLE "installation";

DROP TABLE "organizations";

DROP TABLE "tenants";

DROP TABLE "refresh_tokens";

DROP TABLE "sessions";

DROP TABLE "users";

DROP TABLE "signing_keys";
