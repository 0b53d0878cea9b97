// Package redis keeps conversations in Redis, in the keys and bytes of Rasa's RedisTrackerStore (rasa/core/tracker_store.py,
// 3.6.21): `tracker:ID` has a JSON object with the list of events. Nodes of Rasa and of parley can serve the same
// conversations.
//
// What differs is how the value is read and written. Rasa gets and sets all of it; here a script on the server compares
// the value with what the node knows of it, by its length and a digest of its last bytes, and returns or adds only what is
// new. So a turn is two commands and costs the same at the beginning and at the end of a long conversation, for the
// network, for the server and for its replicas; and a write on top of another that the node has not seen is refused.
//
// Beside Rasa's key a conversation has up to two others, whose names do not begin with Rasa's prefix:
//
//	parley:outbox:{tracker:ID}    hash: commits that are not delivered yet, with their events
//	parley:segments:{tracker:ID}  hash: events of closed sessions of a long conversation (segments.go)
//
// The braces make Redis Cluster put them beside the conversation, so that a script may touch all three. Beside these there
// are the index of conversations with notes, parley:outbox (one for each slot on a Cluster), and the timers, parley:timers
// and two more. A key_prefix stands before all names. Redis 5 or later is needed.
//
// Redis copies to replicas after it answered: a failover may lose the last turns, and nodes then see the conversation as it
// was before. Option wait_replicas makes a turn wait until replicas have it. Between a Rasa node's GET and its SET a write
// of any other node is lost, as between two Rasa nodes; a parley node notices it at its next read and never writes on top.
package redis
