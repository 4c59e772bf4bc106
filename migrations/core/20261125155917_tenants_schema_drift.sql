-- migrate:up
ALTER TABLE "tenants" ADD COLUMN "schema_drift" jsonb;

ALTER TABLE "tenants" ADD COLUMN "schema_checked_at" timestamp (3) with time zone;

-- migrate:down
ALTER TABLE "tenants" DROP COLUMN "schema_drift";

ALTER TABLE "tenants" DROP COLUMN "schema_checked_at";
