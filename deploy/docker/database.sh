#!/bin/sh
# Makes the forge's roles and database in a new server (docs/operations/install.md).
set -eu
psql --set ON_ERROR_STOP=1 --set password="$FORGE_PASSWORD" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE forge LOGIN PASSWORD :'password';
CREATE DATABASE forge OWNER forge;
CREATE ROLE anon NOLOGIN NOINHERIT ROLE forge;
CREATE ROLE authenticated NOLOGIN NOINHERIT ROLE forge;
CREATE ROLE service_role NOLOGIN NOINHERIT ROLE forge;
SQL
