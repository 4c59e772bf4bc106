-- migrate:up
CREATE TABLE "throttles" (
	"key" text PRIMARY KEY NOT NULL,
	"count" integer NOT NULL,
	"blocked_until" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"last_attempt" uuid
);

CREATE INDEX "throttles_expires_at_idx" ON "throttles" USING btree ("expires_at");

-- migrate:down
DROP TABLE "throttles";
