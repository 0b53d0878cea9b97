package testservers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

var sharedKafka, sharedDynamoDB, sharedMongo shared

// Kafka returns the address of the shared broker, one node in KRaft mode that makes topics when they are used.
func Kafka(tb testing.TB) string {
	tb.Helper()
	return sharedKafka.get(tb, kafka).Addr
}

// KafkaServer starts a broker.
func KafkaServer(tb testing.TB) *Server {
	tb.Helper()
	sp, err := kafka()
	return own(tb, sp, err)
}

// DynamoDB returns the URL of the shared DynamoDB Local. Any credentials and region will do; they share their tables.
func DynamoDB(tb testing.TB) string {
	tb.Helper()
	return sharedDynamoDB.get(tb, func() (spec, error) { return dynamoDB("-inMemory") }).URL
}

// DynamoDBServer starts a DynamoDB Local. It keeps its tables over Restart.
func DynamoDBServer(tb testing.TB) *Server {
	tb.Helper()
	sp, err := dynamoDB("-dbPath", ".")
	return own(tb, sp, err)
}

// Mongo returns the URL of the shared server of MongoDB's protocol, mongo-java-server. It keeps nothing on disk.
func Mongo(tb testing.TB) string {
	tb.Helper()
	return sharedMongo.get(tb, mongo).URL
}

// MongoServer starts a server of MongoDB's protocol. It keeps nothing on disk: Restart makes it empty, Stop and Cont do not.
func MongoServer(tb testing.TB) *Server {
	tb.Helper()
	sp, err := mongo()
	return own(tb, sp, err)
}

// java returns how to start one of the servers of TestServer.java.
func java(heap string, args func(port int, dir string) []string) (spec, error) {
	classes, err := classPath()
	if err != nil {
		return spec{}, err
	}
	path, err := program("java")
	return spec{
		argv: func(port int, dir string) []string {
			// A server of a test lives for seconds: what starts fast wins.
			argv := []string{path, "-Xmx" + heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-UsePerfData"}
			argv = append(argv, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info")
			argv = append(argv, "-Djava.library.path="+dir, "-Djava.io.tmpdir="+dir, "-cp", classes, "TestServer")
			return append(argv, args(port, dir)...)
		},
		ready: "ready",
	}, err
}

func mongo() (spec, error) {
	sp, err := java("512m", func(port int, _ string) []string { return []string{"mongo", strconv.Itoa(port)} })
	sp.name = "mongo-java-server"
	sp.url = func(addr string) string { return "mongodb://" + addr }
	return sp, err
}

// dynamoDB returns how to start one; storage says where it keeps its tables.
func dynamoDB(storage ...string) (spec, error) {
	sp, err := java("256m", func(port int, _ string) []string {
		return append([]string{"dynamo", "-port", strconv.Itoa(port), "-sharedDb", "-disableTelemetry"}, storage...)
	})
	sp.name = "dynamodb"
	sp.url = func(addr string) string { return "http://" + addr }
	sp.prepare = func(_ int, dir string) error { return linkSQLite(dir) }
	sp.alive = func(addr string) error {
		client := http.Client{Timeout: time.Second}
		resp, err := client.Get("http://" + addr) //nolint:noctx // it has a time limit
		if err != nil {
			return err
		}
		return resp.Body.Close() // any answer will do: the request is not signed
	}
	return sp, err
}

// linkSQLite puts the library that DynamoDB Local keeps its tables with where Java finds it by the name it asks for.
func linkSQLite(dir string) error {
	classes, err := classPath()
	if err != nil {
		return err
	}
	for _, path := range filepath.SplitList(classes) {
		if name := filepath.Base(path); filepath.Ext(name) == ".so" || filepath.Ext(name) == ".dylib" {
			if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func kafka() (spec, error) {
	controller, err := freePort()
	if err != nil {
		return spec{}, err
	}
	sp, err := java("256m", func(_ int, dir string) []string {
		return []string{"kafka", filepath.Join(dir, "server.properties"), "parley-tests-cluster00"}
	})
	sp.name, sp.ready = "kafka", "Kafka Server started"
	sp.prepare = func(port int, dir string) error {
		text := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%d
listeners=PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%[1]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[2]d
controller.listener.names=CONTROLLER
log.dirs=%[3]s/data
auto.create.topics.enable=true
num.partitions=3
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1000
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
log.cleaner.enable=false
`, controller, port, dir)
		return os.WriteFile(filepath.Join(dir, "server.properties"), []byte(text), 0o600)
	}
	return sp, err
}
