-- migrate:up
CREATE TABLE "second_factors" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"sealed_secret" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"confirmed_at" timestamp (3) with time zone,
	"last_step" integer,
	CONSTRAINT "second_factors_kind_check" CHECK ("second_factors"."kind" in ('totp'))
);

CREATE TABLE "recovery_codes" (
	"hash" text PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"used_at" timestamp (3) with time zone
);

CREATE TABLE "second_factor_challenges" (
	"hash" text PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"password_fingerprint" text NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone
);

CREATE TABLE "proof_tries" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"tries" integer NOT NULL,
	"window_ends_at" timestamp (3) with time zone NOT NULL
);

ALTER TABLE "sessions" ADD COLUMN "amr" text[] DEFAULT '{"pwd"}' NOT NULL;

-- Sessions that are there count as begun long ago: their next dangerous action asks who they are.
ALTER TABLE "sessions" ADD COLUMN "authenticated_at" timestamp (3) with time zone DEFAULT 'epoch' NOT NULL;

ALTER TABLE "sessions" ALTER COLUMN "authenticated_at" SET DEFAULT now();

ALTER TABLE "sessions" ADD COLUMN "second_factor_at" timestamp (3) with time zone;

CREATE UNIQUE INDEX "second_factors_totp_key" ON "second_factors" USING btree ("user_id") WHERE "second_factors"."kind" = 'totp';

CREATE INDEX "recovery_codes_user_id_idx" ON "recovery_codes" USING btree ("user_id");

CREATE INDEX "second_factor_challenges_user_id_idx" ON "second_factor_challenges" USING btree ("user_id");

ALTER TABLE "second_factors" ADD CONSTRAINT "second_factors_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "recovery_codes" ADD CONSTRAINT "recovery_codes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "second_factor_challenges" ADD CONSTRAINT "second_factor_challenges_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

ALTER TABLE "proof_tries" ADD CONSTRAINT "proof_tries_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

-- migrate:down
ALTER TABLE "sessions" DROP COLUMN "amr";

ALTER TABLE "sessions" DROP COLUMN "authenticated_at";

ALTER TABLE "sessions" DROP COLUMN "second_factor_at";

DROP TABLE "second_factors";

DROP TABLE "recovery_codes";

DROP TABLE "second_factor_challenges";

DROP TABLE "proof_tries";
