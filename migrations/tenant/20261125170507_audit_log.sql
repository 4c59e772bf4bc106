-- migrate:up
CREATE TABLE "audit_log" (
	"id" uuid PRIMARY KEY NOT NULL,
	"occurred_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"action" text NOT NULL,
	"actor_kind" text NOT NULL,
	"actor_id" uuid,
	"acted_by" uuid,
	"target_kind" text,
	"target_id" text,
	"outcome" text NOT NULL,
	"network" text,
	"request_id" text,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE INDEX "audit_log_action_idx" ON "audit_log" USING btree ("action" text_pattern_ops,"id");

CREATE INDEX "audit_log_actor_id_idx" ON "audit_log" USING btree ("actor_id","id");

CREATE INDEX "audit_log_target_id_idx" ON "audit_log" USING btree ("target_id","id");

-- The log is added to and read, never changed, also by the role that owns it. The one way out is for old rows: a
-- transaction that says SET LOCAL tenantry.audit_retention = 'on' may delete.
CREATE FUNCTION "refuse_audit_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('tenantry.audit_retention', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER "audit_log_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_log" FOR EACH STATEMENT
EXECUTE FUNCTION "refuse_audit_change"();

-- Tables that are made here come with all rights to rows for the group of the tenants' roles, whose name differs from
-- installation to installation.
DO $$
DECLARE
  "holder" name;
BEGIN
  FOR "holder" IN
    SELECT DISTINCT pg_get_userbyid("grantee") FROM pg_class, aclexplode("relacl")
    WHERE oid = 'audit_log'::regclass AND "grantee" NOT IN (0, "relowner")
  LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit_log FROM %I', "holder");
  END LOOP;
END
$$;

-- migrate:down
DROP TABLE "audit_log";

DROP FUNCTION "refuse_audit_change"();
