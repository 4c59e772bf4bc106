-- migrate:up
CREATE TABLE "mail_recipients" (
	"key" text PRIMARY KEY NOT NULL,
	"sent_at" timestamp (3) with time zone[] DEFAULT '{}' NOT NULL,
	"last_sent_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);

CREATE TABLE "one_time_tokens" (
	"user_id" uuid NOT NULL,
	"purpose" text NOT NULL,
	"hash" text NOT NULL,
	"email" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	CONSTRAINT "one_time_tokens_pkey" PRIMARY KEY("user_id","purpose"),
	CONSTRAINT "one_time_tokens_hash_key" UNIQUE("hash")
);

ALTER TABLE "users" ADD COLUMN "email_verified_at" timestamp (3) with time zone;

ALTER TABLE "users" ADD COLUMN "password_changed_at" timestamp (3) with time zone;

CREATE INDEX "mail_recipients_last_sent_at_idx" ON "mail_recipients" USING btree ("last_sent_at");

ALTER TABLE "one_time_tokens" ADD CONSTRAINT "one_time_tokens_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;

-- migrate:down
ALTER TABLE "users" DROP COLUMN "email_verified_at";

ALTER TABLE "users" DROP COLUMN "password_changed_at";

DROP TABLE "mail_recipients";

DROP TABLE "one_time_tokens";
