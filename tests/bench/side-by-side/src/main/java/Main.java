// Main.java - runs the job, exactly once: KEY=VALUE..., and says "read" once `expect` facts were read.
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.state.Stores;

public final class Main {
  private static final LongAdder read = new LongAdder();

  static void tellRead() {
    read.increment();
  }

  public static void main(String[] arguments) throws InterruptedException {
    Map<String, String> given = new HashMap<>();
    for (String argument : arguments) given.put(argument.split("=", 2)[0], argument.split("=", 2)[1]);
    long expect = Long.parseLong(given.remove("expect"));
    boolean inMemory = given.remove("store").equals("memory");
    Codec.registry = given.remove("registry");
    String inputs = given.remove("inputs"), outputs = given.remove("outputs");
    Properties settings = new Properties();
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.putAll(given);

    KafkaStreams streams = new KafkaStreams(LeadClock.topology(inputs, outputs,
        inMemory ? Stores::inMemoryKeyValueStore : Stores::persistentKeyValueStore), settings);
    CountDownLatch stopped = new CountDownLatch(1);
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.NOT_RUNNING || now == KafkaStreams.State.ERROR) stopped.countDown();
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(30))));
    streams.start();
    long first = 0;
    while (stopped.getCount() > 0 && read.sum() < expect) {
      if (first == 0 && read.sum() > 0) System.out.println("first " + (first = System.currentTimeMillis()));
      Thread.sleep(50);
    }
    System.out.println("read " + System.currentTimeMillis());
    stopped.await();
  }
}
