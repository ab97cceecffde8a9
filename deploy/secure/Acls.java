// Acls.java - Kafka's own kafka-acls.sh for many commands at once: a JVM for each would take seconds a command.
// Standard input: the words of each command, a NUL after each, another NUL after each command.
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.tools.AclCommand;

public class Acls {
    public static void main(String[] none) throws IOException {
        List<String> words = new ArrayList<>();
        String all = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        for (String word : all.split("\0", -1)) {
            if (!word.isEmpty()) {
                words.add(word);
            } else if (!words.isEmpty()) {
                // Says what is wrong and ends the process, where it fails.
                AclCommand.main(words.toArray(new String[0]));
                words.clear();
            }
        }
    }
}
