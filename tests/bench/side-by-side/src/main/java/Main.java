// Main.java - runs the job, exactly once, until SIGTERM: KEY=VALUE... Says in lines when it was "running" (Unix ms), and
// how many facts it "read", ten times a second.
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.state.Stores;

public final class Main {
  private static final LongAdder read = new LongAdder();

  static void tellRead() {
    read.increment();
  }

  static long read() {
    return read.sum();
  }

  public static void main(String[] arguments) throws InterruptedException {
    Map<String, String> given = new HashMap<>();
    for (String argument : arguments) given.put(argument.split("=", 2)[0], argument.split("=", 2)[1]);
    boolean inMemory = given.remove("store").equals("memory");
    Codec.registry = given.remove("registry");
    String inputs = given.remove("inputs"), outputs = given.remove("outputs");
    Properties settings = new Properties();
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.putAll(given);

    KafkaStreams streams = new KafkaStreams(LeadClock.topology(inputs, outputs,
        inMemory ? Stores::inMemoryKeyValueStore : Stores::persistentKeyValueStore), settings);
    CountDownLatch failed = new CountDownLatch(1);
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) say("running", System.currentTimeMillis());
      if (now == KafkaStreams.State.ERROR) failed.countDown();
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CloseOptions.timeout(Duration.ofSeconds(30))
        .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP))));
    streams.start();
    long told = 0;
    while (!failed.await(100, TimeUnit.MILLISECONDS)) {
      long sum = read();
      if (sum == told) continue;
      say("read", told = sum);
    }
    Runtime.getRuntime().halt(1);
  }

  private static void say(String what, long number) {
    System.out.println(what + " " + number);
  }
}
