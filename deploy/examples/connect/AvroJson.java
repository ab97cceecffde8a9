/* AvroJson.java - a converter for sinks: a framed Avro record becomes a line of JSON. Sinks that want columns take
 * io.confluent.connect.avro.AvroConverter instead, or Apicurio's, which are not on Maven Central as a whole. */
package leadclock;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.storage.Converter;

public class AvroJson implements Converter {
    private final HttpClient client = HttpClient.newHttpClient();
    private final Map<Integer, Schema> schemas = new ConcurrentHashMap<>();
    private String registry;

    @Override
    public void configure(Map<String, ?> settings, boolean isKey) {
        registry = settings.get("schema.registry.url").toString();
    }

    @Override
    public byte[] fromConnectData(String topic, org.apache.kafka.connect.data.Schema schema, Object value) {
        throw new DataException("AvroJson is for sinks");
    }

    @Override
    public SchemaAndValue toConnectData(String topic, byte[] value) {
        if (value == null)
            return SchemaAndValue.NULL;
        ByteBuffer framed = ByteBuffer.wrap(value);
        if (value.length < 5 || framed.get() != 0)
            throw new DataException(topic + ": not in the Confluent wire format");
        Schema schema = schemas.computeIfAbsent(framed.getInt(), this::ask);
        try {
            var decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, null);
            GenericRecord row = new GenericDatumReader<GenericRecord>(schema).read(null, decoder);
            return new SchemaAndValue(org.apache.kafka.connect.data.Schema.STRING_SCHEMA, row.toString());
        } catch (IOException e) {
            throw new DataException(topic + ": not " + schema.getName(), e);
        }
    }

    private Schema ask(int id) {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create(registry + "/schemas/ids/" + id)).build();
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 200)
                throw new RetriableException("the registry does not give schema " + id + ": " + answer.body());
            return new Schema.Parser().parse(new ObjectMapper().readTree(answer.body()).get("schema").asText());
        } catch (IOException | InterruptedException e) {
            throw new RetriableException("the registry does not answer", e);
        }
    }
}
