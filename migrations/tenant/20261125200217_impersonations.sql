-- migrate:up
CREATE TABLE "impersonations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"admin_id" uuid NOT NULL,
	"core_session_id" uuid NOT NULL,
	"reason" text NOT NULL,
	"is_read_only" boolean NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"ended_by" text,
	CONSTRAINT "impersonations_end_check" CHECK (("impersonations"."ended_at" is null) = ("impersonations"."ended_by" is null))
);

ALTER TABLE "organization_policy" ADD COLUMN "allow_impersonation" boolean DEFAULT true NOT NULL;

CREATE INDEX "impersonations_live_idx" ON "impersonations" USING btree ("expires_at") WHERE "impersonations"."ended_at" is null;

-- migrate:down
ALTER TABLE "organization_policy" DROP COLUMN "allow_impersonation";

DROP TABLE "impersonations";
