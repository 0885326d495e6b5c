#!/usr/bin/env bash
# Start PostgreSQL; at the first start make the cluster, with the variables of the official image:
# POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_INITDB_ARGS (each also as NAME_FILE) and POSTGRES_HOST_AUTH_METHOD.
set -Eeuo pipefail

# file_env NAME DEFAULT: the value of NAME, or what the file that NAME_FILE names holds.
file_env() {
    local name=$1 default=${2:-} file="${1}_FILE"
    if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then
        echo "error: both $name and $file are set" >&2
        exit 1
    fi
    if [ -n "${!file:-}" ]; then
        export "$name"="$(< "${!file}")"
    else
        export "$name"="${!name:-$default}"
    fi
    unset "$file"
}

require_password() {
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
        echo 'error: the database is new and no superuser password is given: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE' >&2
        exit 1
    fi
}

create_cluster() {
    local arguments
    eval "arguments=( $POSTGRES_INITDB_ARGS )"
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${arguments[@]}"
    printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >> "$PGDATA/pg_hba.conf"
}

# The temporary server listens on the Unix socket only: nobody outside sees a half-made database.
temporary_server() {
    pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait --silent "$@"
}

execute() {
    PGPASSWORD=$POSTGRES_PASSWORD psql --no-psqlrc --no-password -v ON_ERROR_STOP=1 --username="$POSTGRES_USER" "$@"
}

create_database() {
    [ "$POSTGRES_DB" = postgres ] && return
    execute --dbname=postgres -v name="$POSTGRES_DB" <<< 'CREATE DATABASE :"name";'
}

run_init_files() {
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
            *.sql) execute --dbname="$POSTGRES_DB" --file="$file" ;;
            *.sql.gz) gunzip -c "$file" | execute --dbname="$POSTGRES_DB" ;;
            */\*) ;;
            *) echo "$file: ignored" ;;
        esac
    done
}

initialise() {
    require_password
    create_cluster
    temporary_server start
    create_database
    run_init_files
    temporary_server --mode=fast stop
    echo 'PostgreSQL init process complete; ready for start up.'
}

main() {
    if [ "${1:0:1}" = - ]; then
        set -- postgres "$@"
    fi
    if [ "$1" != postgres ]; then
        exec "$@"
    fi
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$PGDATA"
        chmod 00700 "$PGDATA"
        find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
        exec setpriv --reuid=postgres --regid=postgres --init-groups "$BASH_SOURCE" "$@"
    fi
    file_env POSTGRES_PASSWORD
    file_env POSTGRES_USER postgres
    file_env POSTGRES_DB "$POSTGRES_USER"
    file_env POSTGRES_INITDB_ARGS
    : "${POSTGRES_HOST_AUTH_METHOD:=scram-sha-256}"
    [ -s "$PGDATA/PG_VERSION" ] || initialise
    unset POSTGRES_PASSWORD
    exec "$@"
}

main "$@"
