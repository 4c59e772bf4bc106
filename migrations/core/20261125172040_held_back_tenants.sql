-- migrate:up
ALTER TABLE "tenants" ADD COLUMN "is_held_back" boolean DEFAULT false NOT NULL;

-- migrate:down
ALTER TABLE "tenants" DROP COLUMN "is_held_back";
