-- migrate:up
ALTER TABLE "users" DROP CONSTRAINT "users_credential_check";

CREATE TABLE "scim_users" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"user_name" text NOT NULL,
	"user_name_key" text NOT NULL,
	"external_id" text,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "scim_users_user_name_key_key" UNIQUE("user_name_key"),
	CONSTRAINT "scim_users_attributes_check" CHECK (octet_length("scim_users"."attributes"::text) <= 65536)
);

CREATE TABLE "scim_groups" (
	"id" uuid PRIMARY KEY NOT NULL,
	"display_name" text NOT NULL,
	"display_name_key" text NOT NULL,
	"external_id" text,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "scim_groups_display_name_key_key" UNIQUE("display_name_key")
);

CREATE TABLE "scim_group_members" (
	"group_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	CONSTRAINT "scim_group_members_pkey" PRIMARY KEY("group_id","user_id")
);

CREATE INDEX "scim_users_external_id_idx" ON "scim_users" USING btree ("external_id");

CREATE INDEX "scim_groups_external_id_idx" ON "scim_groups" USING btree ("external_id");

CREATE INDEX "scim_group_members_user_id_idx" ON "scim_group_members" USING btree ("user_id");

-- lint: allow add-check because an organization has few users to be read, and nothing is released yet
ALTER TABLE "users" ADD CONSTRAINT "users_credential_check" CHECK ("users"."core_user_id" is null or "users"."password_hash" is null);

ALTER TABLE "scim_users" ADD CONSTRAINT "scim_users_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "scim_group_members" ADD CONSTRAINT "scim_group_members_group_id_scim_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."scim_groups"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "scim_group_members" ADD CONSTRAINT "scim_group_members_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

-- migrate:down
ALTER TABLE "users" DROP CONSTRAINT "users_credential_check";

DROP TABLE "scim_users";

DROP TABLE "scim_group_members";

DROP TABLE "scim_groups";

-- Whom the directory made has no password, which the version before does not know: this hash is none of any.
UPDATE "users" SET "password_hash" = '!' WHERE "core_user_id" IS NULL AND "password_hash" IS NULL;

-- lint: allow add-check because an organization has few users to be read, and nothing is released yet
ALTER TABLE "users" ADD CONSTRAINT "users_credential_check" CHECK (("users"."core_user_id" is null) <> ("users"."password_hash" is null));
