-- migrate:up
CREATE TABLE "tenant_identity" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"installation_id" uuid NOT NULL,
	"organization_id" uuid,
	CONSTRAINT "tenant_identity_singleton_check" CHECK ("tenant_identity"."singleton")
);

CREATE TABLE "users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"core_user_id" uuid,
	"email" text NOT NULL,
	"password_hash" text,
	"full_name" text,
	"phone" text,
	"avatar_url" text,
	"is_owner" boolean DEFAULT false NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"role" text DEFAULT 'member' NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_core_user_id_key" UNIQUE("core_user_id"),
	CONSTRAINT "users_email_key" UNIQUE("email"),
	CONSTRAINT "users_role_check" CHECK ("users"."role" in ('owner', 'admin', 'member')),
	CONSTRAINT "users_credential_check" CHECK (("users"."core_user_id" is null) <> ("users"."password_hash" is null))
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

CREATE INDEX "sessions_user_id_idx" ON "sessions" USING btree ("user_id");

CREATE INDEX "refresh_tokens_session_id_idx" ON "refresh_tokens" USING btree ("session_id");

ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;

-- migrate:down
DROP TABLE "tenant_identity";

DROP TABLE "refresh_tokens";

DROP TABLE "sessions";

DROP TABLE "users";
