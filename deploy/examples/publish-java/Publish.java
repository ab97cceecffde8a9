/* Publish.java - publishes facts (JSON Lines on standard input, as `leadclock publish` takes them) with Kafka's Java client
 * and Apache Avro. With Confluent's or Apicurio's serializer `framed` and `register` are not needed. */
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.*;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.*;
import java.util.concurrent.Future;
import org.apache.avro.Schema;
import org.apache.avro.generic.*;
import org.apache.avro.io.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Publish {
    static final Map<String, String> TOPICS = Map.of(
        "LeadCreated", "leads.created", "LeadContacted", "leads.contacted", "LeadRejected", "leads.rejected",
        "LeadProgressed", "leads.progressed", "LeadAssigned", "leads.assigned", "LeadPaused", "leads.paused",
        "LeadResumed", "leads.paused", "LeadMerged", "leads.merged", "LeadErased", "leads.erased");
    static final ObjectMapper JSON = new ObjectMapper();

    record Type(String topic, Schema schema, int id) {}

    static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    /* Subjects by topic and record, because one topic may carry several types. */
    static int register(String subject, Schema schema) throws Exception {
        URI uri = URI.create(setting("REGISTRY_URL", "http://127.0.0.1:8081") + "/subjects/"
            + URLEncoder.encode(subject, StandardCharsets.UTF_8) + "/versions");
        HttpRequest request = HttpRequest.newBuilder(uri)
            .header("Content-Type", "application/vnd.schemaregistry.v1+json")
            .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(Map.of("schema", schema.toString()))))
            .build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200)
            throw new IOException(subject + ": " + answer.body());
        return JSON.readTree(answer.body()).get("id").asInt();
    }

    static Type typeOf(String name) throws Exception {
        String topic = setting("TOPIC_PREFIX", "") + TOPICS.get(name);
        Schema schema = new Schema.Parser().parse(Path.of(setting("SCHEMAS", "schemas"), name + ".avsc").toFile());
        return new Type(topic, schema, register(topic + "-" + schema.getFullName(), schema));
    }

    static Object value(Schema schema, JsonNode node) {
        switch (schema.getType()) {
        case UNION: /* ours are all of null and one other */
            return node.isNull() ? null : value(schema.getTypes().get(schema.getTypes().size() - 1), node);
        case ENUM:
            return new GenericData.EnumSymbol(schema, node.asText());
        case MAP:
            Map<String, Object> map = new LinkedHashMap<>();
            node.fields().forEachRemaining(entry -> map.put(entry.getKey(), value(schema.getValueType(), entry.getValue())));
            return map;
        case LONG:
            return node.asLong();
        case BOOLEAN:
            return node.asBoolean();
        default:
            return node.asText();
        }
    }

    /* What the line has; for the rest the schema's defaults. */
    static GenericRecord fact(Schema schema, JsonNode line) {
        GenericRecordBuilder fact = new GenericRecordBuilder(schema);
        for (Schema.Field field : schema.getFields())
            if (line.has(field.name()))
                fact.set(field, value(field.schema(), line.get(field.name())));
        return fact.build();
    }

    /* A zero byte, the schema's id in 4 bytes, the Avro body. */
    static byte[] framed(Type type, GenericRecord fact) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new DataOutputStream(bytes).writeByte(0);
        new DataOutputStream(bytes).writeInt(type.id());
        Encoder encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
        new GenericDatumWriter<GenericRecord>(type.schema()).write(fact, encoder);
        return bytes.toByteArray();
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Type> types = new HashMap<>();
        for (String name : TOPICS.keySet())
            types.put(name, typeOf(name));
        /* Idempotence, acks=all and the right partitioner (murmur2) are the defaults. */
        Map<String, Object> settings = Map.of("bootstrap.servers", setting("KAFKA_BROKERS", "127.0.0.1:9092"));
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
             var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String text = lines.readLine(); text != null; text = lines.readLine()) {
                JsonNode line = JSON.readTree(text);
                Type type = types.get(line.get("type").asText());
                byte[] value = framed(type, fact(type.schema(), line));
                sent.add(producer.send(new ProducerRecord<>(type.topic(), line.get("lead_id").asText(), value)));
            }
        }
        for (Future<RecordMetadata> each : sent)
            each.get(); /* throws where it was not taken */
    }
}
