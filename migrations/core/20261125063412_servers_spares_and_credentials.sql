-- migrate:up
ALTER TABLE "tenants" DROP CONSTRAINT "tenants_status_check";

DROP INDEX "tenants_unfinished_idx";

CREATE TABLE "servers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"sealed_url" text,
	"region" text,
	"capacity" integer,
	"is_draining" boolean DEFAULT false NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "servers_name_key" UNIQUE("name")
);

CREATE TABLE "organization_requests" (
	"user_id" uuid NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"organization_id" uuid NOT NULL,
	"response" jsonb,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "organization_requests_pkey" PRIMARY KEY("user_id","key")
);

-- The core database's own server. Tenants made before this migration are there.
INSERT INTO "servers" ("id", "name") VALUES ('00000000-0000-7000-8000-000000000001', 'main');

ALTER TABLE "tenants" ADD COLUMN "server_id" uuid DEFAULT '00000000-0000-7000-8000-000000000001' NOT NULL;

ALTER TABLE "tenants" ALTER COLUMN "server_id" DROP DEFAULT;

ALTER TABLE "tenants" ADD COLUMN "epoch" integer DEFAULT 0 NOT NULL;

ALTER TABLE "tenants" ADD COLUMN "sealed_password" text;

ALTER TABLE "tenants" ADD COLUMN "sealed_previous_password" text;

ALTER TABLE "tenants" ADD COLUMN "credentials_version" integer DEFAULT 0 NOT NULL;

ALTER TABLE "tenants" ADD COLUMN "is_created_event_due" boolean DEFAULT false NOT NULL;

CREATE INDEX "organization_requests_created_at_idx" ON "organization_requests" USING btree ("created_at");

CREATE INDEX "tenants_unfinished_idx" ON "tenants" USING btree ("claimed_until") WHERE "tenants"."status" in ('preparing', 'provisioning');

CREATE INDEX "tenants_spare_idx" ON "tenants" USING btree ("server_id") WHERE "tenants"."status" = 'spare';

CREATE INDEX "tenants_server_id_idx" ON "tenants" USING btree ("server_id");

CREATE INDEX "tenants_created_event_due_idx" ON "tenants" USING btree ("id") WHERE "tenants"."is_created_event_due";

ALTER TABLE "tenants" ADD CONSTRAINT "tenants_status_check" CHECK ("tenants"."status" in ('preparing', 'spare', 'provisioning', 'active', 'failed', 'suspended'));

ALTER TABLE "tenants" ADD CONSTRAINT "tenants_server_id_servers_id_fk" FOREIGN KEY ("server_id") REFERENCES "public"."servers"("id") ON DELETE no action ON UPDATE no action;

ALTER TABLE "organization_requests" ADD CONSTRAINT "organization_requests_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "organization_requests" ADD CONSTRAINT "organization_requests_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;

-- Every process caches how a tenant is reached. A change of that advances the epoch and tells all of them; the
-- heartbeats of provisionings do neither.
CREATE FUNCTION "advance_tenant_epoch"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.epoch := OLD.epoch + 1;
  RETURN NEW;
END
$$;

CREATE TRIGGER "tenants_epoch" BEFORE UPDATE ON "tenants" FOR EACH ROW
WHEN (
  (OLD.status, OLD.server_id, OLD.database_name, OLD.schema_version, OLD.migrations_applied, OLD.credentials_version)
  IS DISTINCT FROM
  (NEW.status, NEW.server_id, NEW.database_name, NEW.schema_version, NEW.migrations_applied, NEW.credentials_version)
)
EXECUTE FUNCTION "advance_tenant_epoch"();

CREATE FUNCTION "notify_tenant_changed"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM pg_notify('tenantry_tenants', OLD.id || ' ' || OLD.epoch + 1);
  ELSIF TG_OP = 'INSERT' OR NEW.epoch <> OLD.epoch THEN
    PERFORM pg_notify('tenantry_tenants', NEW.id || ' ' || NEW.epoch);
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER "tenants_notify" AFTER INSERT OR UPDATE OR DELETE ON "tenants" FOR EACH ROW
EXECUTE FUNCTION "notify_tenant_changed"();

-- migrate:down
DROP TRIGGER "tenants_notify" ON "tenants";

DROP TRIGGER "tenants_epoch" ON "tenants";

DROP FUNCTION "notify_tenant_changed"();

DROP FUNCTION "advance_tenant_epoch"();

-- What has no organization yet cannot be said in the older schema.
UPDATE "tenants" SET "status" = 'failed' WHERE "status" IN ('preparing', 'spare');

ALTER TABLE "tenants" DROP CONSTRAINT "tenants_server_id_servers_id_fk";

ALTER TABLE "tenants" DROP CONSTRAINT "tenants_status_check";

DROP INDEX "tenants_unfinished_idx";

DROP INDEX "tenants_spare_idx";

DROP INDEX "tenants_server_id_idx";

DROP INDEX "tenants_created_event_due_idx";

ALTER TABLE "tenants" DROP COLUMN "server_id";

ALTER TABLE "tenants" DROP COLUMN "epoch";

ALTER TABLE "tenants" DROP COLUMN "sealed_password";

ALTER TABLE "tenants" DROP COLUMN "sealed_previous_password";

ALTER TABLE "tenants" DROP COLUMN "credentials_version";

ALTER TABLE "tenants" DROP COLUMN "is_created_event_due";

DROP TABLE "servers";

DROP TABLE "organization_requests";

CREATE INDEX "tenants_unfinished_idx" ON "tenants" USING btree ("claimed_until") WHERE "tenants"."status" = 'provisioning';

ALTER TABLE "tenants" ADD CONSTRAINT "tenants_status_check" CHECK ("tenants"."status" in ('provisioning', 'active', 'failed', 'suspended'));
