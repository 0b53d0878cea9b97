import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.io.File;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;

/** Starts one of the servers that the tests need; prints "ready" where the server has no such line of its own. */
public final class TestServer {
    private TestServer() {}

    public static void main(String[] args) throws Exception {
        String[] rest = Arrays.copyOfRange(args, 1, args.length);
        switch (args[0]) {
            case "mongo" -> mongo(rest);
            case "dynamo" -> dynamo(rest);
            case "kafka" -> kafka(rest);
            default -> throw new IllegalArgumentException("no server is named " + args[0]);
        }
        Thread.currentThread().join();
    }

    /** PORT */
    private static void mongo(String[] args) {
        // Drivers of today refuse servers that speak less than version 9 of the protocol. What that version adds is not
        // asked for by the stores.
        MongoVersion version = new MongoVersion() {
            @Override
            public List<Integer> getVersionArray() {
                return List.of(4, 4, 0);
            }

            @Override
            public int getWireVersion() {
                return 9;
            }
        };
        MongoServer server = new MongoServer(new MemoryBackend().version(version));
        server.bind("127.0.0.1", Integer.parseInt(args[0]));
        System.out.println("ready");
    }

    /** What DynamoDBLocal.jar takes. */
    private static void dynamo(String[] args) throws Exception {
        ServerRunner.createServerFromCommandLineArgs(args).start();
        System.out.println("ready");
    }

    /** PROPERTIES CLUSTER: formats the log directory of a file of properties if it is not, and runs the broker. */
    private static void kafka(String[] args) throws Exception {
        Properties properties = new Properties();
        try (var in = new java.io.FileInputStream(args[0])) {
            properties.load(in);
        }
        if (!new File(properties.getProperty("log.dirs"), "meta.properties").exists()) {
            int status = kafka.tools.StorageTool.execute(
                    new String[] {"format", "--config", args[0], "--cluster-id", args[1]}, System.out);
            if (status != 0) {
                System.exit(status);
            }
        }
        kafka.Kafka.main(new String[] {args[0]});
    }
}
