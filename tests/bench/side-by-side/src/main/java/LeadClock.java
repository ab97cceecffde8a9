// LeadClock.java - the facts and promises of tests/bench/policy.yaml on Kafka Streams; no assigning, cooldown, repeated
// hand-offs, duplicates, corrections, settlements or tables.
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
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
import org.apache.kafka.common.serialization.BytesDeserializer;
import org.apache.kafka.common.serialization.BytesSerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Each open lead has one timer, in a store that is ordered by time. A timer is not moved when what is next moves on:
 * it fires, and is set anew, which costs less than moving it at each contact. */
final class LeadClock implements Processor<Bytes, SpecificRecord, Bytes, SpecificRecord> {
  private static final long MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  private static final int SECOND_WARNING = 1, DUE = 2, CLAWBACK_WARNING = 3, CLAWBACK = 4; // 0: the first warning
  private static final int MOST_DUE = 5000; // at once: a storm must not outlast its transaction
  private static final int QUIET = 30; // a tenth of a second each
  private static final byte[] PRESENT = {1};
  private static final Set<String> HOT = Set.of("demo", "quote");
  private static final Map<String, String> ROUTES = Map.of("student", "SUPPRESS", "wrong_territory", "REASSIGN",
      "bad_contact_data", "ENRICH");

  private final Map<String, Counters> known = new HashMap<>(); // as in the store: one task alone writes it
  private ProcessorContext<Bytes, SpecificRecord> context;
  private KeyValueStore<Bytes, Lead> leads;
  private KeyValueStore<Bytes, byte[]> timers;
  private KeyValueStore<String, Counters> counters;
  private int quiet; // punctuations since a fact was read
  private long seen; // how many were, by all tasks
  private long firedUpTo; // no timer is before: a scan from the beginning would pass what was deleted

  /** `suppliers` makes a store of a name: in memory, or RocksDB. */
  static Topology topology(String inputs, String outputs, Function<String, KeyValueBytesStoreSupplier> suppliers) {
    TimestampExtractor occurredAt = (fact, partitionTime) -> (long) ((SpecificRecord) fact.value()).get(0);
    Topology topology = new Topology();
    topology.addSource(AutoOffsetReset.earliest(), "facts", occurredAt, new BytesDeserializer(), Codec.framedReader(),
        inputs + "leads.created", inputs + "leads.contacted", inputs + "leads.rejected");
    topology.addProcessor("clock", LeadClock::new, "facts");
    Serde<Lead> lead = Codec.stored(Lead.getClassSchema());
    Serde<Counters> counts = Codec.framed();
    topology.addStateStore(store(suppliers, "leads", Serdes.Bytes(), lead), "clock");
    topology.addStateStore(store(suppliers, "timers", Serdes.Bytes(), Serdes.ByteArray()), "clock");
    // Few keys that change with every fact: cached, only the last of a commit is written.
    topology.addStateStore(store(suppliers, "counters", Serdes.String(), counts).withCachingEnabled(), "clock");
    for (String name : List.of("breaches", "warnings", "clawbacks", "routed"))
      topology.addSink(name, outputs + name, new BytesSerializer(), Codec.framedWriter(), "clock");
    return topology;
  }

  private static <K, V> StoreBuilder<KeyValueStore<K, V>> store(Function<String, KeyValueBytesStoreSupplier> suppliers,
      String name, Serde<K> keys, Serde<V> values) {
    return Stores.keyValueStoreBuilder(suppliers.apply(name), keys, values);
  }

  @Override
  public void init(ProcessorContext<Bytes, SpecificRecord> given) {
    context = given;
    leads = given.getStateStore("leads");
    timers = given.getStateStore("timers");
    counters = given.getStateStore("counters");
    known.clear();
    firedUpTo = 0;
    quiet = 0;
    given.schedule(Duration.ofMillis(100), PunctuationType.WALL_CLOCK_TIME, this::fire);
  }

  // ---- Facts ----

  @Override
  public void process(Record<Bytes, SpecificRecord> fact) {
    Main.tellRead();
    Bytes id = fact.key();
    Lead lead = leads.get(id);
    if (fact.value() instanceof LeadCreated created) {
      if (lead == null) create(id, created);
      return;
    }
    if (lead == null) return;
    pass(id, lead, fact.timestamp());
    if (fact.value() instanceof LeadContacted contacted) {
      if (!lead.getClosed()) contact(lead, contacted);
    } else if (fact.value() instanceof LeadRejected rejected) {
      reject(id, lead, rejected);
    }
    save(id, lead);
  }

  private void create(Bytes id, LeadCreated fact) {
    long at = fact.getOccurredAt();
    Lead lead = new Lead(at, 0L, at, fact.getChannel(), fact.getOwner(), 0, false, false, false, 0L);
    count(lead, "handed_off");
    save(id, lead);
  }

  private void contact(Lead lead, LeadContacted fact) {
    long at = fact.getOccurredAt();
    if (lead.getFirstContactAt() == 0) {
      lead.setFirstContactAt(at);
      count(lead, "contacted");
      if (!lead.getBreached()) count(lead, "first_contact_met");
    }
    if (lead.getOwner() == null) lead.setOwner(fact.getOwner());
    lead.setLastActivityAt(Math.max(lead.getLastActivityAt(), at));
    if (isHot(lead) || lead.getStep() < CLAWBACK) lead.setStep(CLAWBACK_WARNING);
  }

  private void reject(Bytes id, Lead lead, LeadRejected fact) {
    if (lead.getClosed()) {
      if (!lead.getRejectedLate()) count(lead, "rejected_late");
      lead.setRejectedLate(true);
      return;
    }
    close(lead, "rejected");
    String reason = fact.getReason();
    route(id, lead, fact.getOccurredAt(), ROUTES.getOrDefault(reason, "NURTURE"), "REJECTED", reason);
  }

  private void save(Bytes id, Lead lead) {
    if (!lead.getClosed() && lead.getTimerAt() == 0) {
      lead.setTimerAt(nextAt(lead));
      timers.put(timerKey(lead.getTimerAt(), id), PRESENT);
      firedUpTo = Math.min(firedUpTo, lead.getTimerAt());
    }
    leads.put(id, lead);
  }

  // ---- Promises: warnings, due, then the clawback with its warning ----

  private static boolean isHot(Lead lead) {
    return HOT.contains(lead.getChannel());
  }

  private static long due(Lead lead) {
    return lead.getHandoffAt() + (isHot(lead) ? 5 * MINUTE : 24 * HOUR);
  }

  private static long clawback(Lead lead) {
    return isHot(lead) ? lead.getLastActivityAt() + 14 * DAY : lead.getHandoffAt() + 30 * DAY;
  }

  private static long nextAt(Lead lead) {
    long from = lead.getHandoffAt(), within = due(lead) - from;
    return switch (lead.getStep()) {
      case SECOND_WARNING -> from + within - MINUTE;
      case DUE -> due(lead);
      case CLAWBACK_WARNING -> clawback(lead) - DAY;
      case CLAWBACK -> clawback(lead);
      default -> from + (isHot(lead) ? within / 2 : within * 8 / 10);
    };
  }

  /** What came before `until`, which is what a fact that occurs then finds. */
  private void pass(Bytes id, Lead lead, long until) {
    while (!lead.getClosed() && nextAt(lead) < until) step(id, lead, nextAt(lead));
  }

  private void step(Bytes id, Lead lead, long at) {
    switch (lead.getStep()) {
      case DUE -> {
        breach(id, lead, at);
        lead.setStep(CLAWBACK_WARNING);
      }
      case CLAWBACK_WARNING -> {
        warn(id, lead, at, "clawback", clawback(lead));
        lead.setStep(CLAWBACK);
      }
      case CLAWBACK -> {
        close(lead, "clawed_back");
        send(id, new LeadClawedBack(text(id), lead.getHandoffAt(), at, lead.getChannel(), lead.getOwner(), at), at,
            "clawbacks");
        route(id, lead, at, "NURTURE", "CLAWED_BACK", null);
      }
      default -> {
        warn(id, lead, at, "first_contact", due(lead));
        lead.setStep(isHot(lead) && lead.getStep() != SECOND_WARNING ? SECOND_WARNING : DUE);
      }
    }
  }

  private void warn(Bytes id, Lead lead, long at, String clock, long due) {
    if (due < System.currentTimeMillis()) return; // nobody wants to be warned of what is broken already
    send(id, new SlaWarning(text(id), lead.getHandoffAt(), at, lead.getChannel(), lead.getOwner(),
        clock, due), at, "warnings");
  }

  private void breach(Bytes id, Lead lead, long at) {
    lead.setBreached(true);
    count(lead, "first_contact_breached");
    send(id, new SlaBreached(text(id), lead.getHandoffAt(), at, lead.getChannel(), lead.getOwner(),
        "first_contact", at), at, "breaches");
    if (isHot(lead)) route(id, lead, at, "REASSIGN", "BREACHED", null);
  }

  private void route(Bytes id, Lead lead, long at, String route, String cause, String reason) {
    send(id, new LeadRouted(text(id), lead.getHandoffAt(), at, lead.getChannel(), lead.getOwner(),
        route, cause, reason), at, "routed");
  }

  private void send(Bytes id, SpecificRecord outcome, long at, String where) {
    context.forward(new Record<>(id, outcome, at), where);
  }

  private void close(Lead lead, String how) {
    lead.setClosed(true);
    count(lead, how);
  }

  private static String text(Bytes id) {
    return new String(id.get(), StandardCharsets.UTF_8);
  }

  // ---- Timers ----

  private static Bytes timerKey(long at, Bytes id) {
    return Bytes.wrap(ByteBuffer.allocate(8 + id.get().length).putLong(at).put(id.get()).array());
  }

  /** By the time of the facts, which come in its order; by the clock on the wall once no task has any to read. */
  private void fire(long wallClock) {
    quiet = seen == Main.read() ? quiet + 1 : 0;
    seen = Main.read();
    long now = quiet > QUIET ? wallClock : context.currentStreamTimeMs();
    if (now <= firedUpTo) return;
    List<Bytes> due = new ArrayList<>();
    Bytes nobody = Bytes.wrap(new byte[0]);
    try (KeyValueIterator<Bytes, byte[]> found = timers.range(timerKey(firedUpTo, nobody), timerKey(now, nobody))) {
      while (found.hasNext() && due.size() < MOST_DUE) due.add(found.next().key);
    }
    firedUpTo = due.size() < MOST_DUE ? now : ByteBuffer.wrap(due.get(MOST_DUE - 1).get()).getLong();
    for (Bytes timer : due) {
      timers.delete(timer);
      Bytes id = Bytes.wrap(Arrays.copyOfRange(timer.get(), 8, timer.get().length));
      Lead lead = leads.get(id);
      lead.setTimerAt(0L);
      pass(id, lead, now);
      save(id, lead);
    }
  }

  // ---- Counters, by channel and month of the hand-off ----

  private void count(Lead lead, String what) {
    String month = LocalDate.ofEpochDay(lead.getHandoffAt() / DAY).toString().substring(0, 7);
    String key = lead.getChannel() + "|" + month;
    Counters counts = known.computeIfAbsent(key, counters::get);
    if (counts == null) known.put(key, counts = new Counters(new HashMap<>()));
    counts.getCounts().merge(what, 1L, Long::sum);
    counters.put(key, counts);
  }
}
