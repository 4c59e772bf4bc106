-- migrate:up
CREATE TABLE "sso_connections" (
	"id" uuid PRIMARY KEY NOT NULL,
	"singleton" boolean DEFAULT true NOT NULL,
	"revision" uuid NOT NULL,
	"issuer" text NOT NULL,
	"client_id" text NOT NULL,
	"sealed_secret" text,
	"scopes" text[] NOT NULL,
	"default_role" text NOT NULL,
	"is_enabled" boolean NOT NULL,
	"is_mfa_trusted" boolean NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sso_connections_singleton_key" UNIQUE("singleton"),
	CONSTRAINT "sso_connections_singleton_check" CHECK ("sso_connections"."singleton"),
	CONSTRAINT "sso_connections_default_role_check" CHECK ("sso_connections"."default_role" in ('admin', 'member'))
);

CREATE TABLE "sso_identities" (
	"issuer" text NOT NULL,
	"subject" text NOT NULL,
	"user_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sso_identities_pkey" PRIMARY KEY("issuer","subject")
);

CREATE TABLE "sso_attempts" (
	"state_hash" text PRIMARY KEY NOT NULL,
	"attempt_hash" text NOT NULL,
	"connection_revision" uuid NOT NULL,
	"user_id" uuid,
	"return_url" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"answered_at" timestamp (3) with time zone,
	"code_hash" text,
	"claims" jsonb,
	CONSTRAINT "sso_attempts_attempt_hash_key" UNIQUE("attempt_hash")
);

ALTER TABLE "organization_policy" ADD COLUMN "sso_only" boolean DEFAULT false NOT NULL;

CREATE INDEX "sso_identities_user_id_idx" ON "sso_identities" USING btree ("user_id");

CREATE INDEX "sso_attempts_expires_at_idx" ON "sso_attempts" USING btree ("expires_at");

CREATE INDEX "sso_attempts_user_id_idx" ON "sso_attempts" USING btree ("user_id");

ALTER TABLE "sso_identities" ADD CONSTRAINT "sso_identities_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "sso_attempts" ADD CONSTRAINT "sso_attempts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

-- migrate:down
ALTER TABLE "organization_policy" DROP COLUMN "sso_only";

DROP TABLE "sso_connections";

DROP TABLE "sso_identities";

DROP TABLE "sso_attempts";
