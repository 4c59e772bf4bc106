-- migrate:up
CREATE TABLE "memberships" (
	"core_user_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"role" text NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "memberships_pkey" PRIMARY KEY("core_user_id","organization_id")
);

CREATE TABLE "membership_changes" (
	"id" uuid NOT NULL,
	"core_user_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "membership_changes_pkey" PRIMARY KEY("id","core_user_id")
);

CREATE INDEX "memberships_organization_id_idx" ON "memberships" USING btree ("organization_id");

CREATE INDEX "membership_changes_core_user_id_idx" ON "membership_changes" USING btree ("core_user_id");

CREATE INDEX "membership_changes_created_at_idx" ON "membership_changes" USING btree ("created_at");

ALTER TABLE "memberships" ADD CONSTRAINT "memberships_core_user_id_users_id_fk" FOREIGN KEY ("core_user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "memberships" ADD CONSTRAINT "memberships_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "membership_changes" ADD CONSTRAINT "membership_changes_core_user_id_users_id_fk" FOREIGN KEY ("core_user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "membership_changes" ADD CONSTRAINT "membership_changes_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;

-- migrate:down
DROP TABLE "memberships";

DROP TABLE "membership_changes";
