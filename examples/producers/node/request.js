// Registers two customers with kafkajs: npm ci && node request.js BOOTSTRAP_SERVERS TOPIC
//
// TOPIC is registration-requested.v1, after the prefix where one is set. Prints the ids once all is acknowledged.

import { randomUUID } from "node:crypto";
import kafkajs from "kafkajs";

const CUSTOMERS = { "an.nguyen@example.com": "Công ty An Nguyễn", "binh.tran@example.com": "Bình Trần, Hà Nội" };

function request(customerEmail, commonName) {
  return {
    // Chosen once and kept with the order: sent again under the same id, it is the same request.
    registration_id: randomUUID(),
    // From the session of whoever is signed in, never from the form: who writes this topic is believed.
    partner_id: "p-1",
    partner_name: "Saigon Cloud",
    requested_by: "lan@saigon-cloud.example",
    requester_locale: "vi",
    customer_email: customerEmail,
    common_name: commonName,
    requested_at: new Date().toISOString(),
  };
}

function record(event) {
  return {
    key: event.registration_id, // what is said of one registration stays in order
    value: JSON.stringify(event),
    // CloudEvents' headers may be left out; with them, whoever looks at the topic sees what it is.
    headers: {
      ce_specversion: "1.0",
      ce_id: randomUUID(),
      ce_source: "/portal",
      ce_type: "RegistrationRequested",
      "content-type": "application/json",
    },
  };
}

const [servers, topic] = process.argv.slice(2);
const kafka = new kafkajs.Kafka({ brokers: servers.split(","), logLevel: kafkajs.logLevel.ERROR });
const producer = kafka.producer({
  idempotent: true, // the client's own retries write nothing twice and keep the order
  maxInFlightRequests: 1, // which with kafkajs needs this
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner, // the one of Kafka's Java client
});

const events = Object.entries(CUSTOMERS).map(([email, name]) => request(email, name));
await producer.connect();
try {
  // acks -1: written by every replica before it counts as sent. Throws where Kafka refused: then send the same again.
  await producer.send({ topic, acks: -1, messages: events.map(record) });
  for (const event of events) console.log(event.registration_id);
} finally {
  await producer.disconnect();
}
