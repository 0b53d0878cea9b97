package stores

// Rasa's back ends that this version does not have. They are known by name, so that a configuration that asks for one
// is refused instead of losing conversations silently.
func init() {
	const hint = "this version keeps conversations and locks in memory (in_memory)"
	for _, name := range []string{"redis", "mongod", "sql", "dynamo"} {
		Trackers.Unsupported(name, hint)
	}
	Locks.Unsupported("redis", hint)
	for _, name := range []string{"pika", "sql", "file", "kafka"} {
		Brokers.Unsupported(name, "this version publishes no events")
	}
}
