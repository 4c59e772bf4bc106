-- migrate:up
ALTER TABLE "second_factors" DROP CONSTRAINT "second_factors_kind_check";

CREATE TABLE "passkeys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"credential_id" text NOT NULL,
	"public_key" text NOT NULL,
	"counter" bigint NOT NULL,
	"transports" text[] NOT NULL,
	"is_backup_eligible" boolean NOT NULL,
	"is_backed_up" boolean NOT NULL,
	"name" text NOT NULL,
	"last_used_at" timestamp (3) with time zone,
	CONSTRAINT "passkeys_credential_id_key" UNIQUE("credential_id")
);

CREATE TABLE "passkey_challenges" (
	"hash" text PRIMARY KEY NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);

ALTER TABLE "second_factors" ALTER COLUMN "sealed_secret" DROP NOT NULL;

CREATE INDEX "passkey_challenges_expires_at_idx" ON "passkey_challenges" USING btree ("expires_at");

-- lint: allow create-index because the table is small, with a row for each authenticator app
CREATE INDEX "second_factors_user_id_idx" ON "second_factors" USING btree ("user_id");

-- lint: allow add-check because the table is small, with a row for each authenticator app
ALTER TABLE "second_factors" ADD CONSTRAINT "second_factors_kind_check" CHECK ("second_factors"."kind" in ('totp', 'passkey'));

-- lint: allow add-check because the table is small, with a row for each authenticator app
ALTER TABLE "second_factors" ADD CONSTRAINT "second_factors_secret_check" CHECK (("second_factors"."kind" = 'totp') = ("second_factors"."sealed_secret" is not null));

ALTER TABLE "passkeys" ADD CONSTRAINT "passkeys_id_second_factors_id_fk" FOREIGN KEY ("id") REFERENCES "public"."second_factors"("id") ON DELETE cascade ON UPDATE no action;

-- migrate:down
ALTER TABLE "second_factors" DROP CONSTRAINT "second_factors_kind_check";

ALTER TABLE "second_factors" DROP CONSTRAINT "second_factors_secret_check";

-- lint: allow drop-index because the table is small, with a row for each authenticator app
DROP INDEX "second_factors_user_id_idx";

DROP TABLE "passkeys";

DROP TABLE "passkey_challenges";

-- Passkeys are factors that have no secret here.
DELETE FROM "second_factors" WHERE "kind" = 'passkey';

-- lint: allow set-not-null because the table is small, with a row for each authenticator app
ALTER TABLE "second_factors" ALTER COLUMN "sealed_secret" SET NOT NULL;

-- lint: allow add-check because the table is small, with a row for each authenticator app
ALTER TABLE "second_factors" ADD CONSTRAINT "second_factors_kind_check" CHECK ("second_factors"."kind" in ('totp'));
