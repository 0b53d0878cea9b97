// Package chaos runs a fleet of servers against real stores, breaks whatever can break, and checks afterwards that nothing
// was lost or doubled: `make chaos`, and for a minute `make chaos-short`.
//
// Four frontends share a MongoDB stand-in, Redis under Sentinels for locks, and RabbitMQ. Senders post numbered messages
// through random frontends, some by the REST channel and some by the callback channel, one after another or several at a
// time, and post a message again, elsewhere, when they got no answer; some they repeat although they got one. Meanwhile
// frontends are killed, or stopped for longer than a lease and continued, Redis fails over or is away altogether, the
// store is slow, silent or refuses connections, and so does the broker.
//
// Afterwards every message that a frontend accepted must be in its conversation exactly once and in the order of its
// sender, its answer must have arrived, each event of a conversation must have reached the broker, the first time in the
// order of the conversation and whenever it came again under the same id, and every reminder must have run once. The bot
// counts in a slot, so that a turn on a blank or stale tracker shows.
package chaos
