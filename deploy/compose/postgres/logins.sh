#!/bin/sh
# A login of its own for each service, a member of that service's role only (which registration migrate has made). Run
# again it gives them the passwords of the environment.
set -eu
for service in registrar notifier approver portal; do
  name=DATABASE_$(echo "$service" | tr '[:lower:]' '[:upper:]')_PASSWORD
  eval "export password=\${$name:?}"
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set "login=$service" --set "role=registration_$service" <<'SQL'
\getenv password password
select format('create role %I login', :'login')
where not exists (select from pg_roles where rolname = :'login') \gexec
alter role :"login" login nosuperuser nocreatedb nocreaterole password :'password';
grant :"role" to :"login";
SQL
  echo "$service may sign in as $service"
done
