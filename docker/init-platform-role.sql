-- Makes the platform's role and its core database: run once, by a superuser, with psql 15 or newer.
-- TENANTRY_DB_PASSWORD in the environment is the role's password.
\getenv password TENANTRY_DB_PASSWORD

CREATE ROLE tenantry LOGIN CREATEDB CREATEROLE NOSUPERUSER PASSWORD :'password';
CREATE DATABASE tenantry OWNER tenantry TEMPLATE template0 ENCODING 'UTF8';

-- By default every role may connect to every database.
REVOKE CONNECT ON DATABASE postgres, template1, tenantry FROM PUBLIC;
