-- migrate:up
CREATE TABLE "fleet_runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"status" text NOT NULL,
	"action" jsonb NOT NULL,
	"settings" jsonb NOT NULL,
	"up_to_date" integer NOT NULL,
	"reason" text,
	"holder" text,
	"lease_token" uuid,
	"leased_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp (3) with time zone
);

CREATE TABLE "fleet_run_tenants" (
	"run_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"wave" integer NOT NULL,
	"position" integer NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"versions" text[] DEFAULT '{}' NOT NULL,
	"duration_ms" integer,
	"failure" jsonb,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "fleet_run_tenants_pkey" PRIMARY KEY("run_id","tenant_id")
);

ALTER TABLE "tenants" ADD COLUMN "schema_checksum" text;

ALTER TABLE "tenants" ADD COLUMN "migration_failures" integer DEFAULT 0 NOT NULL;

ALTER TABLE "tenants" ADD COLUMN "migration_failure" jsonb;

ALTER TABLE "users" ADD COLUMN "is_admin" boolean DEFAULT false NOT NULL;

CREATE INDEX "fleet_runs_created_at_idx" ON "fleet_runs" USING btree ("created_at");

CREATE INDEX "fleet_run_tenants_tenant_id_idx" ON "fleet_run_tenants" USING btree ("tenant_id");

ALTER TABLE "fleet_run_tenants" ADD CONSTRAINT "fleet_run_tenants_run_id_fleet_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."fleet_runs"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "fleet_run_tenants" ADD CONSTRAINT "fleet_run_tenants_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;

-- migrate:down
ALTER TABLE "tenants" DROP COLUMN "schema_checksum";

ALTER TABLE "tenants" DROP COLUMN "migration_failures";

ALTER TABLE "tenants" DROP COLUMN "migration_failure";

ALTER TABLE "users" DROP COLUMN "is_admin";

DROP TABLE "fleet_run_tenants";

DROP TABLE "fleet_runs";
