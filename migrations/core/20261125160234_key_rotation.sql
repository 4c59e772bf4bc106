-- migrate:up
ALTER TABLE "signing_keys" ADD COLUMN "signs_from" timestamp (3) with time zone DEFAULT now() NOT NULL;

ALTER TABLE "signing_keys" ADD COLUMN "signs_until" timestamp (3) with time zone;

ALTER TABLE "signing_keys" ADD COLUMN "verifies_until" timestamp (3) with time zone;

ALTER TABLE "signing_keys" ADD COLUMN "revoked_at" timestamp (3) with time zone;

-- What there is signs since it was made, and has no successor yet.
UPDATE "signing_keys" SET "signs_from" = "created_at" WHERE "created_at" < "signs_from";

-- Every process holds the keys in memory.
CREATE FUNCTION "notify_signing_keys_changed"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('tenantry_signing_keys', '');
  RETURN NULL;
END
$$;

CREATE TRIGGER "signing_keys_notify" AFTER INSERT OR UPDATE OR DELETE ON "signing_keys" FOR EACH STATEMENT
EXECUTE FUNCTION "notify_signing_keys_changed"();

-- migrate:down
DROP TRIGGER "signing_keys_notify" ON "signing_keys";

DROP FUNCTION "notify_signing_keys_changed"();

-- The older program takes every key that it finds for a good one, and signs with the one that was made last.
DELETE FROM "signing_keys" WHERE "revoked_at" IS NOT NULL OR "verifies_until" <= now();

ALTER TABLE "signing_keys" DROP COLUMN "signs_from";

ALTER TABLE "signing_keys" DROP COLUMN "signs_until";

ALTER TABLE "signing_keys" DROP COLUMN "verifies_until";

ALTER TABLE "signing_keys" DROP COLUMN "revoked_at";
