-- migrate:up
CREATE TABLE "organization_policy" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"registration" text DEFAULT 'open' NOT NULL,
	"allowed_email_domains" text[] DEFAULT '{}' NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "organization_policy_singleton_check" CHECK ("organization_policy"."singleton"),
	CONSTRAINT "organization_policy_registration_check" CHECK ("organization_policy"."registration" in ('open', 'invite', 'closed'))
);

INSERT INTO "organization_policy" DEFAULT VALUES;

CREATE TABLE "invitations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"role" text NOT NULL,
	"token_hash" text NOT NULL,
	"invited_by" uuid,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"accepted_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "invitations_token_hash_key" UNIQUE("token_hash"),
	CONSTRAINT "invitations_role_check" CHECK ("invitations"."role" in ('admin', 'member'))
);

CREATE TABLE "exchanged_sessions" (
	"session_id" uuid PRIMARY KEY NOT NULL,
	"core_session_id" uuid NOT NULL
);

CREATE UNIQUE INDEX "invitations_open_email_key" ON "invitations" USING btree ("email") WHERE "invitations"."accepted_at" is null and "invitations"."revoked_at" is null;

CREATE INDEX "invitations_invited_by_idx" ON "invitations" USING btree ("invited_by");

ALTER TABLE "invitations" ADD CONSTRAINT "invitations_invited_by_users_id_fk" FOREIGN KEY ("invited_by") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;

ALTER TABLE "exchanged_sessions" ADD CONSTRAINT "exchanged_sessions_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;

-- migrate:down
DROP TABLE "organization_policy";

DROP TABLE "invitations";

DROP TABLE "exchanged_sessions";
