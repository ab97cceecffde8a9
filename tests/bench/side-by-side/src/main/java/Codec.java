// Codec.java - Avro in the Confluent wire format, ids from the registry; and without a frame, for the stores.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/** Of one thread each: Streams makes serdes where it wants them, and Avro's encoders are not shared. */
final class Codec {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final ThreadLocal<Codec> OWN = ThreadLocal.withInitial(Codec::new);
  static String registry;

  private final Map<Integer, SpecificDatumReader<SpecificRecord>> readers = new HashMap<>();
  private final Map<Class<?>, Integer> ids = new HashMap<>();
  private final Map<Class<?>, SpecificDatumWriter<SpecificRecord>> writers = new HashMap<>();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream(256);
  private BinaryEncoder encoder;
  private BinaryDecoder decoder;

  static Deserializer<SpecificRecord> framedReader() {
    return (topic, bytes) -> {
      if (bytes == null) return null;
      Codec own = OWN.get();
      return own.read(own.readers.computeIfAbsent(ByteBuffer.wrap(bytes).getInt(1), Codec::readerOf), bytes, 5);
    };
  }

  static Serializer<SpecificRecord> framedWriter() {
    return (topic, record) -> record == null ? null : OWN.get().write(record, OWN.get().idOf(topic, record));
  }

  @SuppressWarnings("unchecked")
  static <T extends SpecificRecord> Serde<T> framed() {
    return (Serde<T>) Serdes.serdeFrom(framedWriter(), framedReader());
  }

  /** Without a frame; `schema` is the reader's and the writer's. */
  @SuppressWarnings("unchecked")
  static <T extends SpecificRecord> Serde<T> stored(Schema schema) {
    ThreadLocal<SpecificDatumReader<SpecificRecord>> reader =
        ThreadLocal.withInitial(() -> new SpecificDatumReader<>(schema));
    return Serdes.serdeFrom((topic, record) -> record == null ? null : OWN.get().write(record, -1),
        (topic, bytes) -> bytes == null ? null : (T) OWN.get().read(reader.get(), bytes, 0));
  }

  private SpecificRecord read(SpecificDatumReader<SpecificRecord> reader, byte[] bytes, int from) {
    try {
      decoder = DecoderFactory.get().binaryDecoder(bytes, from, bytes.length - from, decoder);
      return reader.read(null, decoder);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private byte[] write(SpecificRecord record, int id) {
    out.reset();
    if (id >= 0) out.writeBytes(ByteBuffer.allocate(5).putInt(1, id).array());
    try {
      encoder = EncoderFactory.get().binaryEncoder(out, encoder);
      writers.computeIfAbsent(record.getClass(), c -> new SpecificDatumWriter<>(record.getSchema()))
          .write(record, encoder);
      encoder.flush();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return out.toByteArray();
  }

  private int idOf(String topic, SpecificRecord record) {
    Schema schema = record.getSchema();
    return ids.computeIfAbsent(record.getClass(), c -> register(topic + "-" + schema.getFullName(), schema));
  }

  private static SpecificDatumReader<SpecificRecord> readerOf(int id) {
    String answer = ask(HttpRequest.newBuilder(URI.create(registry + "/schemas/ids/" + id)));
    Schema writer = new Schema.Parser().parse(tree(answer).get("schema").asText());
    Schema reader = SpecificData.get().getSchema(SpecificData.get().getClass(writer));
    return new SpecificDatumReader<>(writer, reader);
  }

  private static int register(String subject, Schema schema) {
    String body = JSON.createObjectNode().put("schema", schema.toString()).toString();
    String answer = ask(HttpRequest.newBuilder(URI.create(registry + "/subjects/" + subject + "/versions"))
        .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)));
    return tree(answer).get("id").asInt();
  }

  private static JsonNode tree(String json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new IllegalStateException(json, e);
    }
  }

  private static String ask(HttpRequest.Builder request) {
    try {
      return HTTP.send(request.build(), BodyHandlers.ofString()).body();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
