#!/bin/sh
# Kafka's users are made with its storage, before its first start: the broker itself signs in as one of them. On later
# starts the storage is there and stays as it is; a password is changed by kafka-configs.sh then.
set -eu
properties=${1:-/etc/registration/server.properties}
kafka=${KAFKA_HOME:-/opt/kafka}

set --
for user in admin registrar notifier approver portal accounts; do
  name=KAFKA_$(echo "$user" | tr '[:lower:]' '[:upper:]')_PASSWORD
  eval "password=\${$name:?}"
  set -- "$@" --add-scram "SCRAM-SHA-512=[name=$user,password=$password]"
done

"$kafka/bin/kafka-storage.sh" format --ignore-formatted --cluster-id "${KAFKA_CLUSTER_ID:?}" --config "$properties" "$@"
exec "$kafka/bin/kafka-server-start.sh" "$properties"
