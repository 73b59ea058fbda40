// Registers two customers with kafka-clients: java -cp 'folder-with-jars/*' Request.java BOOTSTRAP_SERVERS TOPIC
//
// TOPIC is registration-requested.v1, after the prefix where one is set. Prints the ids once all is acknowledged.

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;

public class Request {
    public static void main(String[] arguments) throws Exception {
        String topic = arguments[1];
        Map<String, Object> settings = Map.of(
            "bootstrap.servers", arguments[0],
            "acks", "all", // written by every replica before it counts as sent
            "enable.idempotence", true); // the client's own retries write nothing twice and keep the order
        List<ProducerRecord<String, String>> records = List.of(
            request(topic, "an.nguyen@example.com", "Công ty An Nguyễn"),
            request(topic, "binh.tran@example.com", "Bình Trần, Hà Nội"));
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (var record : records) sent.add(producer.send(record));
            for (int at = 0; at < sent.size(); at++) {
                sent.get(at).get(30, TimeUnit.SECONDS); // throws where Kafka refused it: then send the same event again
                System.out.println(records.get(at).key());
            }
        }
    }

    static ProducerRecord<String, String> request(String topic, String customerEmail, String commonName) {
        // Chosen once and kept with the order: sent again under the same id, it is the same request.
        String id = UUID.randomUUID().toString();
        Map<String, String> event = new LinkedHashMap<>();
        event.put("registration_id", id);
        // From the session of whoever is signed in, never from the form: who writes this topic is believed.
        event.put("partner_id", "p-1");
        event.put("partner_name", "Saigon Cloud");
        event.put("requested_by", "lan@saigon-cloud.example");
        event.put("requester_locale", "vi");
        event.put("customer_email", customerEmail);
        event.put("common_name", commonName);
        event.put("requested_at", Instant.now().toString());
        // The key: what is said of one registration stays in order.
        var record = new ProducerRecord<>(topic, id, json(event));
        // CloudEvents' headers may be left out; with them, whoever looks at the topic sees what it is.
        Map.of(
            "ce_specversion", "1.0",
            "ce_id", UUID.randomUUID().toString(),
            "ce_source", "/portal",
            "ce_type", "RegistrationRequested",
            "content-type", "application/json")
            .forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        return record;
    }

    /** An object of texts; use the JSON library that you have. */
    static String json(Map<String, String> object) {
        return object.entrySet().stream()
            .map(member -> quoted(member.getKey()) + ":" + quoted(member.getValue()))
            .collect(Collectors.joining(",", "{", "}"));
    }

    static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
