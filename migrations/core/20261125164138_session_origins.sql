-- migrate:up
ALTER TABLE "sessions" ADD COLUMN "last_used_at" timestamp (3) with time zone DEFAULT now() NOT NULL;

ALTER TABLE "sessions" ADD COLUMN "device" text DEFAULT 'Unknown device' NOT NULL;

ALTER TABLE "sessions" ADD COLUMN "address" text;

-- migrate:down
ALTER TABLE "sessions" DROP COLUMN "last_used_at";

ALTER TABLE "sessions" DROP COLUMN "device";

ALTER TABLE "sessions" DROP COLUMN "address";
