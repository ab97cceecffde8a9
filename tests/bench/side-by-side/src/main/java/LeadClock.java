// LeadClock.java - the facts and the main promises of tests/bench/policy.yaml on Kafka Streams; no reassigning, cooldown,
// repeated hand-offs, duplicates, corrections or tables.
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import leadclock.Counters;
import leadclock.Lead;
import leadclock.LeadClawedBack;
import leadclock.LeadContacted;
import leadclock.LeadCreated;
import leadclock.LeadRejected;
import leadclock.LeadRouted;
import leadclock.SlaBreached;
import leadclock.SlaWarning;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Each lead has one timer, as in Leadclock: when it wants to be looked at next. */
final class LeadClock implements Processor<String, SpecificRecord, String, SpecificRecord> {
  private static final long MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  private static final int MOST_DUE = 5000; // at once: a storm must not outlast its transaction
  private static final byte[] PRESENT = {1};
  private static final Set<String> HOT = Set.of("demo", "quote");
  private static final Map<String, String> ROUTES = Map.of("student", "SUPPRESS", "wrong_territory", "REASSIGN",
      "bad_contact_data", "ENRICH");

  private ProcessorContext<String, SpecificRecord> context;
  private KeyValueStore<String, Lead> leads;
  private KeyValueStore<Bytes, byte[]> timers;
  private KeyValueStore<String, Counters> counters;
  private long readAt; // wall clock, of the last fact
  private long firedUpTo; // no timer is before: a scan from the beginning would pass what was deleted

  /** `suppliers` makes a store of a name: in memory, or RocksDB. */
  static Topology topology(String inputs, String outputs, java.util.function.Function<String, KeyValueBytesStoreSupplier> suppliers) {
    Topology topology = new Topology();
    topology.addSource(AutoOffsetReset.earliest(), "facts", new StringDeserializer(), Codec.facts(),
        inputs + "leads.created", inputs + "leads.contacted", inputs + "leads.rejected");
    topology.addProcessor("clock", LeadClock::new, "facts");
    topology.addStateStore(store(suppliers, "leads", Serdes.String(), Codec.stored(Lead.getClassSchema())), "clock");
    topology.addStateStore(store(suppliers, "timers", Serdes.Bytes(), Serdes.ByteArray()), "clock");
    // Few keys that change with every fact: cached, only the last of a commit is written.
    topology.addStateStore(store(suppliers, "counters", Serdes.String(), Codec.<Counters>stored(Counters.getClassSchema())).withCachingEnabled(), "clock");
    for (String name : List.of("breaches", "warnings", "clawbacks", "routed"))
      topology.addSink(name, outputs + name, new StringSerializer(), Codec.outcomes(), "clock");
    return topology;
  }

  private static <K, V> StoreBuilder<KeyValueStore<K, V>> store(java.util.function.Function<String, KeyValueBytesStoreSupplier> suppliers, String name, Serde<K> keys, Serde<V> values) {
    return Stores.keyValueStoreBuilder(suppliers.apply(name), keys, values);
  }

  @Override
  public void init(ProcessorContext<String, SpecificRecord> given) {
    context = given;
    leads = given.getStateStore("leads");
    timers = given.getStateStore("timers");
    counters = given.getStateStore("counters");
    given.schedule(Duration.ofSeconds(1), PunctuationType.WALL_CLOCK_TIME, this::fire);
  }

  // ---- Facts ----

  @Override
  public void process(Record<String, SpecificRecord> fact) {
    readAt = System.currentTimeMillis();
    Main.tellRead();
    Lead lead = leads.get(fact.key());
    if (fact.value() instanceof LeadCreated created) {
      if (lead == null) create(fact.key(), created);
    } else if (lead == null || lead.getClosed()) {
      count(lead == null ? "" : lead.getChannel(), fact.timestamp(), "after_the_end");
    } else if (fact.value() instanceof LeadContacted contacted) {
      contact(fact.key(), lead, contacted);
    } else if (fact.value() instanceof LeadRejected rejected) {
      reject(fact.key(), lead, rejected);
    }
  }

  private void create(String id, LeadCreated fact) {
    long at = fact.getOccurredAt();
    Lead lead = new Lead(at, 0L, at, fact.getChannel(), fact.getOwner(), 0, false, false, 0L, fact.getEventId());
    count(lead, "created");
    wakeAt(id, lead, nextWarning(lead));
    leads.put(id, lead);
  }

  private void contact(String id, Lead lead, LeadContacted fact) {
    long at = fact.getOccurredAt();
    if (lead.getFirstContactAt() == 0) {
      lead.setFirstContactAt(at);
      count(lead, at <= due(lead) ? "met" : "late");
      if (at > due(lead) && !lead.getBreached()) breach(id, lead, at);
    }
    if (fact.getOwner() != null) lead.setOwner(fact.getOwner());
    lead.setLastActivityAt(Math.max(lead.getLastActivityAt(), at));
    lead.setEventId(fact.getEventId());
    lead.setStep(CLAWBACK_WARNING);
    wakeAt(id, lead, clawback(lead) - DAY);
    leads.put(id, lead);
  }

  private void reject(String id, Lead lead, LeadRejected fact) {
    if (lead.getFirstContactAt() == 0 && fact.getOccurredAt() > due(lead) && !lead.getBreached()) breach(id, lead, fact.getOccurredAt());
    lead.setEventId(fact.getEventId());
    close(id, lead, "rejected");
    send(id, new LeadRouted(id, lead.getHandoffAt(), fact.getOccurredAt(), lead.getChannel(), lead.getOwner(),
        ROUTES.getOrDefault(fact.getReason(), "NURTURE"), fact.getReason()), "routed");
  }

  // ---- Promises: warnings, due, then the clawback with its warning ----

  private static final int CLAWBACK_WARNING = 3, CLAWBACK = 4;

  private static boolean isHot(Lead lead) {
    return HOT.contains(lead.getChannel());
  }

  private static long due(Lead lead) {
    return lead.getHandoffAt() + (isHot(lead) ? 5 * MINUTE : 24 * HOUR);
  }

  private static long clawback(Lead lead) {
    return lead.getLastActivityAt() + (isHot(lead) ? 14 * DAY : 30 * DAY);
  }

  private static long nextWarning(Lead lead) {
    long within = due(lead) - lead.getHandoffAt();
    return lead.getHandoffAt() + (!isHot(lead) ? within * 8 / 10 : lead.getStep() == 0 ? within / 2 : within - MINUTE);
  }

  /** What is next of a lead whose timer has come. */
  private void step(String id, Lead lead, long now) {
    switch (lead.getStep()) {
      case 0, 1 -> {
        warn(id, lead, now, "first_contact", due(lead));
        boolean again = isHot(lead) && lead.getStep() == 0;
        lead.setStep(again ? 1 : 2);
        wakeAt(id, lead, again ? nextWarning(lead) : due(lead));
      }
      case 2 -> {
        if (!lead.getBreached()) breach(id, lead, now);
        lead.setStep(CLAWBACK_WARNING);
        wakeAt(id, lead, clawback(lead) - DAY);
      }
      case CLAWBACK_WARNING -> {
        warn(id, lead, now, "clawback", clawback(lead));
        lead.setStep(CLAWBACK);
        wakeAt(id, lead, clawback(lead));
      }
      default -> {
        close(id, lead, "clawed_back");
        send(id, new LeadClawedBack(id, lead.getHandoffAt(), now, lead.getChannel(), lead.getOwner(), clawback(lead)), "clawbacks");
        return;
      }
    }
    leads.put(id, lead);
  }

  private void warn(String id, Lead lead, long now, String clock, long due) {
    count(lead, "warned");
    send(id, new SlaWarning(id, lead.getHandoffAt(), now, lead.getChannel(), lead.getOwner(), clock, due), "warnings");
  }

  private void breach(String id, Lead lead, long now) {
    lead.setBreached(true);
    count(lead, "breached");
    send(id, new SlaBreached(id, lead.getHandoffAt(), now, lead.getChannel(), lead.getOwner(), due(lead)), "breaches");
  }

  private void close(String id, Lead lead, String how) {
    lead.setClosed(true);
    count(lead, how);
    wakeAt(id, lead, 0);
    leads.put(id, lead);
  }

  private void send(String id, SpecificRecord outcome, String where) {
    context.forward(new Record<>(id, outcome, readAt), where);
  }

  // ---- Timers ----

  private static Bytes timerKey(long at, String id) {
    byte[] name = id.getBytes(StandardCharsets.UTF_8);
    return Bytes.wrap(ByteBuffer.allocate(8 + name.length).putLong(at).put(name).array());
  }

  private void wakeAt(String id, Lead lead, long at) {
    if (lead.getWakeAt() != 0) timers.delete(timerKey(lead.getWakeAt(), id));
    if (at != 0) timers.put(timerKey(at, id), PRESENT);
    firedUpTo = at == 0 ? firedUpTo : Math.min(firedUpTo, at);
    lead.setWakeAt(at);
  }

  /** By the wall clock once there is nothing left to read: a fact that says it was in time may come before. */
  private void fire(long wallClock) {
    if (wallClock - readAt < 1000) return;
    Map<String, Lead> due = new HashMap<>();
    try (KeyValueIterator<Bytes, byte[]> found = timers.range(timerKey(firedUpTo, ""), timerKey(wallClock, ""))) {
      while (found.hasNext() && due.size() < MOST_DUE) {
        byte[] key = found.next().key.get();
        String id = new String(key, 8, key.length - 8, StandardCharsets.UTF_8);
        due.put(id, leads.get(id));
      }
    }
    if (due.size() < MOST_DUE) firedUpTo = wallClock;
    due.forEach((id, lead) -> step(id, lead, wallClock));
  }

  // ---- Counters, by channel and day ----

  private void count(Lead lead, String what) {
    count(lead.getChannel(), lead.getHandoffAt(), what);
  }

  private void count(String channel, long at, String what) {
    String key = channel + "|" + at / DAY;
    Counters counts = counters.get(key);
    if (counts == null) counts = new Counters(new HashMap<>());
    counts.getCounts().merge(what, 1L, Long::sum);
    counters.put(key, counts);
  }
}
